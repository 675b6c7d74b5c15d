"""What the recorder says of itself: a small JSON file beside the journal, replaced as a whole."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from services.files import FileError, write
from services.records import RecorderFigures

_LATE = 5.0  # seconds that a message may take to come here, and is no sign of trouble
ANOTHER_RUNS = 3  # exit status of a recorder that finds another at work
RecorderState = Literal["starting", "receiving", "reconnecting", "stale", "failed", "disk", "ended"]


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """The recorder at one moment.

    ``rate`` is messages per second as the hub enqueued them in the last minute, what waited there left out. ``lag`` is what the
    hub has beyond what was received, as far as it was last asked; ``behind`` how many seconds late the newest message came, or
    lies before the hub's newest, whatever this machine's clock says. ``ahead``: so many seconds this machine's clock is ahead of
    the hub's, where it is more than a few. ``dropped`` counts messages that the hub no longer had (gaps); ``doubled`` those that
    came twice and were kept once; ``malformed`` those of which the service's stamps cannot be used, in the whole journal.
    ``events`` are (ms since 1970, text), oldest first. ``error`` is an OperatorError as a dict. ``restarts``: how often the
    console that asks has started a recorder again.
    """

    state: RecorderState
    at: int  # ms since 1970
    pid: int = 0
    since: int = 0
    received: int = 0
    committed: int = 0
    waiting: int = 0
    doubled: int = 0
    rate: float = 0.0
    lag: int = 0
    behind: float | None = None
    ahead: float = 0.0
    newest: int = 0  # enqueued time of the newest message, ms since 1970
    gaps: int = 0
    dropped: int = 0
    malformed: int = 0
    reconnects: int = 0
    restarts: int = 0
    partitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    error: Mapping[str, str] | None = None
    notice: str = ""
    events: tuple[tuple[int, str], ...] = ()
    stay: bool = False
    journal: str = ""
    consumer_group: str = ""

    @property
    def up_to_date(self) -> bool:
        """Whether all that the hub has is read at once, so that silence means that nothing was sent."""
        return self.state == "receiving" and not self.error and (self.behind or 0.0) < _LATE

    def figures(self, stored: int) -> RecorderFigures:
        """Return what the screen shows of it; ``stored`` messages are in the journal."""
        return RecorderFigures(
            state=self.state,
            rate=self.rate,
            lag=self.lag,
            behind=self.behind or 0.0,
            ahead=self.ahead,
            stored=stored,
            gaps=self.gaps,
            reconnects=self.reconnects,
            restarts=self.restarts,
            dropped=self.dropped,
            trouble=self.error["what"] if self.error else "",
            remedy=self.error["remedy"] if self.error else "",
            notice=self.notice,
        )

    def write(self, path: Path) -> None:
        """Replace the file at ``path``; a full disk has no room for a second one, and the old one is written over."""
        content = json.dumps(asdict(self)).encode()
        try:
            write(path, content, durable=False)
        except FileError:
            with contextlib.suppress(OSError):
                self._write_over(path, content)

    def _write_over(self, path: Path, content: bytes) -> None:
        """Write over the status in the blocks that the file has; of what is too long for them, events and partitions are left out."""
        with os.fdopen(os.open(path, os.O_RDWR | os.O_NOFOLLOW), "r+b", buffering=0) as file:
            status = os.fstat(file.fileno())
            if len(content) > max(status.st_size, status.st_blocks * 512):
                content = json.dumps(asdict(replace(self, events=(), partitions={}))).encode()
            file.write(content.ljust(status.st_size))

    @classmethod
    def read(cls, path: Path) -> RecorderStatus | None:
        """Return the status last written, or None."""
        try:
            fields = json.loads(path.read_text("utf-8"))
            fields["events"] = tuple((at, text) for at, text in fields["events"])
            return cls(**fields)
        except (OSError, ValueError, TypeError, KeyError):
            return None
