"""What is received and goes into the journal: messages, the positions they stand at, and the gaps between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

OriginKey = tuple[
    str, str, str, str, str
]  # device, module, content type, content encoding, the other stable system properties (JSON)


class RawMessage(NamedTuple):
    """A message as it is received. ``enqueued`` in ms since 1970; ``properties`` and ``system`` are JSON objects or None.

    ``kind``, ``milliseconds``, ``confidence`` and ``label`` are drawn from the body by ``parse.derive``; ``text`` is the body
    decoded, where its bytes are not UTF-8 as they stand.
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


@dataclass(frozen=True, slots=True)
class Position:
    """The newest committed message of a partition; ``sequence`` is None before the first."""

    part: int
    generation: int
    sequence: int | None = None
    offset: str = ""
    enqueued: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one part, in their order, with the spans that the hub no longer had (first and last sequence numbers)."""

    part: int
    messages: Sequence[RawMessage]
    gaps: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages that the hub no longer had when they were asked for. ``before_row`` is the journal's row that follows the gap."""

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
    newest: dict[int, RawMessage] = field(default_factory=dict)
