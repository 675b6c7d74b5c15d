"""How the recorder does, in the words of the line below the stream: what ails it, rate, lag, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.text import counted, paced
from services.times import span
from widgets.symbols import Role

if TYPE_CHECKING:
    from services.records import RecorderFigures

Part = tuple[str, Role]

_LATE = 5.0  # seconds


def figures(intake: RecorderFigures) -> list[Part]:
    """Rate, lag, what went wrong, and how much is kept."""
    receiving = intake.state == "receiving"
    parts: list[Part] = [(paced(intake.rate), "dim")] if intake.rate or receiving else []
    if intake.lag or receiving:
        late = intake.behind >= _LATE
        lag = f"lag {span(intake.behind)}" if late and not intake.lag else f"lag {intake.lag:,}"
        lag += f" ({span(intake.behind)})" if late and intake.lag else ""
        parts.append((lag, "warn" if late else "dim"))
    parts += [(text, "warn") for text in troubles(intake)]
    if intake.state != "starting" or intake.stored:
        parts.append((f"{intake.stored:,} kept", "dim"))
    return parts


def troubles(intake: RecorderFigures) -> list[str]:
    """Return what went wrong, worst first."""
    ahead = abs(intake.ahead)
    loss = f"{intake.dropped:,} lost in {counted(intake.gaps, 'gap')}"
    return [
        text
        for text, happened in (
            (loss, intake.gaps),
            (counted(intake.reconnects, "reconnect"), intake.reconnects),
            ("recorder " + counted(intake.restarts, "restart"), intake.restarts),
            (f"clock {span(ahead)} {'ahead' if intake.ahead > 0 else 'late'}", ahead),
        )
        if happened
    ]
