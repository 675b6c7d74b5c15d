"""What an image made of a model is called, and the model's tensors."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from services.records import ImagePacking
from widgets.dialogs import Dialog
from widgets.footer import KeyLine
from widgets.symbols import STYLES


class ModelForm(Dialog[ImagePacking]):
    """The image's name; for a model that is yet to be converted its input and outputs too."""

    DEFAULT_CSS = """
    ModelForm {
        .line { height: 1; margin: 1 0 0 0; }
        .line Label { width: 14; padding: 0 1; color: $dim; }
        .line Input { width: 1fr; margin: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f8", "go", "Make the image", id="model-form.go", priority=True)]

    def __init__(self, model: str, packing: ImagePacking, *, converted: bool) -> None:
        super().__init__(f"An image of {model}")
        self.packing = packing
        self.converted = converted

    def compose_content(self) -> ComposeResult:
        text = (
            "It is converted already: its image is built."
            if self.converted
            else "It is converted first, then its image is built."
        )
        yield Static(Content(f"{text} This takes minutes; Esc leaves it and it goes on in the workspace."), classes="text")
        fields = [("image's name", "name", self.packing.name)]
        if not self.converted:
            fields += [("input", "input", self.packing.input), ("outputs", "outputs", ",".join(self.packing.outputs))]
        for label, name, value in fields:
            with Horizontal(classes="line"):
                yield Label(label)
                yield Input(value, id=name, compact=True)
        yield Static("", classes="text", id="hint")
        with Horizontal(classes="buttons"):
            yield Button("Cancel", id="cancel", compact=True)
            yield Button("Make the image", id="go", variant="primary", compact=True)
        yield KeyLine()

    def on_mount(self) -> None:
        """Focus the name, which is what one may want to change."""
        self.query_one("#name").focus()

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#go")
    @on(Input.Submitted)
    def _go(self) -> None:
        self.action_go()

    def action_go(self) -> None:
        name = self._value("name")
        sound = name.isascii() and name[:1].isalpha() and name == name.lower() and name.replace("-", "").isalnum()
        if not sound or not 3 <= len(name) <= 32:
            text = "✗ An image's name is of 3 to 32 small letters, digits and dashes, a letter first."
            self.query_one("#hint", Static).update(Content.assemble((text, STYLES["bad"])))
            self.query_one("#name").focus()
            return
        if self.converted:
            self.dismiss(ImagePacking(name, "", ()))
            return
        outputs = tuple(part.strip() for part in self._value("outputs").split(",") if part.strip())
        self.dismiss(ImagePacking(name, self._value("input"), outputs))

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()
