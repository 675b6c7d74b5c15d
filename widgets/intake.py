"""How the recorder does, in the words of the line below the stream: what ails it, rate, lag, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass

from services.text import counted, paced
from widgets.signs import Role
from widgets.when import span

Part = tuple[str, Role]

_AILS = {
    "failed": "failed",
    "reconnecting": "reconnecting",
    "stale": "hub does not answer",
    "disk": "not recording",
    "unread": "journal not readable",
}
_LATE = 5.0  # seconds


@dataclass(frozen=True)
class Intake:
    """How the recorder does: its state in a word, messages a second, and what went wrong.

    ``lag`` is how many messages the hub has beyond what was received, ``behind`` the seconds between; ``ahead`` how many seconds
    this machine's clock is ahead of the hub's; ``dropped`` messages are missing in ``gaps``, for the hub no longer had them.
    ``notice`` is what happened to hub or journal that the operator has to know.
    """

    state: str = "starting"  # starting, receiving, reconnecting, stale, failed, disk; unread: the journal is
    rate: float = 0.0
    lag: int = 0
    behind: float = 0.0
    ahead: float = 0.0
    stored: int = 0
    gaps: int = 0
    reconnects: int = 0
    restarts: int = 0
    dropped: int = 0
    trouble: str = ""
    remedy: str = ""
    notice: str = ""

    @property
    def ails(self) -> str:
        """What ails it now, in a few words; empty while nothing does."""
        return _AILS.get(self.state, "")


def figures(intake: Intake) -> list[Part]:
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


def troubles(intake: Intake) -> list[str]:
    """What went wrong, worst first."""
    ahead = abs(intake.ahead)
    lost = f"{intake.dropped:,} lost in {counted(intake.gaps, 'gap')}"
    return [
        text
        for text, happened in (
            (lost, intake.gaps),
            (counted(intake.reconnects, "reconnect"), intake.reconnects),
            ("recorder " + counted(intake.restarts, "restart"), intake.restarts),
            (f"clock {span(ahead)} {'ahead' if intake.ahead > 0 else 'late'}", ahead),
        )
        if happened
    ]
