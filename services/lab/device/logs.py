"""What modules write, and GetModuleLogs' filters over it (docs/facts/iot-hub.md)."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

_LINES = 20_000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Line:
    """A line and when it was written, in seconds since the epoch."""

    at: float
    text: str

    @property
    def level(self) -> int:
        """Its syslog level; 6 without a ``<n>`` prefix."""
        match = re.match(r"<(\d)>", self.text)
        return int(match[1]) if match else 6


class Log:
    """The newest lines of a module."""

    def __init__(self) -> None:
        self.lines: deque[Line] = deque(maxlen=_LINES)

    def write(self, at: float, text: str) -> None:
        """Append one line."""
        self.lines.append(Line(at, text))

    def select(self, query: dict[str, Any], now: float) -> list[Line]:
        """Return the lines that ``filter`` asks for.

        Since, until, loglevel, regex, and tail of what the engine gives before the others apply.
        """
        lines = list(self.lines)
        if query.get("since") is not None:
            lines = [line for line in lines if line.at >= moment(query["since"], now)]
        if query.get("until") is not None:
            lines = [line for line in lines if line.at <= moment(query["until"], now)]
        if query.get("tail") is not None:
            lines = lines[-int(query["tail"]) :] if int(query["tail"]) > 0 else []
        if query.get("loglevel") is not None:
            lines = [line for line in lines if line.level == int(query["loglevel"])]
        if query.get("regex"):
            pattern = re.compile(str(query["regex"]))
            lines = [line for line in lines if pattern.search(line.text)]
        return lines


def moment(text: Any, now: float) -> float:
    """Return a time of a filter.

    Seconds since the epoch, RFC 3339, or an age such as ``10m`` or ``1h30m``; ValueError for anything else.
    """
    text = str(text).strip()
    if re.fullmatch(r"\d{9,}", text):
        return float(text)
    ages = re.findall(r"(\d+)\s*([smhd])[a-z]*", text)
    if ages and re.fullmatch(r"(\d+\s*[smhd][a-z]*\s*)+", text):
        return now - sum(int(count) * _UNITS[unit] for count, unit in ages)
    parsed = datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", text.replace("Z", "+00:00")))
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()
