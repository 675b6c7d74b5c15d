"""Small dialogs: confirm, type a name to confirm, choose, ask for a text, read a text, an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from textual import on
from textual._time import get_time
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from widgets.closing import Closing
from widgets.copy import Copy
from widgets.footer import KeyLine
from widgets.pane import error_content
from widgets.symbols import STYLES, drawn, is_ascii

if TYPE_CHECKING:
    from services.errors import OperatorError

Result = TypeVar("Result")


class Dialog(Closing[Result], ModalScreen[Result]):
    """A box over the screen. Esc closes it with nothing."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 60%;
        &:ansi { background: ansi_default; }
        & > .box {
            width: 76; max-width: 100%; height: auto; max-height: 100%;
            border: round $primary; background: $surface; padding: 0 1;
            border-title-style: bold; border-title-color: $text-primary; border-subtitle-color: $dim;
            &.-ascii { border: ascii $primary; }
            &:ansi { background: ansi_default; }
        }
        & > .box.-danger { border: round $error; border-title-color: $text-error; &.-ascii { border: ascii $error; } }
        & > .box.-wide { width: 96%; height: 94%; }
        .text { height: auto; padding: 0 1; margin: 1 0 0 0; }
        .scroll { height: auto; max-height: 1fr; }
        & .-wide > .scroll { height: 1fr; }
        .buttons { height: auto; align-horizontal: right; margin: 1 0 0 0; }
        .buttons Button { margin: 0 0 0 1; min-width: 10; }
        /* The one with the focus is the only bright one; what it does is told by its word. */
        Button.-style-default {
            height: 1; border: none; background: $panel; color: $foreground; text-style: none;
            &.-primary, &.-error { background: $panel; color: $foreground; }
            &:focus { background: $primary; color: auto; text-style: bold; }
            &.-error:focus { background: $error; color: auto; }
            &:disabled { color: $dim; }
        }
        &:ansi Button.-style-default {
            background: ansi_default; color: ansi_default;
            &:focus { background: ansi_default; color: ansi_default; text-style: reverse; }
        }
        Input { margin: 1 0 0 0; height: 1; border: none; padding: 0 1; background: $panel; &:focus { border: none; } }
        OptionList:focus > .option-list--option-highlighted { background: $primary 30%; color: $foreground; text-style: bold; }
        OptionList { height: auto; max-height: 14; border: none; margin: 1 0 0 0; background: transparent; padding: 0; }
        OptionList:focus { border: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Close", id="dialog.close"),
        Binding("left,h", "app.focus_previous", "Previous", show=False, id="dialog.previous"),
        Binding("right,l", "app.focus_next", "Next", show=False, id="dialog.next"),
    ]

    def __init__(self, title: str, *, danger: bool = False, wide: bool = False) -> None:
        super().__init__()
        self.heading = title
        self.danger = danger
        self.wide = wide

    def compose(self) -> ComposeResult:
        classes = (
            "box" + (" -danger" if self.danger else "") + (" -wide" if self.wide else "") + (" -ascii" if is_ascii() else "")
        )
        with Vertical(classes=classes) as box:
            box.border_title = Content(drawn(self.heading))
            yield from self.compose_content()

    def compose_content(self) -> ComposeResult:
        raise NotImplementedError

    def action_cancel(self) -> None:
        """Close with nothing."""
        self.dismiss(None)


class Question(Dialog[bool]):
    """Asks before something that changes; rests on Cancel, but for what only adds (``rest_on_yes``).

    ``type_to_confirm`` is a name that has to be typed (production); where it is ``forbidden``, one can only go back.
    """

    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-high")]
    DEFAULT_CSS = """
    /* On a low screen the text scrolls, so that what is to be answered stays in sight. */
    Question.-low > .box { height: 100%; }
    Question.-low .scroll { height: 1fr; }
    """

    def __init__(
        self,
        title: str,
        yes: str,
        *,
        look: Literal["primary", "error"],
        type_to_confirm: str = "",
        forbidden: bool = False,
        wide: bool = False,
        rest_on_yes: bool = False,
    ) -> None:
        super().__init__(title, danger=True, wide=wide)
        self.rest_on_yes = rest_on_yes and not forbidden and not type_to_confirm
        self.yes = yes
        self.look = look
        self.wanted = type_to_confirm
        self.forbidden = forbidden
        self._painted_at = float("inf")

    def compose_answer(self) -> ComposeResult:
        if self.wanted:
            yield Static(
                Content.assemble(("PRODUCTION: type ", STYLES["bad"]), (self.wanted, "bold"), " to go on"), classes="text"
            )
            yield Input(id="typed", compact=True)
        with Horizontal(classes="buttons"):
            yield Button("Cancel", id="cancel", compact=True)
            yield Button(self.yes, id="yes", variant=self.look, compact=True, disabled=bool(self.wanted) or self.forbidden)

    def on_mount(self) -> None:
        """Focus what it rests on."""
        self.query_one("#typed" if self.wanted else "#yes" if self.rest_on_yes else "#cancel").focus()
        self.call_after_refresh(self._note_painted)

    def _note_painted(self) -> None:
        self._painted_at = get_time()

    def on_key(self, event: Key) -> None:
        """Swallow a key that was pressed before the question was painted: nobody has read what it answers."""
        if event.time < self._painted_at and event.key != "escape":
            event.stop()
            event.prevent_default()

    @on(Input.Changed, "#typed")
    def _compare_answer(self, event: Input.Changed) -> None:
        self.query_one("#yes", Button).disabled = self.forbidden or event.value != self.wanted

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_cancel(self) -> None:
        self.dismiss(False)


def same_with_az(commands: str) -> Static:
    """Return the commands of the Azure CLI that do the same."""
    return Static(Content.assemble(("the same with az:\n", STYLES["dim"]), (commands, STYLES["accent"])), classes="text")


class Confirm(Question):
    """A question of a few words."""

    def __init__(self, title: str, text: Content | str, yes: str, *, command: str = "", type_to_confirm: str = "") -> None:
        super().__init__(title, yes, look="error", type_to_confirm=type_to_confirm)
        self.text = text
        self.command = command

    def compose_content(self) -> ComposeResult:
        with VerticalScroll(classes="scroll"):
            yield Static(self.text if isinstance(self.text, Content) else Content(self.text), classes="text")
            if self.command:
                yield same_with_az(self.command)
        yield from self.compose_answer()

    def on_mount(self) -> None:
        """Say how one gets from Cancel to the other button."""
        way = "Enter Tab Enter" if self.wanted else "Tab Enter"  # Enter in the line leads to Cancel first
        self.query_one(".box").border_subtitle = f"{way} goes on, Esc cancels"

    @on(Input.Submitted, "#typed")
    def _submitted(self) -> None:
        self.query_one("#cancel").focus()


class Choose(Dialog[Any]):
    """Choose one of several things: ``choices`` are (value, text, remark)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "down", "Down", show=False, id="choices.down"),
        Binding("k", "up", "Up", show=False, id="choices.up"),
    ]

    def __init__(self, title: str, choices: Sequence[tuple[Any, str, str]], *, current: Any = None, hint: str = "") -> None:
        super().__init__(title)
        self.choices = list(choices)
        self.current = current
        self.hint = hint

    def compose_content(self) -> ComposeResult:
        if self.hint:
            yield Static(Content(self.hint), classes="text")
        width = max((len(text) for _, text, _ in self.choices), default=0)
        yield OptionList(*[Option(Content(drawn(f" {text:<{width}}  {remark}".rstrip()))) for _, text, remark in self.choices])

    def on_mount(self) -> None:
        """Start the cursor on the current choice."""
        options = self.query_one(OptionList)
        options.focus()
        options.highlighted = next((index for index, (value, _, _) in enumerate(self.choices) if value == self.current), 0)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self.choices[event.option_index][0])

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()


class Prompt(Dialog[str]):
    """Ask for a line of text."""

    def __init__(self, title: str, hint: str = "", value: str = "", *, secret: bool = False) -> None:
        super().__init__(title)
        self.hint = hint
        self.value = value
        self.secret = secret

    def compose_content(self) -> ComposeResult:
        if self.hint:
            yield Static(Content(self.hint), classes="text")
        yield Input(self.value, password=self.secret, compact=True)

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


_READ = 128 * 1024  # characters; to lay out a million takes Textual six seconds, in which no key is answered


def _shortened(text: Content) -> Content:
    """Return ``text`` without its middle, where it is longer than can be laid out at once."""
    surplus = len(text) - _READ
    if surplus <= 0:
        return text
    half = _READ // 2
    return Content.assemble(
        text[:half], (f"\n\n… {surplus:,} characters are not shown here …\n\n", "$text-warning"), text[-half:]
    )


class Reader(Dialog[None]):
    """A text to read and scroll; ``s`` saves it, ``y`` copies it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll(1)", "Down", show=False, id="reader.down"),
        Binding("k,up", "scroll(-1)", "Up", show=False, id="reader.up"),
        Binding("pagedown", "scroll(10)", "Page down", show=False, id="reader.page-down"),
        Binding("pageup", "scroll(-10)", "Page up", show=False, id="reader.page-up"),
        Binding("y", "copy", "Copy", id="reader.copy"),
        Binding("q,enter", "cancel", "Close", show=False, id="reader.close"),
    ]

    def __init__(self, title: str, text: Content | str, *, wide: bool = True) -> None:
        super().__init__(title, wide=wide)
        self.text = _shortened(text if isinstance(text, Content) else Content(text))

    def compose_content(self) -> ComposeResult:
        with VerticalScroll(classes="scroll"):
            yield Static(self.text, classes="text")
        yield KeyLine()

    def show(self, text: Content) -> None:
        """Show another text in place of the one that is shown."""
        text = _shortened(text)
        if text != self.text:
            self.text = text
            self.query_one(".text", Static).update(text)

    def action_scroll(self, by: int) -> None:
        """Scroll by lines."""
        self.query_one(".scroll").scroll_relative(y=by, animate=False)

    def action_copy(self) -> None:
        """Copy it."""
        self.post_message(Copy(self.text.plain, "text"))


class ErrorDialog(Reader):
    """An error: what, cause, remedy; the raw reply for experts below."""

    def __init__(self, error: OperatorError) -> None:
        super().__init__("That did not work", error_content(error, raw=True), wide=False)
        self.danger = True
