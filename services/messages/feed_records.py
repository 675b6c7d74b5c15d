"""What the feed's looks at the journal return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.records import InferenceMessage, RecorderFigures


@dataclass(frozen=True)
class Look:
    """What one look at the journal found: newer messages, how many wait where the view stands still, and the intake.

    ``anew``: these are the newest, and do not follow on what is shown: more came than the view has room for, or it is another
    journal.
    """

    newer: Sequence[InferenceMessage]
    pending: int
    intake: RecorderFigures
    anew: bool = False


@dataclass(frozen=True)
class Older:
    """What a look further back found, oldest first; the row it ``reached``, and how much of the journal now lies in front of that."""

    messages: Sequence[InferenceMessage]
    reached: int
    share: float


@dataclass(frozen=True)
class Moment:
    """The first message of a time, by its row, and those around it; ``is_first``: the journal has none before it that passes."""

    row: int
    messages: Sequence[InferenceMessage]
    is_first: bool
