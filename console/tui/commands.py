"""The ``:`` commands and the command palette: the actions that have a verb's name, with the keys that do the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from console.tui.actions import ACTIONS, Action
from console.tui.owner import app_of
from console.tui.themes import NAMES as THEME_NAMES
from services.errors import OperatorError
from widgets.symbols import STYLES

if TYPE_CHECKING:
    from console.tui.owner import ConsoleApp
    from console.tui.panes.pane_scope import PaneScope

COMMANDS: Mapping[str, Action] = {name: action for action in ACTIONS.values() for name in action.commands}

_NAME, _KEYS = 17, 6  # cells of the palette's columns


def available(app: ConsoleApp) -> dict[str, Action]:
    """Return the commands that exist, by name: in read-only mode none that changes something, faults in the lab alone."""
    return {
        name: action
        for name, action in COMMANDS.items()
        if not (action.changing and app.changes_nothing)
        and (_pane_of(app, action) is not None or app.offers(action) is not False)
    }


def _pane_of(app: ConsoleApp, action: Action) -> PaneScope | None:
    """Return the pane that does an action; None where the app does it."""
    return next((pane for pane in app.main.panes if action.scope in pane.SCOPES), None)


def run_command(app: ConsoleApp, name: str, argument: str = "") -> None:
    """Do what a command says, in its pane and with the row that is named, else the one under the cursor."""
    action = COMMANDS[name]
    if name not in available(app):
        app.notify(f"{name} does not exist {'in read-only mode' if action.changing else 'outside the lab'}", severity="warning")
        return
    pane = _pane_of(app, action)
    if pane is None:
        app.call_later(app.act, action.id, argument)
        return
    app.main.go_to(pane.NUMBER)
    pane.prepare(action)
    if action.needs_row and argument and not pane.go_to_row(argument):
        app.notify(f"no {pane.row_word()} {argument!r} is shown here", severity="warning", timeout=4)
    else:
        app.call_later(pane.act, action.id, argument)


def _context_names(app: ConsoleApp) -> Iterable[str]:
    from services.contexts.store import ContextStore

    try:
        return ContextStore().names()
    except OperatorError:
        return ()


def _module_names(app: ConsoleApp) -> Iterable[str]:
    return app.main.modules.row_names()


# What may stand after a command, by ``Action.argument``.
_ARGUMENTS: Mapping[str, Callable[[ConsoleApp], Iterable[str]]] = {
    "context": _context_names,
    "module": _module_names,
    "theme": lambda app: THEME_NAMES,
}


def _arguments(app: ConsoleApp, action: Action) -> Iterable[str]:
    pane = _pane_of(app, action)
    if action.needs_row and pane is not None:
        return pane.row_names()
    return _ARGUMENTS[action.argument](app) if action.argument in _ARGUMENTS else ()


def _completions(app: ConsoleApp) -> list[str]:
    """Return the commands, and the commands with what may stand after them."""
    commands = available(app)
    return [*commands, *(f"{name} {word}" for name, action in commands.items() for word in _arguments(app, action))]


def _remark(app: ConsoleApp, line: str) -> str:
    """Return what stands beside a command that is typed: its keys, and what it does."""
    action = available(app).get(line.partition(" ")[0])
    return " · ".join(filter(None, (app.key_signs(action), action.about))) if action is not None else ""


def open_command_line(app: ConsoleApp) -> None:
    """Open the line into which a command is typed."""
    from textual.suggester import SuggestFromList

    from widgets.command_line import CommandLine

    def run(line: str | None) -> None:
        name, _, argument = (line or "").strip().partition(" ")
        if line and line != (app.command_history or [""])[-1]:
            app.command_history.append(line)
        if name in COMMANDS:
            run_command(app, name, argument.strip())
        elif name:
            app.notify(f"there is no command {name!r}; Tab completes, ctrl+p lists them", severity="warning")

    app.push_screen(CommandLine(SuggestFromList(_completions(app)), partial(_remark, app), app.command_history), run)


class ConsoleCommands(Provider):
    """The same commands in Textual's palette (ctrl+p)."""

    @property
    def _app(self) -> ConsoleApp:
        return app_of(self.screen)

    def _line(self, action: Action, name: Content) -> Content:
        """Return a command as one line of the palette: name, keys, what it does."""
        keys = Content.styled(self._app.key_signs(action), STYLES["accent"])
        return Content.assemble(
            name.pad_right(_NAME - len(name)), keys.pad_right(max(1, _KEYS - len(keys))), (action.about, "not bold")
        )

    async def discover(self) -> Hits:
        """Yield all commands, each under its first name."""
        for name, action in available(self._app).items():
            if name == action.commands[0]:
                yield DiscoveryHit(self._line(action, Content(name)), partial(run_command, self._app, name), name)

    async def search(self, query: str) -> Hits:
        """Yield the commands that match."""
        matcher = self.matcher(query)
        for name, action in available(self._app).items():
            score = matcher.match(f"{name} {action.about}")
            if score > 0:
                yield Hit(score, self._line(action, matcher.highlight(name)), partial(run_command, self._app, name), name)
