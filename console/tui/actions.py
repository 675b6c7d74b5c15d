"""Everything that the operator can do: the one table that keys, footer, help, commands, palette and read-only mode derive from.

A new key is one entry here and one method: ``modules.restart`` is ``action_restart`` of the class that runs the scope ``modules``
(console/tui/scope.py). Cursor, scrolling and the filter line are matters of a widget, which has keys of its own for them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import KW_ONLY, dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True)
class Action:
    """An entry of the table."""

    id: str  # the name that keys.toml knows
    title: str  # in footer and help
    keys: str  # Textual's names with commas between; none for what is a command alone
    scope: str  # where it works: a class that has it among its SCOPES
    _: KW_ONLY
    key_display: str | None = None  # in the footer, where Enter does it too
    footer: bool = True  # shown there as far as there is room
    priority: bool = False  # before the widget that has the focus
    changing: bool = False  # does not exist in read-only mode
    needs_row: bool = False  # the handler gets what stands under the cursor
    needs_content: bool = False  # not offered while nothing is shown
    command: str = ""  # its names after ``:`` (the verb's), with commas between
    about: str = ""  # what the palette says of the command
    argument: str = ""  # what may stand after the command, for a handler that takes a text
    handler: str = ""  # the method, where its name does not come from the id

    @property
    def method(self) -> str:
        """The name of the method that does it."""
        return self.handler or f"action_{self.id.partition('.')[2].replace('-', '_')}"

    @property
    def commands(self) -> list[str]:
        """The names that it has as a command."""
        return self.command.split(",") if self.command else []


# fmt: off
_TABLE = (
    # Images and models of the workspace; ``workspace`` is what both have.
    Action("images.deploy", "Deploy", "D", "images", key_display="⏎ D", changing=True, needs_row=True,
           command="deploy", about="Deploy the image under the cursor"),
    Action("models.make-image", "Make image", "D", "models", key_display="⏎ D", changing=True, needs_row=True),
    Action("images.client", "Client", "C", "workspace", changing=True, command="client", about="Deploy the client module"),
    Action("images.models", "Models", "m", "images", command="models", about="Models of the workspace"),
    Action("models.images", "Images", "m", "models", command="images", about="Images of the workspace"),
    Action("images.details", "Details", "i,space", "workspace", key_display="i", needs_row=True),
    Action("images.build-log", "Build log", "b", "images", footer=False, needs_row=True),
    Action("images.yank", "Copy location", "y", "images", footer=False, needs_row=True),
    # Modules of the device.
    Action("modules.details", "Details", "i,space", "modules", key_display="⏎", needs_row=True),
    Action("modules.logs", "Logs", "l", "modules", needs_row=True, command="logs", about="Logs of the module under the cursor"),
    Action("modules.edit", "Options", "e", "modules", needs_row=True),
    Action("modules.restart", "Restart", "R", "modules", changing=True, needs_row=True,
           command="restart", about="Restart the module under the cursor"),
    Action("modules.switch", "Stop/start", "s", "modules", changing=True, needs_row=True),
    Action("modules.start", "Start", "", "modules", changing=True, needs_row=True,
           command="start", about="Start the module under the cursor"),
    Action("modules.stop", "Stop", "", "modules", changing=True, needs_row=True,
           command="stop", about="Stop the module under the cursor"),
    Action("modules.remove", "Remove", "X,delete", "modules", key_display="X", footer=False, changing=True, needs_row=True,
           command="remove", about="Remove the module under the cursor"),
    Action("modules.upgrade", "Upgrade", "", "modules", changing=True, needs_row=True,
           command="upgrade", about="Upgrade edgeHub or edgeAgent under the cursor, its image pulled first"),
    Action("modules.client", "Deploy client", "C", "modules", footer=False, changing=True),
    Action("modules.device", "Device", "v", "modules", footer=False,
           command="device", about="Look at another device", argument="device"),
    Action("modules.score", "Score a picture", "P", "modules", footer=False,
           command="score", about="Score a picture on the host module now", argument="module"),
    Action("modules.twin", "Twin", "t", "modules", footer=False, needs_row=True,
           command="twin", about="Twin of the module under the cursor"),
    Action("modules.method", "Method", "m", "modules", footer=False, changing=True, needs_row=True,
           command="method", about="Invoke a direct method of the module under the cursor"),
    Action("modules.ping", "Ping", "p", "modules", footer=False, command="ping", about="Ask the edge agent for a sign of life"),
    Action("modules.yank", "Copy image", "y", "modules", footer=False, needs_row=True),
    # The editor of create options.
    # Priority: the text area has f6 and others for itself, and these are wanted while one types.
    Action("options.deploy", "Review", "f8", "options", priority=True, changing=True),
    Action("options.edit", "Edit", "e", "options"),
    Action("options.preset", "Preset", "p", "options"),
    Action("options.external", "$EDITOR", "f4", "options", priority=True),
    Action("options.save", "Save", "f6", "options", priority=True, changing=True),
    Action("options.yank", "Copy", "y", "options", footer=False),
    Action("options.difference", "Difference", "v", "options", footer=False),
    Action("options.deployed", "Take the deployed", "u", "options", footer=False),
    # Messages.
    Action("messages.pause", "Pause", "space", "messages", needs_content=True),
    Action("messages.follow", "Follow", "f", "messages", needs_content=True),
    Action("messages.devices", "All devices", "a", "messages", footer=False, command="all-devices",
           about="Messages of all devices, or of this one"),
    Action("messages.details", "Details", "i", "messages", key_display="⏎", needs_row=True),
    Action("messages.export", "Export", "E", "messages", footer=False, needs_content=True,
           command="export", about="Export the messages that the filter lets through"),
    Action("messages.context", "Context", "x", "messages", footer=False, needs_row=True),
    Action("messages.mark", "Mark", "m", "messages", footer=False, needs_row=True),
    Action("messages.health", "Health", "h", "messages", command="health", about="Rates, latencies and classes of the messages"),
    Action("messages.jump", "Jump to time", "at", "messages", footer=False, needs_content=True),
    Action("messages.save", "Save", "s", "messages", footer=False, needs_row=True),
    Action("messages.yank", "Copy", "y", "messages", footer=False, needs_row=True),
    Action("message.next", "Next", "n", "message"),
    Action("message.previous", "Previous", "p", "message"),
    # Every pane of rows.
    Action("pane.filter", "Filter", "slash", "pane"),
    Action("pane.refresh", "Refresh", "r,ctrl+r", "pane", footer=False),
    Action("pane.sort", "Sort", "S", "pane", footer=False),
    # The screens over the panes; a module's details have keys of the modules pane.
    Action("screen.back", "Back", "escape,q", "screen", handler="action_leave"),
    Action("doctor.again", "Again", "r", "doctor"),
    Action("doctor.unfold", "All checks", "a", "doctor"),
    Action("doctor.report", "Write report", "W", "doctor"),
    Action("history.rollback", "Roll back", "B", "history", changing=True, needs_row=True),
    Action("history.all", "All devices", "a", "history"),
    Action("rollout.messages", "Messages", "m,4", "rollout"),
    Action("rollout.client", "Client", "C", "rollout", changing=True),
    Action("rollout.logs", "Logs", "l", "rollout"),
    Action("score.file", "Picture", "f", "score"),
    Action("score.repeat", "Repeats", "n", "score"),
    Action("score.again", "Again", "r,enter", "score", key_display="r"),
    Action("overview.again", "Refresh", "r", "overview"),
    Action("health.next", "Next window", "n", "health"),
    Action("health.again", "Refresh", "r", "health"),
    Action("faults.switch", "On/off", "enter,space", "faults", key_display="⏎", needs_row=True),
    Action("faults.none", "All off", "N", "faults"),
    Action("faults.find", "Filter", "slash", "faults"),
    Action("logs.pause", "Pause", "space", "logs"),
    Action("logs.search", "Search", "slash", "logs"),
    Action("logs.next-match", "Next match", "n", "logs", footer=False),
    Action("logs.previous-match", "Match before", "N", "logs", footer=False),
    Action("logs.times", "Times", "t", "logs", footer=False),
    Action("logs.tail", "Lines", "number_sign", "logs", footer=False),
    Action("logs.level", "Level", "L", "logs", footer=False),
    Action("logs.wrap", "Wrap", "w", "logs"),
    Action("logs.save", "Save", "s", "logs"),
    Action("logs.since", "Since", "S", "logs", footer=False),
    Action("logs.until", "Until", "U", "logs", footer=False),
    Action("logs.regex", "Regex", "x", "logs", footer=False),
    Action("logs.module", "Module", "M", "logs"),
    Action("logs.restart", "Restart", "R", "logs", changing=True),
    Action("logs.again", "Again", "r", "logs", footer=False),
    Action("twin.edit", "Edit desired", "e", "twin", changing=True),
    Action("twin.again", "Read again", "r", "twin"),
    Action("twin.copy", "Copy JSON", "y", "twin"),
    Action("twin.cancel", "Cancel", "escape", "twin-editor", priority=True, handler="action_leave"),
    Action("twin.done", "Show the difference", "f8,ctrl+g", "twin-editor", priority=True),
    Action("new-context.lists", "Azure's lists", "f2", "new-context"),
    Action("new-context.keep", "Try & keep", "f8", "new-context"),
    Action("new-context.lab", "Lab", "f9", "new-context"),
    Action("new-context.help", "Help", "f1,question_mark", "new-context"),
    Action("new-context.next", "List", "tab", "new-context", footer=False, handler="focus_next"),
    Action("new-context.down", "Down", "j", "new-context", footer=False),
    Action("new-context.up", "Up", "k", "new-context", footer=False),
    Action("new-context.leave", "Leave", "escape", "new-context"),
    Action("trying.keep", "Keep it anyway", "K", "trying"),
    Action("sign-in.copy", "Copy the code", "y", "sign-in"),
    # The four panes.
    Action("app.next-pane", "Next pane", "tab", "main", footer=False),
    Action("app.pane-before", "Pane before", "shift+tab", "main", footer=False),
    Action("app.zoom", "Zoom the pane", "z", "main", footer=False),
    Action("app.give-up", "Give up waiting, filter, zoom", "escape", "main", footer=False, priority=True),
    Action("app.images", "Images", "1", "panes", footer=False),
    Action("app.modules", "Modules", "2", "panes", footer=False, command="modules", about="Modules of the device"),
    Action("app.options", "Options", "3", "panes", footer=False, command="options", about="Create options"),
    Action("app.messages", "Messages", "4", "panes", footer=False, command="stream", about="Messages"),
    Action("app.doctor", "Doctor", "d", "panes", command="doctor", about="Check everything from here to the FPGA"),
    Action("app.overview", "Overview", "o", "panes", footer=False,
           command="devices,overview", about="All devices, sorted by trouble"),
    Action("app.history", "History", "H", "panes", footer=False, command="history", about="What was deployed when; roll back"),
    Action("app.rollback", "Roll back", "", "panes", changing=True,
           command="rollback", about="Roll back to an earlier deployment", handler="action_history"),
    Action("app.watch", "Rollout", "w", "panes", footer=False, command="watch", about="Take up the last rollout's watch again"),
    Action("app.export-manifest", "Export", "", "app",
           command="export-manifest", about="Write the device's whole manifest into a file", argument="file"),
    Action("app.import-manifest", "Import", "", "app", changing=True,
           command="import-manifest", about="Bring in a whole manifest, merged or instead", argument="file"),
    Action("app.contexts", "Contexts", "c", "panes", footer=False,
           command="context,ctx", about="Another context", argument="context"),
    Action("app.sign-in", "Sign in", "", "app", command="sign-in", about="Show the code again that a sign-in waits for"),
    Action("app.theme", "Theme", "T", "panes", footer=False,
           command="theme", about="Another theme: dark, light, high contrast, 16 colours", argument="theme"),
    Action("app.faults", "Faults of the lab", "F", "panes", footer=False, command="faults", about="The lab's faults, on and off"),
    # Everywhere.
    Action("app.command", "Cmd", "colon", "panes"),
    # f1 as well: where one types, it is the one that works.
    Action("app.help", "Help", "question_mark,f1", "app", command="help", about="Help on the pane one is in"),
    Action("app.quit", "Quit", "q", "app", command="quit,q,q!,exit", about="Leave the console", handler="action_leave"),
    Action("app.suspend", "To the shell", "ctrl+z", "app", footer=False, handler="action_suspend_process"),
    Action("app.slow-link", "Slow line", "", "app", command="slow-link", about="Send less over a slow line, or as always"),
    Action("app.paint", "Paint the screen anew", "ctrl+l", "app", footer=False, priority=True),
)
# fmt: on

ACTIONS = {action.id: action for action in _TABLE}

# Scopes whose actions work at the same time, where a key can mean one thing. Widgets have keys of their own: ``lines`` to move in a
# list, ``filter`` and ``editor`` to leave them, ``dialog`` to close it; and the kinds of dialogs and the twin's tree their own.
_MAIN = ("main", "panes", "app")
_SCREENS = ("doctor", "history", "rollout", "score", "overview", "health", "faults", "logs", "twin", "twin-editor", "new-context")
_DIALOGS = ("trying", "sign-in", "progress", "reader", "choices", "review", "deploy-form", "model-form")
PLACES = (
    ("images", "workspace", "pane", "table", "lines", *_MAIN),
    ("models", "workspace", "pane", "table", "lines", *_MAIN),
    ("modules", "pane", "table", "lines", *_MAIN),
    ("messages", "pane", "lines", *_MAIN),
    ("options", "editor", *_MAIN),
    ("filter", *_MAIN),
    *((scope, "screen", "lines", "app") for scope in _SCREENS),
    *((scope, "table", "screen", "app") for scope in ("history", "overview")),
    ("twin", "tree", "screen", "app"),
    *((scope, "dialog", "app") for scope in _DIALOGS),
    ("message", "reader", "dialog", "app"),
    ("command-line", "app"),
)


def bindings(*scopes: str, hidden: Collection[str] = ()) -> list[BindingType]:
    """Return Textual's bindings of some scopes; the footer leaves out those that are ``hidden`` here."""
    return [
        _binding(action, footer=action.footer and action.id not in hidden)
        for action in _TABLE
        if action.scope in scopes and action.keys
    ]


def bindings_of(*ids: str) -> list[BindingType]:
    """Return Textual's bindings of some actions, in that order and all of them in the footer."""
    return [_binding(ACTIONS[id], footer=True) for id in ids]


def _binding(action: Action, *, footer: bool) -> Binding:
    return Binding(
        action.keys,
        f"act('{action.id}')",
        action.title,
        show=footer,
        key_display=action.key_display,
        priority=action.priority,
        id=action.id,
    )
