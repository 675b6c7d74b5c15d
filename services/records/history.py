"""What changed a device when, as the history keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Outcome = Literal["pending", "applied", "failed", "overridden", "unknown"]
HistoryRoute = Literal["hub", "azureml", "method", "twin"]


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of a device.

    ``before`` and ``after`` are manifests as services.deployment.manifest.masking.masked makes them; ``origin`` is the address
    that an SSH session came from, or empty.
    """

    id: int
    at: datetime
    user: str
    origin: str
    context: str
    host: str
    device: str
    route: HistoryRoute
    summary: str
    outcome: Outcome
    detail: str = ""
    before_version: int | None = None
    after_version: int | None = None
    before: Mapping[str, Any] = field(default_factory=dict, repr=False)
    after: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for ``--json``, without the manifests."""
        names = (
            "id",
            "user",
            "origin",
            "context",
            "host",
            "device",
            "route",
            "summary",
            "outcome",
            "detail",
            "before_version",
            "after_version",
        )
        return {"at": self.at.isoformat(), **{name: getattr(self, name) for name in names}}
