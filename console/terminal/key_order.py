"""Keys that arrive together, as a slow line brings them, each meet what the one before has made of the screen.

Textual hands a key to what has the focus when it arrives, and the focus moves only once the key before has gone through the
queues of the widget, of all that it lies in, and of the app: of ``/bad`` in one packet it would take ``b``, ``a`` and ``d`` for
commands (textual 8.2, ``textual/app.py``, ``App.on_event``).

Upstream: Textualize/textual#1009 ("Add input queue", closed without one for all keys) and #1199.
Delete when Textual hands on a key only after the one before has been handled.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.widgets import TextArea

from widgets.paste import PasteLine

_DONE_SINCE = 0.5  # seconds after which a key has had its effect
_AT_MOST = 0.5  # seconds that one key may hold up the next: what hangs must not take the keyboard with it
# Of 128 KiB of JSON in one line TextArea makes 20 seconds, and 10 more of each key after it (textual 8.2); a hub takes 32 KiB of
# create options and desired properties together.
_EDITOR_PASTE = 32 * 1024
_LINE_PASTE = 16 * 1024


class KeyOrderApp(App[None]):
    """An app in which one may type faster than it draws."""

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._pending: deque[events.Key | events.Paste] = deque()
        self._current: events.Event | None = None  # its turn has come
        self._target: MessagePump | None = None  # what the last one went to
        self._typed_at = 0.0
        self._handing: asyncio.Task[None] | None = None

    async def on_event(self, event: events.Event) -> None:
        """Hand on keys and pastes one by one, but no paste that would stall what it goes to; everything else as ever."""
        if isinstance(event, events.Paste) and not event.is_forwarded and self._refuses(event.text):
            return
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            await super().on_event(event)
        elif event is self._current or (not self._pending and time.monotonic() - self._typed_at > _DONE_SINCE):
            self._typed_at = time.monotonic()
            self._target = self.focused or self.screen
            await super().on_event(event)
        else:
            self._pending.append(event)
            if self._handing is None or self._handing.done():
                self._handing = asyncio.create_task(self._forward_keys())

    def _refuses(self, text: str) -> bool:
        """Refuse, and say so, what is too long for the editor or for a line; a PasteLine shows nothing of it and takes all."""
        editor = isinstance(self.focused, TextArea)
        most = _EDITOR_PASTE if editor else _LINE_PASTE
        if len(text) <= most or isinstance(self.focused, PasteLine):
            return False
        self.notify(
            f"A paste of {len(text):,} characters is too long here: at most {most:,}. Nothing was pasted.", severity="warning"
        )
        return True

    async def _forward_keys(self) -> None:
        """Hand on what was typed, each when the one before has had its effect."""
        while self._pending:
            await self._settled()
            self._current = self._pending[0]
            self.post_message(self._current)
            await _through(self)
            self._pending.popleft()

    async def _settled(self) -> None:
        """Wait until the last key has had its effect: what it called, what that posted, the focus that moved, a screen that opened."""
        try:
            await asyncio.wait_for(self._effects(), _AT_MOST)
        except asyncio.TimeoutError:
            return  # the next key goes to what has the focus by now

    async def _effects(self) -> None:
        for _ in ("the key itself", "what it posted where it was handled"):
            if self._target is not None:
                pump: MessagePump | None = self._target
                while pump is not None and pump is not self:
                    await _through(pump)
                    pump = pump._parent
            await _through(self)
        await _through(self.screen)
        await _through(self)


async def _through(pump: MessagePump) -> None:
    """Wait until ``pump`` has handled what is in its queue now; one that closes is not waited for."""
    handled = asyncio.Event()
    if pump.is_running and pump.call_later(handled.set):
        await handled.wait()
