"""What the recorder tells of itself: what happened, what is wrong, the state that this amounts to, and the status file."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import fields

from services.errors import OperatorError
from services.messages.journal.location import Place
from services.messages.recorder.failures import explained
from services.messages.recorder.intake import Intake
from services.messages.recorder.link import Link
from services.messages.recorder.settings import Settings
from services.messages.recorder.status import RecorderState, RecorderStatus
from services.text import counted

_HEARTBEAT = 5.0
_GAPS_EVERY = 2.0
_NOT_BY_WAITING = (
    *(
        "unauthorized",
        "not-found",
        "missing",
        "readers",
        "stolen",
        "expired",
        "refused",
        "certificate",
        "not-tls",
        "network-rules",
    ),
)
_PASSING = ("cut", "throttled", "trouble")
_TOLD = tuple(each.name for each in fields(RecorderStatus) if each.name not in ("at", "behind", "newest"))
_LOG = logging.getLogger(__name__)


class StatusReporter:
    """Keeps what is to be told; ``write`` tells it."""

    def __init__(self, settings: Settings, place: Place) -> None:
        self._settings = settings
        self._place = place
        self.error: OperatorError | None = None
        self.notice = ""
        self.unanswered = False  # the hub keeps the connection and says nothing
        self._events: deque[tuple[int, str]] = deque(maxlen=20)
        self._outages: dict[str, float] = {}  # partitions whose link failed, and when
        self._opened = False
        self._reconnects = 0
        self._began = now_ms()
        self._before = (0, 0)  # received and committed with journals that were closed
        self._gaps, self._counted_at = (0, 0), 0.0
        self._malformed: int | None = None  # not counted yet
        self._last: RecorderStatus | None = None
        self._last_at = 0.0

    # -- what happens

    def note(self, text: str) -> None:
        """Note that something happened."""
        self._events.append((now_ms(), text))
        _LOG.info("%s", text)

    def warn(self, text: str) -> None:
        """Note that something happened which an operator has to see."""
        self.notice = text
        self.note(text)

    def failed(self, error: BaseException) -> None:
        """Note that something does not work."""
        self.error = explained(error, self._settings.endpoint)

    def heard(self, partition: str, error: BaseException | None) -> None:
        """Note that a partition's link opened (``error`` None) or failed."""
        if error is None:
            self._opened = True
            outage = self._outages.pop(partition, None)
            if outage is not None:
                self._reconnects += 1
                self.note(f"Partition {partition} is back after {time.monotonic() - outage:.1f} s.")
            if not self._outages:
                self.error = None
                self.unanswered = False
            return
        self._outages.setdefault(partition, time.monotonic())
        self.failed(error)
        if self.error is not None:
            self.note(f"Partition {partition}: {self.error.what}")

    def silent(self, error: OperatorError) -> None:
        """Note that the hub does not answer a question."""
        if not self.unanswered:
            self.unanswered = True
            self.note("The hub does not answer, though nothing was disconnected.")
        self.error = error

    def answered(self) -> None:
        """Note that the hub has answered a question."""
        if self.unanswered:
            self.unanswered = False
            self.note("The hub answers again.")
        if not self._outages:
            self.error = None

    # -- what it amounts to

    def state(self, intake: Intake, links: Sequence[Link]) -> RecorderState:
        """Return the state, in a word."""
        if intake.error is not None:
            return "disk"
        if self.unanswered:
            return "stale"
        if links and all(link.is_open for link in links):
            return "receiving"
        code = self.error.code if self.error else ""
        if any(word in code for word in _NOT_BY_WAITING):
            return "failed"
        # What never worked may be set up wrongly, unless it is a thing that passes.
        if self._opened or any(word in code for word in _PASSING):
            return "reconnecting"
        return "failed" if self.error else "starting"

    def closed(self, intake: Intake, links: Sequence[Link]) -> None:
        """Close a journal; another one may follow."""
        received, committed = self._before
        self._before = received + sum(link.received for link in links), committed + intake.committed

    def write(self, state: RecorderState, intake: Intake | None = None, links: Sequence[Link] = ()) -> None:
        """Write the status file, where there is anything new to tell or it is time to show that the recorder lives."""
        now = time.monotonic()
        status = self._status(state, intake, links, now)
        if self._last is not None and now - self._last_at < _HEARTBEAT and _same(status, self._last):
            return
        status.write(self._place.status)
        self._last, self._last_at = status, now

    def _status(self, state: RecorderState, intake: Intake | None, links: Sequence[Link], now: float) -> RecorderStatus:
        received, committed = self._before
        committed += intake.committed if intake else 0
        if intake and now - self._counted_at > _GAPS_EVERY:
            self._counted_at = now
            with contextlib.suppress(OperatorError):
                gaps = intake.journal.gaps()
                self._gaps = (sum(gap.count > 0 for gap in gaps), sum(gap.count for gap in gaps))
                malformed = intake.journal.malformed()
                if self._malformed is not None and malformed > self._malformed:
                    self.note(f"{counted(malformed - self._malformed, 'malformed message')} kept: see its system properties.")
                self._malformed = malformed
        error = (intake.error if intake else None) or self.error
        clock = max((link.clock for link in links), key=lambda clock: clock.heard_at, default=None)
        ahead = clock.ahead if clock else 0.0
        return RecorderStatus(
            state=state,
            at=now_ms(),
            pid=os.getpid(),
            since=self._began,
            received=received + sum(link.received for link in links),
            committed=committed,
            waiting=intake.waiting if intake else 0,
            doubled=intake.doubled if intake else 0,
            rate=round(intake.pace.look(now_ms() - ahead * 1000), 4) if intake else 0.0,
            lag=sum(link.lag for link in links),
            behind=max((round(link.behind, 1) for link in links if link.behind is not None), default=None),
            ahead=round(ahead),
            newest=intake.newest_enqueued if intake else 0,
            gaps=self._gaps[0],
            dropped=self._gaps[1],
            malformed=self._malformed or 0,
            reconnects=self._reconnects,
            partitions={
                link.partition: {"open": link.is_open, "sequence": link.cursor, "lag": link.lag, "received": link.received}
                for link in links
            },
            error=error.as_dict() if error else None,
            notice=self.notice,
            events=tuple(self._events),
            stay=self._settings.stay,
            journal=str(self._settings.journal),
            consumer_group=self._settings.endpoint.consumer_group,
        )


def _same(one: RecorderStatus, other: RecorderStatus) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in _TOLD)


def now_ms() -> int:
    """Return this moment in ms since 1970."""
    return int(time.time() * 1000)
