"""A line of a module's log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a module's log. ``level`` is syslog's 0 (worst) to 7; lines that carry none count as 6.

    ``module`` is named where several modules' logs are read together.
    """

    text: str
    level: int = 6
    time: datetime | None = None
    module: str = ""
