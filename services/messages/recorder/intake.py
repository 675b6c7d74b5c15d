"""Between receiving and the journal: batches wait here for the thread that commits them.

What waits is bounded: a slow or full disk makes the links wait, and the hub keeps what they do not take.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from itertools import islice

from services.errors import OperatorError
from services.messages.health.pace import Pace
from services.messages.journal.field_rule import follow_rule, take_rule
from services.messages.journal.retention import Keep, retain
from services.messages.journal.rows import Batch, RawMessage
from services.messages.journal.store import Journal
from services.messages.parsing.field_rule import FieldRule
from services.messages.parsing.parse import derive, is_foreign

_LOG = logging.getLogger(__name__)
_WAITING_LIMIT = 20_000
_WAITING_BYTES = 64 * 1024**2
_OVERHEAD = 1_000  # bytes that a message takes beside its body, about
_RETAIN_EVERY = 30.0
_RULE_EVERY = 1.0
# Small commits cost more than their rows do, and each wakes this thread beside a busy receiver: gather for a moment.
_GATHER = 0.05


class Intake:
    """Commits batches in a thread of its own, in the order in which they were given."""

    def __init__(self, journal: Journal, keep: Keep) -> None:
        self.journal = journal
        self.committed = 0
        self.doubled = 0
        self.newest_enqueued = 0
        self.pace = Pace()
        self.error: OperatorError | None = None
        self.damaged = False
        self.rule_text = ""  # the rule for foreign JSON that is followed
        self._rule: FieldRule | None = None
        self._keep = keep
        self._batches: deque[Batch] = deque()
        # Messages and bytes: of the first pair who receives is the only writer, of the second the thread.
        self._put_count, self._put_bytes = 0, 0
        self._commit_count, self._commit_bytes = 0, 0
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        """Begin to commit."""
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Messages received and not yet committed."""
        return self._put_count - self._commit_count

    @property
    def waiting_bytes(self) -> int:
        """What they take of the memory, about."""
        return self._put_bytes - self._commit_bytes

    async def put(self, batch: Batch) -> None:
        """Hand a batch over; waits while too much is waiting already, in number or in bytes."""
        while (self.waiting > _WAITING_LIMIT or self.waiting_bytes > _WAITING_BYTES) and not self._ended:  # noqa: ASYNC110 - the other side is a thread
            await asyncio.sleep(0.02)
        self._put_count += len(batch.messages)
        self._put_bytes += _size(batch)
        self._batches.append(batch)
        if not self._wake.is_set():
            self._wake.set()

    def end(self, seconds: float = 10.0) -> None:
        """Commit what waits, and end; gives up after ``seconds``, when the hub is asked again for what was not committed."""
        self._ended = True
        self._wake.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        retain_at = time.monotonic() + 1.0
        while True:
            self._wake.wait(min(max(0.01, retain_at - time.monotonic()), _RULE_EVERY))
            if not self._ended:
                self._wake.clear()
                time.sleep(_GATHER)
            count = len(self._batches)
            if self._ended and not count:
                return
            try:
                below = self._take_rule()
                if count:
                    self._commit(count)
                if below and follow_rule(self.journal, self.rule_text, below):
                    self._wake.set()
                if time.monotonic() >= retain_at:
                    more = retain(self.journal, self._keep)
                    retain_at = time.monotonic() + (0.5 if more else _RETAIN_EVERY)
                self.error = None
            except OperatorError as error:
                self.error = error
                self.damaged = error.code == "journal.damaged"
            except Exception as error:  # noqa: BLE001 - without this thread the links would wait for ever, and say nothing
                _LOG.exception("what waits was not committed")
                self.error = OperatorError(
                    f"The recorder cannot write what it received ({type(error).__name__}).",
                    cause="This is a fault of dbe-console itself; its words are in the recorder's log beside the journal.",
                    remedy="It goes on trying. Send the log to its makers; the hub keeps the messages for a day or more.",
                    code="journal.fault",
                )
            if self.error is not None:
                if self._ended or self.damaged:
                    return
                time.sleep(1.0)
                self._wake.set()

    def _take_rule(self) -> int:
        """Take up the rule that a console asked for; return the row below which the journal does not follow it yet, else 0."""
        text, below = take_rule(self.journal)
        if text != self.rule_text:
            self.rule_text, self._rule = text, FieldRule.stored(text)
        return below

    def _by_rule(self, message: RawMessage) -> RawMessage:
        if self._rule is None or not is_foreign(message.kind, message.body):
            return message
        _, _, content_type, content_encoding, _ = message.origin
        derived = derive(message.body, content_type, content_encoding, self._rule.meaning)
        return message._replace(
            kind=derived.kind, milliseconds=derived.milliseconds, confidence=derived.confidence, label=derived.label
        )

    def _commit(self, count: int) -> None:
        """Commit the oldest ``count`` batches, joined by their parts."""
        by_part: dict[int, tuple[list[RawMessage], list[tuple[int, int]]]] = {}
        for batch in islice(self._batches, count):
            messages, gaps = by_part.setdefault(batch.part, ([], []))
            messages += batch.messages if self._rule is None else map(self._by_rule, batch.messages)
            gaps += batch.gaps
        done = self.journal.append([Batch(part, *both) for part, both in by_part.items()])
        self.committed += done.committed
        self.doubled += done.doubled
        self.newest_enqueued = max(self.newest_enqueued, done.newest_enqueued)
        self.pace.count(message.enqueued for messages, _ in by_part.values() for message in messages)
        for _ in range(count):
            batch = self._batches.popleft()
            self._commit_count += len(batch.messages)
            self._commit_bytes += _size(batch)


def _size(batch: Batch) -> int:
    return sum([len(message.body) for message in batch.messages]) + _OVERHEAD * len(batch.messages)
