"""Times as an operator reads them: ages where an age is meant."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any


def now() -> datetime:
    return datetime.now(timezone.utc)


def span(seconds: float) -> str:
    """Return a length of time in at most four characters or so: 8s, 3m, 5h, 12d, 3y."""
    seconds = max(seconds, 0)
    for limit, unit, size in ((60, "s", 1), (3600, "m", 60), (86400, "h", 3600), (86400 * 730, "d", 86400)):
        if seconds < limit:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds // (86400 * 365))}y"


def age(moment: datetime | None, at: datetime | None = None) -> str:
    """Return how long ago ``moment`` was; empty where it is not known."""
    if moment is None:
        return ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return span(((at or now()) - moment).total_seconds())


def ago(moment: datetime) -> str:
    """Return how long ago ``moment`` was, in words."""
    passed = age(moment)
    return "just now" if passed in ("0s", "1s") else f"{passed} ago"


def clock(moment: datetime) -> str:
    """Return the time of day, local."""
    return moment.astimezone().strftime("%H:%M:%S")


def clock_with_milliseconds(moment: datetime) -> str:
    """Return the time of day, local, to the millisecond."""
    return moment.astimezone().isoformat(timespec="milliseconds")[11:23]


def full(moment: datetime | None) -> str:
    """Return the date and time with its offset, local; a dash where there is none."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %z") if moment else "—"


def moment(value: Any) -> datetime | None:
    """Return an ISO 8601 time as an aware UTC datetime; None for 0001-01-01 (never) and for what is no time.

    The agent writes seven digits of fractions, which ``datetime.fromisoformat`` of Python 3.10 does not read.
    """
    if not isinstance(value, str) or len(value) > 64:
        return None
    text = value.strip().replace("Z", "+00:00").replace("z", "+00:00")
    head, dot, tail = text.partition(".")
    if dot:
        digits = len(tail) - len(tail.lstrip("0123456789"))
        text = f"{head}.{tail[:digits][:6]:0<6}{tail[digits:]}"
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.year <= 1:
            return None
        parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)
        return parsed.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
