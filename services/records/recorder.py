"""How a recorder does, as a console sees it."""

from __future__ import annotations

from dataclasses import dataclass

_AILS = {
    "failed": "failed",
    "reconnecting": "reconnecting",
    "stale": "hub does not answer",
    "disk": "not recording",
    "unread": "journal not readable",
}


@dataclass(frozen=True, slots=True)
class RecorderFigures:
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
