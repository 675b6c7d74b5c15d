"""A message's details, and those of the next and the previous one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from console.tui.actions import bindings
from console.tui.background import go, in_thread
from console.tui.scope import Scope
from services.messages.feed import MessageFeed
from services.records import InferenceMessage
from widgets.details import message_details
from widgets.dialogs import Reader

if TYPE_CHECKING:
    from widgets.stream import Stream


class MessageReader(Scope, Reader):
    """The details of a message of the stream, whose cursor goes along."""

    SCOPES = ("message",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("message")

    def __init__(self, feed: MessageFeed, stream: Stream, whole: InferenceMessage, raw: str) -> None:
        super().__init__("Message", message_details(whole, raw))
        self._feed = feed
        self._stream = stream
        self._row = whole.row

    def action_next(self) -> None:
        """Show the next message that the filter lets through."""
        place = next((place for place, message in enumerate(self._stream.window) if message.row > self._row), None)
        self._go_to(place, "There is no newer message yet.")

    def action_previous(self) -> None:
        """Show the previous message that the filter lets through."""
        places = [place for place, message in enumerate(self._stream.window) if message.row < self._row]
        self._go_to(places[-1] if places else None, "This is the oldest message.")

    def _go_to(self, place: int | None, nothing: str) -> None:
        if place is None:
            self.notify(nothing, timeout=2)
            return
        message = self._stream.window[place]
        self._row = message.row
        self._stream.move_to(place)  # near the window's edge it asks for more
        go(self, self._show(message), "message")

    async def _show(self, message: InferenceMessage) -> None:
        self.show(message_details(*await in_thread(self._feed.whole, message)))
        self.query_one(".scroll").scroll_home(animate=False)
