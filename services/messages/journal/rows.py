"""What is received and goes into the journal: messages, the positions they stand at, and the gaps between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.messages.start import Start

LARGEST_NUMBER = 2**53  # no partition holds so many messages, and what reads JSON as doubles still tells neighbours apart
MALFORMED = "malformed"  # the system property, first of all, that says what the service's own stamps lack

OriginKey = tuple[
    str, str, str, str, str
]  # device, module, content type, content encoding, the other stable system properties (JSON)


class RawMessage(NamedTuple):
    """A message as it is received. ``enqueued`` in ms since 1970; ``properties`` and ``system`` are JSON objects or None.

    ``sequence`` is negative where the service gave no usable number (docs/facts/iot-hub.md): such a message has an identity of its own,
    and no place in the order. ``kind``, ``milliseconds``, ``confidence`` and ``label`` are drawn from the body by
    ``parse.derive``; ``text`` is the body decoded, where its bytes are not UTF-8 as they stand.
    """

    sequence: int
    enqueued: int
    origin: OriginKey
    kind: int
    milliseconds: float | None
    confidence: float | None
    label: str | None
    offset: str | None
    text: str | None
    body: bytes
    properties: str | None
    system: str | None

    @property
    def malformed(self) -> bool:
        """Whether the service's own stamps (number, time) or the message itself cannot be used as they came."""
        return self.system is not None and self.system.startswith(f'{{"{MALFORMED}":')


@dataclass(frozen=True, slots=True)
class Position:
    """Where a partition stands in the journal.

    ``sequence`` is the number up to which all has been read, with the ``offset`` and ``enqueued`` time (ms) of that message where they
    are known; None as long as only the start that was ``asked`` for is. ``begun`` is the number before the first that was ever
    wanted. ``oldest`` is the oldest that the hub kept when it was first asked, while ``sequence`` is None. ``newest`` is the
    highest number among the journal's own messages.
    """

    part: int
    generation: int
    sequence: int | None = None
    offset: str = ""
    enqueued: int = 0
    asked: Start | None = None
    begun: int | None = None
    oldest: int | None = None
    newest: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one part, in their order, with the spans that the hub no longer had (first and last sequence numbers)."""

    part: int
    messages: Sequence[RawMessage]
    gaps: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages that the hub no longer had when they were asked for. ``before_row`` is the journal's row that follows the gap.

    Where the hub was made again, what the one before had behind ``last`` is missing, and ``first`` is one more: nobody knows how many.
    """

    partition: str
    generation: int
    first: int
    last: int
    noticed: int
    before_row: int | None

    @property
    def count(self) -> int:
        """How many messages are missing."""
        return self.last - self.first + 1


@dataclass(slots=True)
class Appended:
    """What an append did: rows committed, and rows that were there before."""

    committed: int = 0
    doubled: int = 0
    newest_enqueued: int = 0
