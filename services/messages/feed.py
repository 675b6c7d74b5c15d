"""Feed a context's messages to pane, verbs and rollouts: the recorder that fills the journal, and a window over it.

Blocking; one query at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from services.errors import OperatorError
from services.messages.feed_records import Look, Moment, Older
from services.records import CLIENT_KINDS, PAGE, EventEndpoint, InferenceMessage, RecorderFigures

if TYPE_CHECKING:
    from services.contexts.model import Context
    from services.messages.filters import Filter
    from services.messages.health.statistics import Health, HealthReader
    from services.messages.journal.window import Window
    from services.messages.recorder.handle import RecorderHandle

_PATIENCE = 0.5  # seconds that the end waits for a query, which was cancelled, or for an endpoint that is being looked for
_SHOWN, _DETAILED = 4_096, 65_536  # characters of a body, or bytes of a hex dump: in lists, and of one message
RECENT = 100_000  # rows that a new filter looks at before the first answer


@dataclass
class _SearchProgress:
    """How far earlier looks for the same went, so that no row of the journal is looked at twice."""

    subject: tuple[int, Filter, bool]  # the row after which, what passes, and whether it is fetched or counted
    until: int
    count: int = 0


class MessageFeed:
    """The recorder and journal of a context's endpoint, which ``find_endpoint`` gives: a call to the hub, the first time."""

    def __init__(self, context: Context, find_endpoint: Callable[[Context], EventEndpoint]) -> None:
        self.context = context
        self._find_endpoint = find_endpoint
        self._lock = threading.Lock()
        self._handle: RecorderHandle | None = None
        self._window: Window | None = None
        self._where: Filter | None = None
        self._progress: _SearchProgress | None = None
        self._narrowed = (0, 0)  # from where to where was looked when the filter was taken
        self._begun_anew = False  # another journal has taken the place of the one that is shown
        self._follows_rule = True  # when it was last looked at
        self._is_redrawn = False  # what is shown may have had other columns
        self._health: dict[tuple[str, int], HealthReader] = {}  # by device and length of the window
        self._health_lock = threading.Lock()
        self._closed = False

    def open(self) -> None:
        """Find the endpoint, start or attach to its recorder, and open the journal.

        Where that is done, the recorder is asked to try again at once what it failed at. Raises OperatorError.
        """
        from services.messages.filters import Filter
        from services.messages.journal.window import Window
        from services.messages.recorder.handle import ensure_recorder

        with self._lock:
            if self._window is None and not self._closed:
                self._handle = ensure_recorder(self.context, self._find_endpoint(self.context))
                self._window = Window(self._handle.journal_path, _SHOWN)
                self._where = Filter()
            elif self._handle is not None:
                self._handle.try_now()
            if self._closed:
                self._let_go()

    @property
    def path(self) -> str:
        """Where the journal is."""
        return str(self._handle.journal_path) if self._handle is not None else ""

    @property
    def reconnects(self) -> int:
        """How often the recorder had to connect again; 0 while there is none."""
        return self._handle.status().reconnects if self._handle is not None else 0

    @property
    def listening(self) -> bool:
        """Whether all that the hub has is read at once, so that silence means that nothing was sent."""
        return self._handle is not None and self._handle.status().up_to_date

    def narrow(self, text: str, device: str = "") -> list[InferenceMessage]:
        """Take another filter, and return the newest messages that pass; of all devices where ``device`` is empty.

        Raises UsageError for a filter that is none.
        """
        from services.messages.filters import Filter

        where = Filter.parse(text).of_device(device)
        self.cancel()
        with self._lock:
            self._where = where
            window = self._opened()
            first, last = window.bounds()
            self._narrowed = max(first, last + 1 - RECENT), last
            return window.before(last + 1, PAGE, where, None if where.empty else RECENT)

    def cancel(self) -> None:
        """End the query that runs."""
        if self._window is not None:
            self._window.cancel()

    def look(self, row: int, room: int) -> Look:
        """Return what came after ``row`` (-1: nothing is shown), ``room`` messages at most; with no room they are counted."""
        with self._lock:
            window, where = self._opened(), self._filter()
            subject, progress = (row, where, room > 0), self._progress
            if progress is None or progress.subject != subject:
                # The tail has all that passes up to there; what is still searched for lies before.
                progress = self._progress = _SearchProgress(subject, max(row, self._narrowed[1]) if room or row < 0 else row)
            last = window.bounds()[1]
            newer: Sequence[InferenceMessage] = ()
            anew = False
            before, self._follows_rule = self._follows_rule, window.follows_rule
            self._is_redrawn |= self._follows_rule and not before
            if self._begun_anew or (self._is_redrawn and room):
                newer, anew, self._begun_anew = window.newest(PAGE, where, RECENT), True, False
                self._is_redrawn = False
                self._narrowed = (0, last)
            elif room:
                if not where.empty or last - progress.until <= room:
                    newer = window.after(progress.until, room + 1, where)
                anew = len(newer) > room or (where.empty and last - progress.until > room)
                if anew:
                    newer = window.newest(room, where, RECENT)
            else:
                progress.count += window.count(where, after=progress.until, until=last)
            progress.until = max(progress.until, newer[-1].row if newer else last)
            return Look(newer, progress.count, self._intake(window), anew)

    def _intake(self, window: Window) -> RecorderFigures:
        assert self._handle is not None
        first, last = window.bounds()
        return self._handle.status().figures(last - first + 1 if last else 0)

    def older(self, row: int | None) -> Older:
        """Return messages before ``row`` that pass, as far as a short look goes; None: before those that ``narrow`` looked at."""
        with self._lock:
            window, where = self._opened(), self._filter()
            first, last = window.bounds()
            before = self._narrowed[0] if row is None else row
            if where.empty:
                messages = window.before(before, PAGE, where)
                return Older(messages, messages[0].row if messages else first, 1.0)
            portion = next(window.search(where, before=before, limit=PAGE, chunk=RECENT))
            remaining = 0 if portion.done and portion.reached <= first else portion.reached - first
            return Older(portion.messages[::-1], portion.reached, 1 - remaining / max(1, last + 1 - first))

    def newer(self, row: int) -> list[InferenceMessage]:
        """Return messages after ``row`` that pass."""
        with self._lock:
            return self._opened().after(row, PAGE, self._filter())

    def recent(self, device: str, module: str, client: bool, limit: int = 5) -> list[InferenceMessage]:
        """Return the newest messages of a module.

        Of a ``client`` without any those under the device's own identity, as which the sample client sends.
        """
        messages = self._of_device(device, RECENT // 100, RECENT)
        own = [message for message in messages if message.module == module]
        return (own or [message for message in messages if client and not message.module])[-limit:]

    def newest(self, device: str, limit: int) -> list[InferenceMessage]:
        """Return the newest messages of a device, oldest first."""
        from services.messages.journal.window import Cancelled

        try:
            return self._of_device(device, limit, RECENT // 100)
        except (Cancelled, OperatorError):
            return []  # another filter is in a hurry, or the messages pane says what ails the journal

    def sent_since(self, device: str, since: datetime) -> list[InferenceMessage]:
        """Return what a device's clients sent since then, oldest first: for the rollout watch."""
        messages = self._of_device(device, PAGE, RECENT)
        # The sample client sends as the device: there is no module in its messages (docs/facts/iot-hub.md).
        return [message for message in messages if message.kind in CLIENT_KINDS and message.enqueued >= since]

    def results(self, device: str) -> list[InferenceMessage]:
        """Return the newest results of a device, oldest first."""
        return self._of_device(device, PAGE, None, "kind:result")

    def _of_device(self, device: str, limit: int, looking_at: int | None, text: str = "") -> list[InferenceMessage]:
        """Return the newest messages of a device that pass, oldest first; none while the journal is not open."""
        from services.messages.filters import Filter

        with self._lock:
            if self._window is None:
                return []
            return self._opened().newest(limit, Filter.parse(text).of_device(device), looking_at)

    def whole(self, message: InferenceMessage) -> tuple[InferenceMessage, str]:
        """Return a message with as much of its body as can be looked at, and the beginning of that as a hex dump."""
        with self._lock:
            window = self._opened()
            return window.message(message.row, _DETAILED) or message, window.raw(message.row)

    def around(self, row: int, text: str, device: str = "") -> list[InferenceMessage]:
        """Take another filter, and return what comes before and after a message with it."""
        from services.messages.filters import Filter

        where = Filter.parse(text).of_device(device)
        self.cancel()
        with self._lock:
            self._where, self._narrowed = where, (0, 0)
            return self._opened().around(row, PAGE // 2, PAGE // 2, where)

    def at(self, milliseconds: int) -> Moment | None:
        """Return the first message that passes and was enqueued then (ms since 1970) or later; None where there is none."""
        with self._lock:
            window, where = self._opened(), self._filter()
            row = window.row_at(milliseconds, where)
            if row is None:
                return None
            began = row == window.row_at(0, where)
            return Moment(row, window.around(row, PAGE // 2, PAGE // 2, where), began)

    def oldest(self) -> list[InferenceMessage]:
        """Return the oldest messages of the journal that pass."""
        with self._lock:
            return self._opened().after(0, PAGE, self._filter())

    def mark(self, message: InferenceMessage) -> InferenceMessage:
        """Mark a message, or take its mark away; gives it as it is then."""
        with self._lock:
            assert self._handle is not None
            journal = self._handle.journal()
            try:
                (journal.unmark if message.marked else journal.mark)(message.row)
            finally:
                journal.close()
            return self._opened().message(message.row) or message

    def wait_until_receiving(self, seconds: float) -> None:
        """Wait until messages are received; raises OperatorError where they are not after ``seconds``."""
        until = time.monotonic() + seconds
        while True:
            state = self._handle.status().state if self._handle is not None else "closed"
            if state == "receiving":
                return
            if time.monotonic() > until:
                raise OperatorError(
                    "The recorder does not receive.",
                    cause=f"It is {state}.",
                    remedy="See why: dbe-console doctor.",
                    code="messages.not-receiving",
                )
            time.sleep(0.05)

    def export_path(self, name: str = "") -> str:
        """Return where an export, or a body under its own name, goes if nobody says another place."""
        from services.messages.journal.export import export_path

        path = export_path("ndjson")
        return str(path.with_name(name) if name else path)

    def export(self, text: str, path: str, device: str = "") -> tuple[str, int]:
        """Write every message that passes the filter to a new file; return its path and how many."""
        from services.messages.filters import Filter
        from services.messages.journal.export import export, new_export

        assert self._handle is not None
        target = new_export(path)
        return str(target), export(self._handle.journal_path, Filter.parse(text).of_device(device), target)

    def save(self, message: InferenceMessage, path: str) -> tuple[str, int]:
        """Write a message's body to a new file, byte for byte; gives its path and how many bytes."""
        from services.messages.journal.export import new_export, save_body

        with self._lock:
            body = self._opened().body(message.row)
        target = new_export(path)
        save_body(body, target)
        return str(target), len(body)

    def health(self, seconds: int, device: str = "") -> Health:
        """Return how the last ``seconds`` were, beside those before them, as far as it is counted: ask again until it is.

        Of all devices where ``device`` is empty.
        """
        from services.messages.health.statistics import HealthReader, latest

        handle = self._handle
        if handle is None:
            raise OperatorError("The journal is not open.", remedy="Press r in the messages pane.", code="messages.closed")
        with self._health_lock:
            reader = self._health.get((device, seconds))
            if reader is None:
                reader = self._health[device, seconds] = HealthReader(handle.journal_path, device)
            status = handle.status()
            return reader.look(*latest(seconds, status.ahead, status.newest))

    def _opened(self) -> Window:
        if self._window is None:
            raise OperatorError("The journal is not open.", remedy="Press r in the messages pane.", code="messages.closed")
        if not self._window.in_place:
            from services.messages.journal.window import Window

            before, self._window = self._window, Window(Path(self.path), _SHOWN)
            before.close()
            self._progress, self._begun_anew = None, True
        return self._window

    def _filter(self) -> Filter:
        assert self._where is not None
        return self._where

    def close(self) -> None:
        """Let go of the recorder, which ends with the last console. Who is still opening lets go by itself then."""
        self._closed = True
        self.cancel()
        if self._lock.acquire(timeout=_PATIENCE):
            try:
                self._let_go()
            finally:
                self._lock.release()

    def _let_go(self) -> None:
        if self._window is not None:
            self._window.close()
            self._window = None
        if self._handle is not None:
            self._handle.close()
            self._handle = None
