"""What every pane has: a numbered title, and three looks besides its content: loading, empty, failed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from services.times import now
from widgets.hanging_indent import Fact, Part, assemble
from widgets.lines import Lines
from widgets.remedies import on_screen
from widgets.symbols import STYLES, Role, drawn

if TYPE_CHECKING:
    from services.errors import OperatorError

Look = Literal["loading", "empty", "failed", "ready"]


def error_content(error: OperatorError, after: str = "", *, raw: bool = False) -> Content:
    """Return what happened, why, and what to do, as lines; with ``raw`` the reply as it came, for experts."""
    parts: list[Part] = [(f"✗ {error.what}\n", STYLES["bad"])]
    for name, value in (("cause", error.cause), ("remedy", on_screen(error.remedy))):
        if value:
            parts += [("\n", ""), Fact(name, value, width=8)]
    if after:
        parts.append((f"\n{after}\n", STYLES["dim"]))
    if raw and error.raw:
        parts += [("\nthe reply as it came\n", STYLES["dim"]), (f"{error.raw}\n", "")]
    return assemble(parts)


class FilterLine(Input):
    """The line in which a filter is typed; Esc clears and leaves it.

    While it is typed in, it lies over one of the pane's lines that is no row, so that nothing has to move and be drawn again; a
    filter that stays has a line of its own.
    """

    DEFAULT_CSS = """
    FilterLine { display: none; height: 1; border: none; padding: 0 1; background: $panel; layer: above; }
    FilterLine.-textual-compact { padding: 0 1; }
    FilterLine.-stays { layer: default; }
    FilterLine:focus { border: none; background-tint: initial; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "To the rows", id="filter.rows", key_display="⏎"),
        Binding("escape", "leave", "Clear filter", id="filter.leave"),
    ]

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, compact=True)

    def watch_has_focus(self, _has_focus: bool) -> None:
        """Restyle nothing: with the focus it looks as without, and a key would wait for it."""

    def action_leave(self) -> None:
        """Clear the filter and close the line."""
        self.value = ""
        self.rest()
        if isinstance(self.parent, Pane):
            self.parent.focus_content()

    def rest(self) -> None:
        """Keep the filter's line only if it filters: nobody types here now."""
        self.display = bool(self.value)
        self.set_class(bool(self.value), "-stays")

    def on_blur(self) -> None:
        """Take the focus back in a terminal that has lost its own."""
        if self.app.app_focus:
            self.rest()


class Pane(Vertical):
    """A pane. ``word`` says its state in a few words for the line that keeps the others in sight; ``role`` colours it.

    The one with the focus has the class ``-current``: with ``:focus-within`` everything in it would be styled again whenever the
    focus moves inside it.
    """

    DEFAULT_CSS = """
    Pane {
        border: round $panel-lighten-2;
        border-title-color: $dim;
        border-subtitle-color: $dim;
        padding: 0;
        layers: default above;
        &.-current { border: round $primary; border-title-color: $text-primary; border-title-style: bold; }
        &.-ascii { border: ascii $panel-lighten-2; }
        &.-ascii.-current { border: ascii $primary; }
        & > .look { display: none; height: 1fr; padding: 1 3; }
        & > .note { display: none; height: auto; padding: 0 1; }
        &.-loading > .look, &.-empty > .look, &.-failed > .look { display: block; }
        &.-loading > .look { color: $dim; content-align: center middle; }
        &.-empty > .look { content-align: center middle; text-align: center; }
        &.-failed > .look { border-left: outer $error; }
        &.-loading > .content, &.-empty > .content, &.-failed > .content { display: none; }
        &.-noted > .note { display: block; }
        & > .content { height: 1fr; }
    }
    """
    NUMBER: ClassVar[int] = 0
    NAME: ClassVar[str] = ""
    HELP: ClassVar[str] = ""
    BEGINS: ClassVar[Look] = "loading"  # the look before anything was read

    class Reload(Message):
        """The operator wants fresh data."""

        def __init__(self, pane: Pane) -> None:
            super().__init__()
            self.pane = pane

    class WordChanged(Message):
        """The pane's state in a few words is another one."""

        def __init__(self, pane: Pane) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, classes="-loading" if self.BEGINS == "loading" else None)
        self.look: Look = self.BEGINS
        self.can_focus = self.look != "ready"
        self.word = ""
        self.role: Role = "dim"
        self.read_at: datetime | None = None  # when what is shown was read
        self.stale = False  # it could not be read again
        self._filter = FilterLine(self.filter_hint())
        self._look = Static("", classes="look")
        self._note = Static("", classes="note")
        self.border_title = Content(f"{self.NUMBER} {self.NAME}")

    def compose(self) -> ComposeResult:
        yield self._look
        yield self._note
        yield self._filter
        with Vertical(classes="content"):
            yield from self.compose_content()

    def compose_content(self) -> ComposeResult:
        raise NotImplementedError

    def watch_has_focus(self, _has_focus: bool) -> None:
        """Restyle nothing: ``-current`` says which pane one is in, and everything in it would be styled again."""

    def on_mount(self) -> None:
        """Start by loading."""
        self.set_class(self.look == "loading", "-loading")

    # Looks.

    def waiting(self, what: str) -> None:
        """Show that nothing is there yet."""
        if self.look != "ready":
            self._show("loading", Content(drawn(f"… {what}")))
        self.say("loading", "dim")

    def empty(self, what: str, remedy: str) -> None:
        """Show that there is nothing, which is an answer."""
        self._show("empty", Content.assemble((what, "bold"), ("\n\n" + remedy, STYLES["dim"])))
        self.note(None)
        self.say("none", "dim")

    def failed(self, error: OperatorError) -> None:
        """Show an error; what was shown before stays, looks stale, and says in frame, tab and a line above it how old it is."""
        if self.look != "ready" or self.read_at is None:
            self._show("failed", error_content(error, "r tries again"))
            self.say("failed", "bad")
            return
        as_of = f"as of {self.read_at.astimezone():%H:%M}"
        self.note(error, as_of)
        self.stale = False
        self.say(as_of, "bad")
        self._set_stale(True)

    def ready(self, read_at: datetime | None = None) -> None:
        """Show the content, which was read at ``read_at`` or just now; what was not read again stays stale."""
        self._show("ready", Content(""))
        if self.stale and read_at is not None and read_at == self.read_at:
            return
        self.read_at = read_at or now()
        self._set_stale(False)
        self.note(None)

    def _set_stale(self, stale: bool) -> None:
        self.stale = stale
        content = self.content()
        if isinstance(content, Lines):
            content.set_stale(stale)

    def note(self, error: OperatorError | None, as_of: str = "") -> None:
        """Show a line above the content, about data that could not be refreshed."""
        self.set_class(error is not None, "-noted")
        if error is not None:
            text = f"✗ {as_of}{': ' if as_of else ''}{error.what} {on_screen(error.remedy)}".strip()
            self._note.update(Content.assemble((drawn(text), STYLES["bad"])))

    def remark(self, text: str) -> None:
        """Show a line above the content, about a part of it that is not there."""
        self.add_class("-noted")
        self._note.update(Content.assemble((drawn(text), STYLES["warn"])))

    def _show(self, look: Look, content: Content) -> None:
        if look != self.look:
            self.look = look
            self.screen.refresh_bindings()
        if look != "ready":
            self._set_stale(False)
        for name in ("loading", "empty", "failed"):
            self.set_class(look == name, f"-{name}")
        self._look.update(content)
        # Without content to hold the focus the pane holds it itself, so that its keys go on working.
        self.can_focus = look != "ready"
        if self.has_class("-current") and (self.screen.focused is None or self in self.screen.focused.ancestors_with_self):
            self.call_after_refresh(self._keep_focus)

    def say(self, word: str, role: Role = "dim") -> None:
        """Say the pane's state in a few words; while it is stale, how old it is says more."""
        if self.stale or (word, role) == (self.word, self.role):
            return
        self.word, self.role = word, role
        self.show_word()
        self.post_message(self.WordChanged(self))

    def show_word(self) -> None:
        """Show the state in the pane's own frame."""
        self.border_subtitle = Content.assemble((drawn(self.word), STYLES[self.role])) if self.word else None

    # Keys.

    @property
    def filtering(self) -> bool:
        """Whether a filter is being typed."""
        return self._filter.has_focus

    def filter_hint(self) -> str:
        return "filter; !text shows what does not match"

    def action_refresh(self) -> None:
        """Ask for fresh data."""
        self.post_message(self.Reload(self))

    def action_filter(self) -> None:
        """Open the filter line."""
        self._filter.display = True
        self.screen.set_focus(self._filter)

    @property
    def filter_now(self) -> str:
        """The filter as it stands in its line."""
        return self._filter.value

    def restore_filter(self, text: str) -> None:
        """Restore a filter from an earlier time."""
        self._filter.value = text
        self._filter.rest()

    def action_panel(self) -> None:
        """Show details of what the cursor stands on in the panel beside the panes."""

    def action_sort(self) -> None:
        """Take the next order; a pane without one has nothing to do."""

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        if event.input is self._filter:
            event.stop()
            self.filtered(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Focus the rows; an empty filter closes its line."""
        if event.input is self._filter:
            event.stop()
            self._filter.rest()
            self.focus_content()

    def filtered(self, text: str) -> None:
        """Filter by ``text``."""

    def _keep_focus(self) -> None:
        focused = self.screen.focused
        mine = focused is not None and focused is not self._filter and self in focused.ancestors_with_self
        if focused is None or focused is self or (mine and self.look != "ready"):
            self.focus_content()

    def focus_content(self) -> None:
        """Give the focus to what is worked with; to the pane itself while it has nothing to work with."""
        self.screen.set_focus(self.content() if self.look == "ready" else self)

    def content(self) -> Widget:
        raise NotImplementedError

    def needed_height(self) -> int | None:
        """Return the lines that it takes to show all it holds, with its frame; None where more is always of use."""
        return None
