"""A module's twin as a tree; its desired properties edited as JSON, with a diff and the twin's etag."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import TextArea

from console.tui.actions import bindings
from console.tui.background import go, in_thread
from console.tui.screens.full import FullScreen
from services.errors import OperatorError
from services.operations.session import Session
from services.text import indented_json, json_text, one_line
from widgets.copy import Copy
from widgets.diff import DiffConfirm
from widgets.twin import TwinTree


class TwinScreen(FullScreen[None]):
    """Desired, reported, and what the hub knows besides."""

    HELP = """The twin as the hub has it, secrets masked, create options written out. Enter and arrows open and close a branch. e edits
the desired properties (the hub lets nobody but a deployment change those of $edgeAgent and $edgeHub): the difference is shown
before anything is sent, and nothing is sent where somebody else changed the twin meanwhile. r reads again (one metered read)."""
    SCOPES = ("twin",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, session: Session, device: str, module: str) -> None:
        super().__init__(f"Twin · {module} on {device}")
        self.session = session
        self.device = device
        self.module = module
        self.twin: dict[str, Any] | None = None
        self.parts: dict[str, Any] = {}
        self.tree_view = TwinTree()

    def compose_content(self) -> ComposeResult:
        yield self.tree_view

    def on_mount(self) -> None:
        """Read at once."""
        self.tree_view.focus()
        self.action_again()

    def action_again(self) -> None:
        """Read the twin."""
        go(self, self._read(), "twin")

    async def _read(self) -> None:
        from services.names import module_identity
        from services.operations.twins import displayable

        self.say("reading the twin")
        try:
            self.twin = await in_thread(self.session.hub.module_twin, self.device, module_identity(self.module))
        except OperatorError as error:
            self.say(f"✗ {error}", "bad")
            return
        self.parts = await in_thread(displayable, self.twin)
        properties = self.parts.pop("properties", {})
        parts = {**properties, "tags": self.parts.pop("tags", {}), "identity": self.parts}
        self.tree_view.show({name: value for name, value in parts.items() if value not in ({}, None)})
        self.parts = parts
        version = properties.get("desired", {}).get("$version", "?")
        self.say(f"desired version {version}, etag {one_line(self.twin.get('etag', '?'), 40)} · secrets are masked")

    def action_copy(self) -> None:
        """Copy it as JSON, masked."""
        self.post_message(Copy(json_text(self.parts, 2), "twin", note=", secrets masked"))

    def action_edit(self) -> None:
        """Edit the desired properties."""
        go(self, self._edit(), "edit")

    async def _edit(self) -> None:
        from services.names import module_identity
        from services.operations.twin_edit import TwinChanged, apply, editable, plan, rebase

        if self.twin is None:
            return
        twin, note = self.twin, ""
        module, session = module_identity(self.module), self.session
        text = editable(twin)
        plan(session.hub.host, self.device, module, twin, text)  # says at once where nothing may be edited
        while True:
            editor = DesiredEditor(f"Desired properties · {self.module} on {self.device}", text, note)
            answer = await self.app.push_screen_wait(editor)
            if answer is None:
                self.say("nothing was sent")
                return
            text, note = answer, ""
            try:
                edit = plan(session.hub.host, self.device, module, twin, text)
            except OperatorError as error:
                note = f"✗ {error}"
                continue
            if edit.empty:
                self.say("the twin has all of this already")
                return
            question = DiffConfirm(
                f"Change the twin of {self.module}",
                edit.diff,
                (edit.command,),
                yes="Send",
                type_to_confirm=session.name_to_type(self.device),
            )
            if not await self.app.push_screen_wait(question):
                continue
            # Whatever comes of it, the text is not lost: it comes back into the editor, on top of what the hub has by then.
            try:
                await in_thread(apply, session.hub, edit, session.context.name, session.history)
            except TwinChanged as error:
                await self._read()
                text, twin = rebase(text, twin, self.twin), self.twin
                note = f"✗ {error.what} This is your edit on top of theirs: F8 shows what is left to change."
            except OperatorError as error:
                note = f"✗ {error}"
            else:
                await self._read()
                self.say(f"sent; {self.module} gets it as soon as it is connected", "good")
                return


class DesiredEditor(FullScreen[str]):
    """JSON to edit; gives the text, or nothing."""

    HELP = "All desired properties as JSON; a masked secret (•••) that is left alone stays what it is. F8 shows the difference."
    SCOPES = ("twin-editor",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, title: str, text: str, note: str = "") -> None:
        super().__init__(title)
        self.note = note
        self.area = TextArea(indented_json(text), show_line_numbers=True, compact=True, id="desired")

    def compose_content(self) -> ComposeResult:
        yield self.area

    def on_mount(self) -> None:
        """Type at once."""
        self.area.focus()
        if self.note:
            self.say(self.note, "bad")
        else:
            self.say("F8 shows the difference before anything is sent; Esc sends nothing")

    def action_done(self) -> None:
        """Go on with the text."""
        self.dismiss(self.area.text)
