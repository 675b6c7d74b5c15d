"""The ``:`` commands and the command palette: one list, with the verbs' names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from console.background import go
from console.owner import app_of
from console.themes import NAMES as THEME_NAMES
from services.errors import OperatorError
from services.names import module_name

if TYPE_CHECKING:
    from console.owner import ConsoleApp


@dataclass(frozen=True)
class Command:
    """A command: ``do`` gets the app and what was typed after the name."""

    name: str
    title: str
    do: Callable[[ConsoleApp, str], None]
    changing: bool = False
    arguments: Callable[[ConsoleApp], Iterable[str]] = lambda app: ()


def _act(action: str) -> Callable[[ConsoleApp, str], None]:
    def do(app: ConsoleApp, argument: str) -> None:
        app.call_later(app.run_action, f"app.{action}")

    return do


def _in_pane(number: int, action: str) -> Callable[[ConsoleApp, str], None]:
    """Go to a pane and press one of its keys."""

    def do(app: ConsoleApp, argument: str) -> None:
        pane = app.main.go_to(number)
        app.call_later(pane.run_action, action)

    return do


def _module(action: str) -> Callable[[ConsoleApp, str], None]:
    """Do something with the module that is named, else with the one under the cursor."""

    def do(app: ConsoleApp, argument: str) -> None:
        modules = app.main.modules
        app.main.go_to(2)
        if argument and not modules.table.go_to(module_name(argument)):
            app.notify(f"{app.main.device} shows no module {argument!r}", severity="warning", timeout=4)
        else:
            app.call_later(modules.run_action, action)

    return do


def _models(app: ConsoleApp, argument: str) -> None:
    app.main.go_to(1)
    app.main.images.action_models()


def _images(app: ConsoleApp, argument: str) -> None:
    app.main.go_to(1)
    app.main.images.action_images()


def _deploy(app: ConsoleApp, argument: str) -> None:
    _images(app, "")
    images = app.main.images
    named = next((image.id for image in images.images or () if argument in (image.id, image.name)), argument)
    if argument and not images.table.go_to(named):
        app.notify(f"the workspace shows no image {argument!r}", severity="warning", timeout=4)
    else:
        app.call_later(images.run_action, "deploy")


def _image_names(app: ConsoleApp) -> list[str]:
    return [f"{image.name}:{image.version}" for image in app.main.images.images or ()]


def _module_names(app: ConsoleApp) -> list[str]:
    state = app.main.modules.state
    return [module.name for module in state.modules] if state is not None else []


def _context_names(app: ConsoleApp) -> Iterable[str]:
    from services.contexts.store import ContextStore

    try:
        return ContextStore().names()
    except OperatorError:
        return ()


def _theme(app: ConsoleApp, argument: str) -> None:
    if argument and argument not in THEME_NAMES:
        app.notify(f"the themes are {', '.join(THEME_NAMES)}", severity="warning", timeout=5)
    else:
        app.action_theme(argument)


def _context(app: ConsoleApp, argument: str) -> None:
    if argument:
        app.use_context(argument)
    else:
        app.action_contexts()


def _device(app: ConsoleApp, argument: str) -> None:
    if argument:
        app.main.look_at(argument)
    else:
        app.main.modules.action_device()


def _score(app: ConsoleApp, argument: str) -> None:
    from console.screens.score import ScoreScreen

    if app.session is not None:
        row = app.main.modules.row
        hosts = {module.name for module in app.main.modules.hosts()}
        module = argument or (row.module.name if row is not None and row.module.name in hosts else "")
        app.push_screen(ScoreScreen(app.session, app.main.device, module))


def _export_manifest(app: ConsoleApp, argument: str) -> None:
    from console.jobs import manifests

    if app.session is not None:
        go(app, manifests.export(app.main, app.session, argument), "manifest")


def _import_manifest(app: ConsoleApp, argument: str) -> None:
    from console.jobs import manifests

    if app.session is not None:
        go(app, manifests.bring_in(app.main, app.session, argument), "deploy")


COMMANDS: tuple[Command, ...] = (
    Command("images", "Images of the workspace", _images),
    Command("models", "Models of the workspace", _models),
    Command("modules", "Modules of the device", _act("pane(2)")),
    Command("options", "Create options", _act("pane(3)")),
    Command("stream", "Messages", _act("pane(4)")),
    Command("deploy", "Deploy the image under the cursor", _deploy, changing=True, arguments=_image_names),
    Command("client", "Deploy the client module", _in_pane(1, "client"), changing=True),
    Command("logs", "Logs of the module under the cursor", _module("logs"), arguments=_module_names),
    Command("restart", "Restart the module under the cursor", _module("restart"), changing=True, arguments=_module_names),
    Command("start", "Start the module under the cursor", _module("start"), changing=True, arguments=_module_names),
    Command("stop", "Stop the module under the cursor", _module("stop"), changing=True, arguments=_module_names),
    Command("remove", "Remove the module under the cursor", _module("remove"), changing=True, arguments=_module_names),
    Command("score", "Score a picture on the host module now", _score),
    Command("export-manifest", "Write the device's whole manifest into a file", _export_manifest),
    Command("import-manifest", "Bring in a whole manifest, merged or instead", _import_manifest, changing=True),
    Command("twin", "Twin of the module under the cursor", _module("twin"), arguments=_module_names),
    Command("method", "Invoke a direct method of the module under the cursor", _module("method"), changing=True),
    Command("ping", "Ask the edge agent for a sign of life", _in_pane(2, "ping")),
    Command("faults", "The lab's faults, on and off", _act("open('faults')")),
    Command("devices", "All devices, sorted by trouble", _act("open('overview')")),
    Command("device", "Look at another device", _device),
    Command("overview", "All devices, sorted by trouble", _act("open('overview')")),
    Command("doctor", "Check everything from here to the FPGA", _act("open('doctor')")),
    Command("history", "What was deployed when; roll back", _act("open('history')")),
    Command("rollback", "Roll back to an earlier deployment", _act("open('history')"), changing=True),
    Command("watch", "Take up the last rollout's watch again", _act("watch")),
    Command("health", "Rates, latencies and classes of the messages", _in_pane(4, "health")),
    Command("export", "Export the messages that the filter lets through", _in_pane(4, "export")),
    Command("context", "Another context", _context, arguments=_context_names),
    Command("ctx", "Another context", _context, arguments=_context_names),
    Command("sign-in", "Show the code again that a sign-in waits for", _act("sign_in")),
    Command("theme", "Another theme: dark, light, high contrast, 16 colours", _theme, arguments=lambda app: THEME_NAMES),
    Command("help", "Help on the pane one is in", _act("help")),
    Command("quit", "Leave the console", _act("quit")),
    Command("q", "Leave the console", _act("quit")),
)


def available(app: ConsoleApp) -> list[Command]:
    """The commands that exist: in read-only mode none that changes something."""
    return [command for command in COMMANDS if not (command.changing and app.changes_nothing)]


def _completions(app: ConsoleApp) -> list[str]:
    """The commands, and the commands with what may stand after them."""
    known = available(app)
    return [command.name for command in known] + [
        f"{command.name} {word}" for command in known for word in command.arguments(app)
    ]


def palette(app: ConsoleApp) -> None:
    """The line one types a command into."""
    from textual.suggester import SuggestFromList

    from widgets.command_line import CommandLine

    def run(line: str | None) -> None:
        name, _, argument = (line or "").strip().partition(" ")
        if not name:
            return
        command = next((command for command in COMMANDS if command.name == name), None)
        if command is None:
            app.notify(f"there is no command {name!r}; Tab completes, ctrl+p lists them", severity="warning")
        else:
            app.run_command(command, argument.strip())

    app.push_screen(CommandLine(SuggestFromList(_completions(app))), run)


def _line(command: Command, name: Content) -> Content:
    """A command in one line of the palette."""
    return Content.assemble(name.pad_right(17 - len(name)), (command.title, "not bold"))


class ConsoleCommands(Provider):
    """The same commands in Textual's palette (ctrl+p)."""

    @property
    def _app(self) -> ConsoleApp:
        return app_of(self.screen)

    async def discover(self) -> Hits:
        """All of them."""
        for command in available(self._app):
            if command.name not in ("ctx", "q"):
                yield DiscoveryHit(
                    _line(command, Content(command.name)), partial(self._app.run_command, command, ""), command.name
                )

    async def search(self, query: str) -> Hits:
        """Those that match."""
        matcher = self.matcher(query)
        for command in available(self._app):
            score = matcher.match(f"{command.name} {command.title}")
            if score > 0:
                shown = _line(command, matcher.highlight(command.name))
                yield Hit(score, shown, partial(self._app.run_command, command, ""), command.name)
