"""What a recorder is told when it starts: one JSON object on its standard input, the key in it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

from services.errors import UsageError
from services.messages.retention import Keep
from services.records import EventEndpoint, Secret

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Start:
    """Where receiving starts. ``value`` is ms since 1970 for ``time``, the offset for ``offset``.

    A partition that the journal knows resumes at its position; a start that lies before it fills in what the hub still has.
    """

    kind: Literal["latest", "beginning", "time", "offset"] = "latest"
    value: int | str = 0

    @classmethod
    def parse(cls, text: str, now: datetime | None = None) -> Start:
        """``latest``, ``beginning``, ``2h`` (now minus), an ISO time, or ``offset:N``; raises UsageError."""
        word = text.strip()
        if word.lower() in ("latest", "now", "@latest"):
            return cls("latest")
        if word.lower() in ("beginning", "all", "-1"):
            return cls("beginning")
        if word.lower().startswith("offset:"):
            offset = word[7:].strip()
            if not offset.isdecimal():
                raise UsageError(f"{text!r} is not an offset.", remedy="Give a number: offset:4711.", code="start.syntax")
            return cls("offset", offset)
        return cls("time", parse_time(word, now))


def parse_time(text: str, now: datetime | None = None) -> int:
    """``90s``, ``10m``, ``2h30m``, ``3d`` before now, or an ISO date or time (local where no zone is given), as ms since 1970."""
    word = text.strip()
    spans = _SPAN.findall(word)
    if spans and not _SPAN.sub("", word).strip():
        ago = timedelta(seconds=sum(float(number) * _SECONDS[unit.lower()] for number, unit in spans))
        return int(((now or datetime.now(timezone.utc)) - ago).timestamp() * 1000)
    try:
        moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", word))
        return int((moment if moment.tzinfo else moment.astimezone()).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{text!r} is not a time.",
            remedy="Give a span (90s, 10m, 2h30m, 3d) or an ISO time (2026-11-22T13:00, 2026-11-22T13:00Z).",
            code="time.syntax",
        ) from None


@dataclass(frozen=True, slots=True)
class Settings:
    """A recorder's endpoint, journal, retention and start. ``stay``: do not end with the last console."""

    endpoint: EventEndpoint
    journal: Path
    keep: Keep = field(default_factory=Keep)
    start: Start = field(default_factory=Start)
    stay: bool = False

    def to_json(self) -> str:
        """For the child's standard input only: the key is in it."""
        endpoint = {
            name: getattr(self.endpoint, name)
            for name in ("namespace", "entity", "consumer_group", "ca_file", "transport", "proxy")
        }
        endpoint["connection_string"] = self.endpoint.connection_string.reveal()
        return json.dumps(
            {
                "endpoint": endpoint,
                "journal": str(self.journal),
                "keep": asdict(self.keep),
                "start": asdict(self.start),
                "stay": self.stay,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """What ``to_json`` wrote."""
        told = json.loads(text)
        endpoint = dict(told["endpoint"])
        endpoint["connection_string"] = Secret(endpoint["connection_string"])
        return cls(
            EventEndpoint(**endpoint), Path(told["journal"]), Keep(**told["keep"]), Start(**told["start"]), bool(told["stay"])
        )
