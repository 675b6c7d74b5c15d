"""The console's app: it owns the session, what is being deployed, and the screens; what they do is theirs."""

from __future__ import annotations

import gc
import re
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.events import Event, Key
from textual.screen import Screen
from textual.scrollbar import ScrollBar

from console.terminal.leaving import leave_when_told
from console.terminal.slow_line import FPS, SLOW_FPS, LineStalls, is_remote, set_frames
from console.terminal.stop_and_continue import go_on_after_stops
from console.tui import themes
from console.tui.actions import ACTIONS, Action, bindings
from console.tui.app_actions import AppActions
from console.tui.background import go, in_thread
from console.tui.commands import ConsoleCommands, open_command_line
from console.tui.copying import CopyingApp
from console.tui.main_screen import MainScreen
from console.tui.screens.signing_in import DeviceCodes
from services.contexts.paths import state_folder
from services.errors import OperatorError
from services.files import FileError, private_folder, write
from services.operations.session import Session
from widgets.remedies import set_ways
from widgets.scrollbar import WholeCells
from widgets.symbols import ascii_only, is_ascii

if TYPE_CHECKING:
    from console.lab.process import LabProcess
    from console.tui.flows.watches import Watch
    from console.tui.resumption import Resumption
    from services.operations.drafts import Drafts


_REMEMBER = 2.0  # seconds between two looks whether one went elsewhere


class ConsoleApp(AppActions, CopyingApp):
    """dbe-console."""

    TITLE = "dbe-console"
    CSS_PATH = Path(__file__).with_name("console.tcss")
    COMMANDS = {ConsoleCommands}
    ENABLE_COMMAND_PALETTE = True
    SCOPES = ("app", "panes")
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

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
        self.own_keys: dict[str, str] = {}
        ascii_only(themes.unicode_missing())
        ScrollBar.renderer = WholeCells
        for theme in themes.THEMES:
            self.register_theme(theme)
        # The operator's own file, also where the lab's home takes the place of theirs later.
        self._theme_file = state_folder() / "theme"
        self.theme = themes.default_theme(themes.remembered(self._theme_file))
        self.command_history: list[str] = []  # lines of the : command, the newest last
        self.resumption: Resumption | None = None
        self.codes = DeviceCodes(self)

    def get_default_screen(self) -> Screen[None]:
        """Return the four panes."""
        return MainScreen(None, first=True)

    def on_mount(self) -> None:
        """End cleanly when the line is lost, then fetch the context: after the first frame."""
        if not self.is_headless:
            leave_when_told(self.exit)
            go_on_after_stops(self)
        self.set_class(self.slow, "-slow")
        self.call_after_refresh(self._begin)
        self.set_interval(_REMEMBER, self.remember)

    async def on_event(self, event: Event) -> None:
        """Have every pane mounted before the first key may go to it."""
        if isinstance(event, Key) and isinstance(self.screen, MainScreen):
            await self.screen.mount_rest()
        await super().on_event(event)

    def _begin(self) -> None:
        """Begin after the first frame.

        What stands by now stays: looking through it again and again would hold up keys.
        """
        gc.freeze()
        gc.enable()
        if is_remote() and not self.slow:
            go(self, self._offer_slow_link(), "slow-link")
        go(self, self._go_on(), "open")

    async def _go_on(self) -> None:
        await self.main.mount_rest()
        await self._open()

    async def _open(self) -> None:
        """Open the lab's context, the one asked for, or the first run."""
        from console.tui.keymap import for_textual, load_keymap
        from console.tui.remedies import ways
        from services.contexts.sign_in import show_device_codes
        from services.contexts.store import ContextStore

        show_device_codes(self.codes.ask)

        main = self.main
        try:
            self.own_keys = await in_thread(load_keymap)
            self.set_keymap(for_textual(self.own_keys))
        except OperatorError as error:
            self.show_error(error)
        set_ways(ways(self.key_signs))
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
        from console.tui import saved_state as place
        from console.tui.resumption import Resumption

        where = await in_thread(place.load_place, context.name)
        self.session = Session(context)
        self.resumption = Resumption(self, self.session, where)
        main.adopt(self.session, where)
        self.resumption.take_up()

    async def _offer_slow_link(self) -> None:
        """Say once in all that there is something for slow lines: how fast this one is cannot be asked."""
        mark = state_folder() / "slow-link-offered"
        if await in_thread(mark.exists):
            return
        self.notify("Over SSH: where the line is slow, :slow-link sends less. Said once.", timeout=10)
        with suppress(FileError):  # then it is said again
            await in_thread(lambda: write(private_folder(mark.parent) / mark.name, ""))

    @on(LineStalls)
    def _thin_out(self) -> None:
        """Send less over a line that does not keep up; say so once, and how it is taken back."""
        if not self.slow:
            self.set_slow(True)
            self.notify("The line does not keep up: less is drawn from here on. :slow-link takes it back.", timeout=10)

    def set_slow(self, slow: bool) -> None:
        """Draw fewer frames and nothing for looks alone, or as always."""
        self.slow = slow
        self.set_class(slow, "-slow")
        set_frames(self, SLOW_FPS if slow else FPS)

    def open_again(self) -> None:
        """Try again to find the context."""
        if self.session is None:
            go(self, self._open(), "open")

    @cached_property
    def drafts(self) -> Drafts:
        """The drafts of create options, whatever context they are of; none is read before the first frame."""
        from services.operations.drafts import Drafts

        return Drafts()

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
        """Clear what belongs to the old context."""
        self.remember()
        old, self.session = self.session, None
        self.context_name = name
        self.watches = []
        self.resumption = None
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if not self.screen._result_callbacks:  # Textual gives its default screen none, and misses it when that is switched
            self.screen._push_result_callback(self.screen, None)
        self.switch_screen(MainScreen(None))

        async def change() -> None:
            await in_thread(self.drafts.keep)
            if old is not None:
                await in_thread(old.close)
            await self._open()

        self.call_after_refresh(lambda: go(self, change(), "open"))

    def end(self) -> None:
        """Keep what was typed last; end what the session and the embedded lab started, after the last frame."""
        if "drafts" in self.__dict__:
            self.drafts.keep()
        if self.session is not None:
            self.session.close()
        if self.lab is not None:
            self.lab.close()

    # Coming back where one was.

    def remember(self) -> None:
        """Keep where one is, if that is elsewhere than before."""
        if self.resumption is not None and any(isinstance(screen, MainScreen) for screen in self.screen_stack):
            self.resumption.keep()

    def follow(self, watch: Watch) -> None:
        """Follow a rollout to its end, whatever screen is looked at."""
        self.watches.append(watch)
        go(self, self._follow(watch), f"watch-{len(self.watches)}", exclusive=False)

    async def _follow(self, watch: Watch) -> None:
        await watch.run()
        if self.is_running and watch.device == self.main.device:
            self.main.modules.read(on_request=True)  # what it ended with is not shown half a minute later

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give ``$dim`` and ``$edge``, which stand in our style sheets; every theme of ours names its own."""
        return {"dim": "#8a949e", "edge": "#3d4751"}

    # Keys and commands.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keep most keys of the app for the four panes; a screen over them has its own, and so has a dialog."""
        if action == "act" and ACTIONS[str(parameters[0])].scope == "panes" and not isinstance(self.screen, MainScreen):
            return False
        return super().check_action(action, parameters)

    def offers(self, action: Action) -> bool | None:
        """Offer faults in the lab alone."""
        if action.id == "app.faults" and not (self.session is not None and self.session.context.lab):
            return False
        return super().offers(action)

    def get_system_commands(self, screen: Screen[object]) -> list[SystemCommand]:
        """Return none of Textual's own: ours stand in the palette under the verbs' names."""
        return []

    def get_key_display(self, binding: Binding) -> str:
        """Return keys as they stand on the keyboard, in signs that this terminal has."""
        text = binding.key_display or super().get_key_display(binding)
        if re.fullmatch("f[0-9]+|esc|space|tab", text):
            text = text.capitalize()
        text = {"pgdn": "PgDn", "pgup": "PgUp"}.get(text, text)
        return text.replace("⏎", "Ret") if is_ascii() else text

    def key_signs(self, action: Action) -> str:
        """Return the keys that an action has now, as they stand on the keyboard."""
        from console.tui.keymap import key_sign, split_keys

        keys = self.own_keys.get(action.id, action.keys)
        return " ".join(key_sign(self, key) for key in split_keys(keys)) if keys else ""

    @property
    def changes_nothing(self) -> bool:
        """Whether this is read-only mode."""
        return self.read_only or (self.session is not None and self.session.read_only)

    def action_command_palette(self) -> None:
        """Show all commands, to choose from."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="a command or what it does"))

    def action_command(self) -> None:
        """Open the command line."""
        open_command_line(self)

    def action_theme(self, name: str = "") -> None:
        """Change to the named theme, else to the next one; it is remembered."""
        names = themes.NAMES
        if name and name not in names:
            self.notify(f"the themes are {', '.join(names)}", severity="warning", timeout=5)
            return
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
        from console.tui.screens.new_context import NewContext

        def use(name: str | None) -> None:
            if name:
                self.use_context(name)

        self.push_screen(NewContext(first=first, read_only=self.read_only), use)

    def start_lab(self) -> None:
        """Open the embedded lab instead."""
        from console.lab.process import LabProcess

        self.lab = LabProcess()
        self._leave_for(None)
