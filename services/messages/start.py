"""Where receiving is asked to start, and moments as an operator types them."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal, get_args

from services.errors import UsageError

LATEST_TIME = 253_402_300_799_999  # the last millisecond of the year 9999
_SPAN = re.compile(r"(?<![0-9])([0-9]+(?:\.[0-9]+)?)\s*(s|m|h|d|w)", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST = 100  # characters; the search for spans takes the square of a row of digits
_OFFSET = re.compile(r"[0-9]{1,19}")
_CLOCK = re.compile(r"(?:(today|yesterday)\s*)?((?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?)?", re.IGNORECASE)

StartKind = Literal["latest", "beginning", "time", "offset"]


@dataclass(frozen=True, slots=True)
class Start:
    """Where receiving starts. ``value`` is ms since 1970 for ``time``, the offset for ``offset``.

    A partition that the journal knows resumes at its position; a start that lies before it fills in what the hub still has.
    """

    kind: StartKind = "latest"
    value: int | str = 0

    @classmethod
    def parse(cls, text: str, now: datetime | None = None) -> Start:
        """Parse ``latest``, ``beginning``, ``2h`` (now minus), an ISO time, or ``offset:N``; raises UsageError."""
        word = text.strip()
        if word.lower() in ("latest", "now", "@latest"):
            return cls("latest")
        if word.lower() in ("beginning", "all", "-1"):
            return cls("beginning")
        if word.lower().startswith("offset:"):
            offset = word[7:].strip()
            if not _OFFSET.fullmatch(offset):
                raise UsageError(
                    f"{text!r} is not an offset.", remedy="Give a number of 19 digits at most: offset:4711.", code="start.syntax"
                )
            return cls("offset", offset)
        return cls("time", parse_time(word, now))

    @classmethod
    def stored(cls, text: object) -> Start | None:
        """Return the start that ``to_text`` wrote; None where there is none, the beginning where it cannot be read.

        Who asked for the newest message wanted all that came from then on: for a recorder that resumes, it is that moment.
        """
        if not text:
            return None
        kind, _, value = str(text).partition(":")
        if kind not in get_args(StartKind) or (kind != "beginning" and not _OFFSET.fullmatch(value)):
            return cls("beginning")
        if kind == "offset":
            return cls("offset", value)
        return cls("beginning") if kind == "beginning" else cls("time", int(value))

    def to_text(self) -> str:
        """Return the start as the journal keeps it, ``latest`` with this moment."""
        if self.kind == "latest":
            return f"latest:{int(time.time() * 1000)}"
        if self.kind == "time" and int(self.value) <= 0:
            return "beginning"
        return self.kind if self.kind == "beginning" else f"{self.kind}:{self.value}"

    def joined(self, other: Start) -> Start:
        """Return the start that leaves out nothing of either; ``latest`` adds nothing to another."""
        if other.kind == "latest" or self == other:
            return self
        if self.kind == "latest":
            return other
        if self.kind == other.kind and self.kind in ("time", "offset"):
            return min(self, other, key=lambda start: int(start.value))
        return Start("beginning")


def parse_time(text: str, now: datetime | None = None) -> int:
    """Return a moment in ms since 1970: a span before now, a time of the day, or an ISO date or time.

    ``90s``, ``10m``, ``2h30m``, ``3d``; ``14:30`` (the last time it was so late, today or yesterday), ``yesterday``,
    ``yesterday 14:30``, ``today``; ``2026-11-22T13:00``, local where no zone is given.

    Raises UsageError, also for a moment that no calendar has.
    """
    word = text.strip()
    try:
        if len(word) > _LONGEST:
            raise ValueError("no time is written as long as that")
        spans = _SPAN.findall(word)
        if spans and not _SPAN.sub("", word).strip():
            ago = timedelta(seconds=sum(float(number) * _SECONDS[unit.lower()] for number, unit in spans))
            return int(((now or datetime.now(timezone.utc)) - ago).timestamp() * 1000)
        clock = _CLOCK.fullmatch(word)
        if clock and word:
            return _of_the_day(clock.group(1), clock.group(2), (now or datetime.now(timezone.utc)).astimezone())
        moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", word))
        return int((moment if moment.tzinfo else moment.astimezone()).timestamp() * 1000)
    except OverflowError:
        raise UsageError(
            f"{_shortened(text)} lies before or after all that a calendar has.",
            remedy="Hubs keep messages for a week at most: give a span like 10m, 2h30m or 3d, or --from beginning for everything.",
            code="time.range",
        ) from None
    except (ValueError, OSError):
        raise UsageError(
            f"{_shortened(text)} is not a time.",
            remedy="Give a span (90s, 10m, 2h30m, 3d), a time of the day (14:30, yesterday 14:30) or an ISO time (2026-11-22T13:00Z).",
            code="time.syntax",
        ) from None


def _of_the_day(day: str | None, clock: str | None, now: datetime) -> int:
    """Return a time of today or yesterday by this machine's zone; of no day, the one that is not still to come."""
    hour, minute, second = (*map(int, (clock or "0:00").split(":")), 0)[:3]
    # Without a zone, so that the offset is that of the moment itself: it may be another before a change of the clocks.
    moment = now.replace(hour=hour, minute=minute, second=second, microsecond=0, tzinfo=None)
    if (day or "").lower() == "yesterday" or (not day and moment.astimezone() > now):
        moment -= timedelta(days=1)
    return int(moment.astimezone().timestamp() * 1000)


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:59] + "…")
