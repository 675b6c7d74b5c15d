"""The messages pane: tail, pause, scroll back, filter, details, marks, export; lag, gaps and losses always in sight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from services.errors import OperatorError
from services.records import InferenceMessage, RecorderFigures
from services.text import paced
from widgets.intake import Part, figures, troubles
from widgets.pane import Pane
from widgets.stream import Stream
from widgets.symbols import STYLES, drawn

if TYPE_CHECKING:
    from widgets.lines import Lines

_STATE_LINES = 3
_HEADS_FROM = 10  # lines of the pane, below which each is for a message


class MessagesPane(Pane):
    """What the client modules send through the hub."""

    NUMBER = 4
    NAME = "Messages"
    HELP = """Messages from the hub's endpoint, newest last, read from this machine's journal: a cut line loses and doubles nothing.
Space pauses the view, never the intake; scrolling up leaves the tail, and what waits is counted; f or End follows again.

The filter takes words and fields: device:x module:y class:dog kind:error ms>100 confidence<0.5 /regular expression/ !not.
x turns the filter off to show what came before and after a message, and on again. m marks, y copies, s saves the body as it came;
E exports all that the filter lets through, as NDJSON or CSV. @ jumps to a time, g to the oldest message that is kept.
The messages are those of the device that is looked at; a shows all the hub's devices, and again only this one."""
    DEFAULT_CSS = """
    MessagesPane .state { height: 1; padding: 0 1; }
    MessagesPane .heads { height: 1; color: $dim; display: none; }
    MessagesPane.-tall .heads { display: block; }
    /* Over the line on the intake, not over a message: of what matches the first row is often the only one. */
    MessagesPane FilterLine { dock: bottom; }
    MessagesPane.-empty > .content { display: block; height: auto; }
    MessagesPane.-empty Stream, MessagesPane.-empty .heads { display: none; }
    """

    class Tail(Message):
        """The view goes to the end again: its window is to be read anew."""

    class Highlighted(Message):
        """The cursor stands on another message."""

        def __init__(self, message: InferenceMessage | None) -> None:
            super().__init__()
            self.subject = message

    class FilterChanged(Message):
        """Another filter."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.paused = False
        self.pending = 0
        self.intake = RecorderFigures()
        self.stream = Stream()
        self.filter_text = ""
        self.scope_device = ""  # whose messages are shown; nothing for all devices
        self._has_note = False  # something stands in the note
        self._noticed = ""
        self._state = Content("")
        self._standing = ""
        self._height = 1
        self._heads = ""

    def compose_content(self) -> ComposeResult:
        self.heads = Static("", classes="heads")
        yield self.heads
        yield self.stream
        self.state_line = Static("", classes="state")
        yield self.state_line

    @property
    def tailing(self) -> bool:
        """Whether new messages go into the view."""
        return not self.paused and self.stream.following

    def content(self) -> Widget:
        return self.stream

    def filter_hint(self) -> str:
        return "device:x class:dog kind:error ms>100 /regex/ !not"

    def filtered(self, text: str) -> None:
        """Take another filter: the console answers with another window."""
        self.filter_text = text
        self.post_message(self.FilterChanged(text))

    # What the console tells.

    def show_scope(self, device: str) -> None:
        """Name the device whose messages are shown; none where it is all of them."""
        self.scope_device = device
        self.border_title = Content(drawn(f"{self.NUMBER} {self.NAME} · {device or 'all devices'}"))

    def show_window(self, messages: Sequence[InferenceMessage], at_row: int | None = None) -> None:
        """Show a window of the journal: the newest, or one around a row."""
        if messages or self.filter_text:
            self.ready()
        else:
            remedy = "Deploy the client module (C in 1), or wait: what it sends appears here by itself."
            remedy += "\na shows the messages of all devices." if self.scope_device else ""
            self.empty(f"No messages of {self.scope_device} yet." if self.scope_device else "No messages yet.", remedy)
        self.stream.nothing = "no message matches the filter" if self.filter_text else ""
        self.stream.replace(messages, at_row)
        self._say()

    def add_newer(self, messages: Sequence[InferenceMessage], anew: bool = False) -> None:
        """Add messages after the window; ``anew``: the journal's newest, which do not follow on it."""
        if messages and self.look != "ready":
            self.ready()
        if anew:
            self.stream.replace(messages, tail=True)
        else:
            self.stream.append(messages)
        self._say()

    def add_older(self, messages: Sequence[InferenceMessage]) -> None:
        """Add messages before the window."""
        if messages and self.look != "ready":
            self.ready()
        self.stream.prepend(messages)

    def show_intake(self, intake: RecorderFigures, pending: int) -> None:
        """Show how the recorder does, and how many messages wait behind a paused view."""
        if (intake, pending) != (self.intake, self.pending):
            self.intake, self.pending = intake, pending
            self._say()

    def show_unread(self, error: OperatorError) -> None:
        """Say that the journal cannot be read: what is shown is old."""
        self.show_intake(replace(self.intake, state="unread", rate=0.0, trouble=error.what, remedy=error.remedy), self.pending)

    def action_refresh(self) -> None:
        """Read again; a notice has been seen then."""
        self._noticed = self.intake.notice
        self._say()
        super().action_refresh()

    def _say(self) -> None:
        intake = self.intake
        ails, unseen = intake.ails, intake.notice not in ("", self._noticed)
        resting = "paused" if self.paused else "" if self.stream.following else "scrolled back"
        standing = resting or ("" if ails else "connecting" if intake.state == "starting" else "following")
        waiting = f", {self.pending:,} newer wait" if resting and self.pending else ""
        parts: list[Part] = [(f"✗ {ails}", "bad")] if ails else []
        parts += [(standing + waiting, "warn" if resting else "dim")] if standing else []
        self._show_state(ails + standing, _lines([*parts, *figures(intake)], self.content_size.width - 2)[:_STATE_LINES])
        if ails and intake.trouble:
            self.note(OperatorError(intake.trouble, remedy=intake.remedy))
        elif unseen:
            self.note(OperatorError(intake.notice, remedy="r takes this line away."))
        elif self._has_note:
            self.note(None)
        self._has_note = bool(ails) or unseen
        trouble = troubles(intake)
        if ails:
            self.say(f"✗ {ails}", "bad")
        elif resting:
            self.say(f"paused +{self.pending:,}" if self.pending else "paused", "warn")
        elif trouble:
            self.say(f"! {paced(intake.rate)} {trouble[0]}", "warn")
        elif standing == "connecting":
            self.say(standing, "dim")
        else:
            self.say(paced(intake.rate), "dim")

    def on_resize(self) -> None:
        """Draw more, or less, where another size has room for it."""
        self.set_class(self.size.height >= _HEADS_FROM, "-tall")
        self._say()

    @on(Stream.ColumnsChanged)
    def _show_heads(self) -> None:
        heads = drawn(self.stream.heads)
        if heads != self._heads:
            self._heads = heads
            self.heads.update(Content(heads), layout=False)

    def _show_state(self, standing: str, lines: list[Content]) -> None:
        height = len(lines)
        if height > self._height or (height < self._height and standing != self._standing):
            # It does not shrink because a number became shorter: the rows above would jump.
            self._height = height
            self.state_line.styles.height = height
        self._standing = standing
        state = Content("\n").join(lines)
        if state != self._state:
            self._state = state
            self.state_line.update(state, layout=False)

    def show_word(self) -> None:
        """Keep the frame for the filter's mistakes: the line below the stream says how the intake does."""

    def say_mistake(self, text: str) -> None:
        """Say what is wrong with the filter; nothing when it is good."""
        self.border_subtitle = Content.assemble((drawn(text), STYLES["warn"])) if text else None

    # Keys.

    def action_pause(self) -> None:
        """Freeze the view, not the intake; again to go on."""
        if self.paused or not self.stream.following:
            self.action_follow()
        else:
            self.paused = True
            self._say()

    def action_follow(self) -> None:
        """Go to the end, and follow it."""
        self.paused = False
        self.stream.following = True
        self.pending = 0
        self.post_message(self.Tail())
        self._say()

    @on(Stream.Left)
    def _left_tail(self) -> None:
        self._say()

    @on(Stream.End)
    def _to_end(self) -> None:
        self.action_follow()

    def on_lines_moved(self, event: Lines.Moved) -> None:
        event.stop()
        self._show_heads()
        self.post_message(self.Highlighted(self.stream.current))


def _lines(parts: Sequence[Part], width: int) -> list[Content]:
    """Return the parts on as many lines as they take; on one where the width is not known yet."""
    lines: list[list[tuple[str, str]]] = [[]]
    used = 0
    for text, role in parts:
        addition = drawn(f" · {text}" if lines[-1] else text)
        if lines[-1] and 0 < width < used + len(addition):
            lines.append([])
            addition, used = drawn(text), 0
        lines[-1].append((addition, STYLES[role]))
        used += len(addition)
    return [Content.assemble(*line) for line in lines]
