"""The console's app: it owns the session, what is being deployed, and the screens; what they do is theirs."""

from __future__ import annotations

import gc
import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.screen import Screen
from textual.scrollbar import ScrollBar

from console import themes
from console.background import go, in_thread
from console.commands import Command, ConsoleCommands, palette
from console.continued import go_on_after_stops, paint_anew
from console.jobs.watches import Watch
from console.leaving import leave_when_told
from console.main_screen import MainScreen
from console.opening import SCREENS
from console.screens.signing_in import DeviceCodes
from console.telling import TellingApp
from services.contexts.paths import state_folder
from services.errors import OperatorError
from services.files import FileError
from services.operations.session import Session
from widgets.scrollbar import WholeCells
from widgets.signs import ascii_only, is_ascii

if TYPE_CHECKING:
    from console.coming_back import Whereabouts
    from console.lab.process import LabProcess


_REMEMBER = 2.0  # seconds between two looks whether one went elsewhere


class ConsoleApp(TellingApp):
    """dbe-console."""

    TITLE = "dbe-console"
    CSS_PATH = Path(__file__).with_name("console.tcss")
    COMMANDS = {ConsoleCommands}
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "pane(1)", "Images", show=False, id="app.images"),
        Binding("2", "pane(2)", "Modules", show=False, id="app.modules"),
        Binding("3", "pane(3)", "Options", show=False, id="app.options"),
        Binding("4", "pane(4)", "Messages", show=False, id="app.messages"),
        Binding("d", "open('doctor')", "Doctor", id="app.doctor"),
        Binding("o", "open('overview')", "Overview", id="app.overview", show=False),
        Binding("H", "open('history')", "History", id="app.history", show=False),
        Binding("w", "watch", "Rollout", id="app.watch", show=False),
        Binding("c", "contexts", "Contexts", id="app.contexts", show=False),
        Binding("T", "theme", "Theme", id="app.theme", show=False),
        Binding("F", "open('faults')", "Faults of the lab", id="app.faults", show=False),
        Binding("colon", "command", "Cmd", id="app.command", key_display=":"),
        Binding("question_mark", "help", "Help", id="app.help", key_display="?"),
        Binding("f1", "help", "Help", id="app.help"),  # where one types, it is the one that works, and the footer's
        Binding("q", "quit", "Quit", id="app.quit"),
        Binding("ctrl+z", "suspend_process", "To the shell", id="app.suspend", show=False),
        Binding("ctrl+l", "paint", "Paint the screen anew", id="app.paint", show=False, priority=True),
    ]

    def __init__(
        self, *, context: str | None = None, read_only: bool = False, lab: LabProcess | None = None, slow: bool = False
    ) -> None:
        # Textual makes greys of colours where there are to be none, and of the terminal's own black on black, unless it knows now.
        super().__init__(ansi_color=themes.no_colours() or None)
        self.context_name = context
        self.read_only = read_only
        self.lab = lab
        self.slow = slow
        self.session: Session | None = None
        self.watches: list[Watch] = []
        ascii_only(themes.unicode_missing())
        ScrollBar.renderer = WholeCells
        for theme in themes.THEMES:
            self.register_theme(theme)
        # The operator's own file, also where the lab's home takes the place of theirs later.
        self._theme_file = state_folder() / "theme"
        self.theme = themes.default_theme(themes.remembered(self._theme_file))
        self.whereabouts: Whereabouts | None = None
        self.codes = DeviceCodes(self)

    def get_default_screen(self) -> Screen[None]:
        """The four panes."""
        return MainScreen(None)

    def on_mount(self) -> None:
        """End cleanly when the line is lost, then fetch the context: after the first frame."""
        if not self.is_headless:
            leave_when_told(self.exit)
            go_on_after_stops(self)
        self.call_after_refresh(self._begin)
        self.set_interval(_REMEMBER, self.remember)

    def _begin(self) -> None:
        """After the first frame. What stands by now stays: looking through it again and again would hold up keys."""
        gc.freeze()
        gc.enable()
        go(self, self._open(), "open")

    async def _open(self) -> None:
        """The lab's context, the one asked for, or the first run."""
        from console.keys import load_keymap
        from services.contexts.sign_in import show_device_codes
        from services.contexts.store import ContextStore

        show_device_codes(self.codes.ask)

        main = self.main
        try:
            self.set_keymap(await in_thread(load_keymap))
        except OperatorError as error:
            self.show_error(error)
        if self.lab is not None:
            main.waiting("The lab is starting")
            try:
                await in_thread(self.lab.ready)
            except OperatorError as error:
                main.stranded(error)
                return
        try:
            names = await in_thread(lambda: ContextStore().names())
            if not names and self.context_name is None:
                main.waiting("No context yet")
                self.new_context(first=True)
                return
            context = await in_thread(lambda: ContextStore().resolve(self.context_name, read_only=self.read_only))
        except OperatorError as error:
            main.stranded(error)
            return
        from console import place
        from console.coming_back import Whereabouts

        where = await in_thread(place.left, context.name)
        self.session = Session(context)
        self.whereabouts = Whereabouts(self, self.session, where)
        main.adopt(self.session, where)
        self.whereabouts.take_up()

    def open_again(self) -> None:
        """Try again to find the context."""
        if self.session is None:
            go(self, self._open(), "open")

    @property
    def main(self) -> MainScreen:
        """The screen of the four panes."""
        return next(screen for screen in self.screen_stack if isinstance(screen, MainScreen))

    def use_context(self, name: str) -> None:
        """Leave the context for another, which becomes the current one; an unknown one is named and changes nothing."""
        from services.contexts.store import ContextStore

        async def change() -> None:
            await in_thread(lambda: ContextStore().use(name))
            self._leave_for(name)

        go(self, change(), "context")

    def _leave_for(self, name: str | None) -> None:
        """Nothing of the old context stays on the screen."""
        self.remember()
        old, self.session = self.session, None
        self.context_name = name
        self.watches = []
        self.whereabouts = None
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if not self.screen._result_callbacks:  # Textual gives its default screen none, and misses it when that is switched
            self.screen._push_result_callback(self.screen, None)
        self.switch_screen(MainScreen(None))

        async def change() -> None:
            if old is not None:
                await in_thread(old.close)
            await self._open()

        self.call_after_refresh(lambda: go(self, change(), "open"))

    def end(self) -> None:
        """After the last frame: end what the session and the embedded lab started."""
        if self.session is not None:
            self.session.close()
        if self.lab is not None:
            self.lab.close()

    # Coming back where one was.

    def remember(self) -> None:
        """Keep where one is, if that is elsewhere than before."""
        if self.whereabouts is not None and any(isinstance(screen, MainScreen) for screen in self.screen_stack):
            self.whereabouts.keep()

    def follow(self, watch: Watch) -> None:
        """Follow a rollout to its end, whatever screen is looked at."""
        self.watches.append(watch)
        go(self, self._follow(watch), f"watch-{len(self.watches)}", exclusive=False)

    async def _follow(self, watch: Watch) -> None:
        await watch.run()
        if self.is_running and watch.device == self.main.device:
            self.main.modules.read(asked=True)  # what it ended with is not shown half a minute later

    def action_sign_in(self) -> None:
        """Show the code again that a sign-in waits for."""
        if not self.codes.show():
            self.notify("no sign-in waits for a code", timeout=3)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """``$dim`` and ``$edge`` stand in our style sheets; every theme of ours names its own."""
        return {"dim": "#8a949e", "edge": "#3d4751"}

    # Keys and commands.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Panes are reached from the four panes only; a dialog has its own keys."""
        if action == "open" and parameters == ("faults",) and not (self.session is not None and self.session.context.lab):
            return False
        if action in ("pane", "open", "watch", "contexts", "command", "theme"):
            return isinstance(self.screen, MainScreen)
        return super().check_action(action, parameters)

    def get_system_commands(self, screen: Screen[object]) -> list[SystemCommand]:
        """None of Textual's own: ours stand in the palette under the verbs' names."""
        return []

    def get_key_display(self, binding: Binding) -> str:
        """Keys as they stand on the keyboard, in signs that this terminal has."""
        shown = binding.key_display or super().get_key_display(binding)
        if re.fullmatch("f[0-9]+|esc|space|tab", shown):
            shown = shown.capitalize()
        shown = {"pgdn": "PgDn", "pgup": "PgUp"}.get(shown, shown)
        return shown.replace("⏎", "Ret") if is_ascii() else shown

    def run_command(self, command: Command, argument: str) -> None:
        """Do what a command says."""
        if command.changing and self.changes_nothing:
            self.notify(f"{command.name} does not exist in read-only mode", severity="warning")
            return
        command.do(self, argument)

    @property
    def changes_nothing(self) -> bool:
        """Whether this is read-only mode."""
        return self.read_only or (self.session is not None and self.session.read_only)

    def action_pane(self, number: int) -> None:
        """To a pane."""
        self.main.go_to(number)

    def action_open(self, name: str) -> None:
        """One of the screens over the panes."""
        if self.session is not None:
            SCREENS[name](self, self.session)

    def action_command_palette(self) -> None:
        """All commands, to choose from."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="a command or what it does"))

    def action_command(self) -> None:
        """The command line."""
        palette(self)

    def action_help(self) -> None:
        """Help on the pane one is in."""
        from console.screens.help import help_dialog

        self.push_screen(help_dialog(self))

    def action_paint(self) -> None:
        """The whole screen once more, in dialogs too: something else has written on the terminal."""
        paint_anew(self)

    def action_watch(self) -> None:
        """Take up the last rollout's watch again."""
        if not self.watches:
            self.notify("nothing was deployed in this session", timeout=3)
            return
        from console.screens.rollout import RolloutScreen

        self.push_screen(RolloutScreen(self.watches[-1]))

    def action_contexts(self) -> None:
        """Another context."""
        from console.screens.contexts import choose_context

        go(self, choose_context(self), "contexts")

    def action_theme(self, name: str = "") -> None:
        """The named theme, else the next one; it is remembered."""
        names = themes.NAMES
        following = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]
        self.theme = name or following
        go(self, self._remember_theme(self.theme), "theme", exclusive=False)

    async def _remember_theme(self, name: str) -> None:
        try:
            await in_thread(themes.remember, self._theme_file, name)
        except FileError as error:
            self.notify(f"{name}, for now: {error.cause}", timeout=3)
        else:
            self.notify(name, timeout=2)

    def new_context(self, first: bool = False) -> None:
        """Put a context together, try it, keep it, go to it."""
        from console.screens.new_context import NewContext

        def made(name: str | None) -> None:
            if name:
                self.use_context(name)

        self.push_screen(NewContext(first=first, read_only=self.read_only), made)

    def start_lab(self) -> None:
        """Open the embedded lab instead."""
        from console.lab.process import LabProcess

        self.lab = LabProcess()
        self._leave_for(None)
