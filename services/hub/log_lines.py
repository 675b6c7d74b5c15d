"""A module's log cut into lines: level, time and text, for the styles in which containers write their times.

A time that stands first is taken off the text, since the console shows it beside; one that stands further in (after a level's
name, in an access log, in JSON or logfmt) is read and the text stays whole. What is no valid time stays text. Times without an
offset count as UTC, which containers run in (docs/facts/iot-hub.md). Times of day without a date are left: nothing says which day is meant.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

from services.records import LogLine
from services.text import clean, one_line

_NO_TIME = datetime.min.replace(tzinfo=timezone.utc)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_COLOURS = re.compile(r"\x1b\[[0-9;:]*[mK]")  # carry no text
_LEVEL = re.compile(r"<([0-7])>\s?")
_PRIORITY = re.compile(r"<(\d{1,3})>(?:1 )?(?=[A-Z\d])")  # RFC 3164 and, with its version, RFC 5424: facility * 8 + severity
_GLOG_LEVELS = {"I": 6, "W": 4, "E": 3, "F": 2}

# Python's logging writes a comma before its milliseconds; elsewhere a comma may begin the next column.
_FRACTION = r"(?:(?:\.(?=\d)|,(?=(?:\d{3}){1,3}(?!\d)))(?P<fraction>\d+))?"
_CLOCK = rf"(?P<hour>\d{{1,2}}):(?P<minute>\d\d):(?P<second>\d\d){_FRACTION}"
_HALF = r"(?:[ \u00a0\u202f]?(?P<half>[AaPp])\.?[Mm]\.?(?![A-Za-z]))?"  # .NET writes U+202F since ICU 72
_ZONE = r"(?: ?(?P<zone>[Zz]|UTC|GMT|[+-](?:0\d|1[0-4]):?[0-5]\d|\+(?:0\d|1[0-4]))(?![\w:]))?"
_MONTH = r"(?P<month_name>[A-Z][a-z]{2})"
_WEEKDAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?"
_ISO = rf"(?P<year>\d{{4}})(?P<sep>[-/.])(?P<month>\d\d)(?P=sep)(?P<day>\d\d)(?:[Tt_]| {{1,2}}){_CLOCK}{_ZONE}"
# A number that counts something is no time.
_COUNTED = (
    r"(?!\s*(?:%|/|[kMGT]?i?B\b|(?:bytes?|bits?|octets|[mun]?s|seconds?|milliseconds?|rows?|records?|items?|entries|messages?"
    r"|requests?|packets?|frames?|files?|lines?|times|points|samples|tokens|of|to|and|is)\b))"
)
_EPOCH = rf"(?P<epoch>1\d{{9}})(?:\.(?P<fraction>\d{{1,9}})|(?P<thousandths>\d{{3}}|\d{{6}}|\d{{9}}))?(?![\d.]){_COUNTED}"
_FIRST = tuple(
    re.compile(rf"(?P<open>\[)?{style}(?![A-Za-z\d])")
    for style in (
        _ISO,
        rf"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)[ T]{_CLOCK}{_ZONE}",
        rf"(?P<glog>[IWEF])(?P<year>\d{{4}})?(?P<month>\d\d)(?P<day>\d\d) {_CLOCK}(?= )",
        rf"{_WEEKDAY}{_MONTH} {{1,2}}(?P<day>\d{{1,2}}) {_CLOCK}(?: (?:UTC|GMT))?(?: (?P<year>(?:19|20)\d\d)(?!\d))?"
        r"(?! [A-Z]{3,5} (?:19|20)\d\d)",  # of another zone, whose name tells no offset
        rf"{_MONTH} (?P<day>\d{{1,2}}), (?P<year>\d{{4}}),? {_CLOCK}{_HALF}",
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})[ -/]{_MONTH}[ -/](?P<year>\d{{4}})[ :]{_CLOCK}{_ZONE}",
        rf"(?P<first>\d{{1,2}})/(?P<second_number>\d{{1,2}})/(?P<year>\d{{4}}),? {_CLOCK}{_HALF}{_ZONE}",
        rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d{{4}}),? {_CLOCK}{_ZONE}",
        _EPOCH,
    )
)
_WORD = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|trce|dbug|info|warn|fail|crit|error|debug|warning)"
_NAMED = r"[\"']?@?(?:timestamp|time|ts|t|asctime|datetime|date|Timestamp|Time)[\"']?\s?[=:]\s?[\"']?"
_FURTHER_IN = (
    re.compile(rf"(?P<open>\[?)(?:{_WORD}\]?[:| -]{{1,8}}|(?<=\[)[DIWECF] )\[?{_ISO}(?![A-Za-z\d])"),  # [I 2021-… of Jupyter
    re.compile(rf"\{{?.{{0,400}}?(?<![\w.]){_NAMED}{_ISO}(?![A-Za-z\d])"),
    re.compile(rf"\{{?.{{0,400}}?(?<![\w.]){_NAMED}{_EPOCH}(?![A-Za-z\d])"),
    # Apache's and nginx's access log; Redis.
    re.compile(rf"\S{{1,100}} \S{{1,100}} .{{1,100}}?\[(?P<day>\d\d)/{_MONTH}/(?P<year>\d{{4}}):{_CLOCK}{_ZONE}\]"),
    re.compile(rf"\d+:[A-Z] (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_CLOCK}"),
)


def lines_of(text: str, now: datetime | None = None) -> list[LogLine]:
    """Cut log text into lines, such as ``<6> 2026-01-01 10:00:00.000 +00:00 …``, without those that are blank.

    A date without a year is the last such date before ``now``.
    """
    now = now or datetime.now(timezone.utc)
    return [_line(line, now) for line in clean(_COLOURS.sub("", text)).split("\n") if line.strip()]


def merged(logs: Mapping[str, Sequence[LogLine]]) -> list[LogLine]:
    """Return the lines of several modules in the order of their times, each module's in its own order.

    A line without a time goes with the one before it.
    """
    timed = []
    for lines in logs.values():
        time = next((line.time for line in lines if line.time is not None), _NO_TIME)
        pairs = []
        for line in lines:
            time = max(time, line.time or time)
            pairs.append((time, line))
        timed.append(pairs)
    return [line for _, line in heapq.merge(*timed, key=lambda pair: pair[0])]


def _line(line: str, now: datetime) -> LogLine:
    level, rest = 6, line
    if mark := _LEVEL.match(rest):
        level, rest = int(mark[1]), rest[mark.end() :]
    elif (mark := _PRIORITY.match(rest)) and int(mark[1]) < 192:
        time, after = _leading(rest[mark.end() :], now)
        return LogLine(one_line(after), int(mark[1]) % 8, time) if time else LogLine(one_line(rest), level)
    time, after = _leading(rest, now)
    if time is not None:
        return LogLine(one_line(after), level, time)
    head = rest[:1_000]
    times = (_moment(match.groupdict(), now) for style in _FURTHER_IN if (match := style.match(head)))
    return LogLine(one_line(rest), level, next((time for time in times if time), None))


def _leading(text: str, now: datetime) -> tuple[datetime | None, str]:
    """Return the time that ``text`` begins with, and the text behind it."""
    begin = len(text) - len(text.lstrip())
    for style in _FIRST:
        match = style.match(text, begin)
        if match is None:
            continue
        fields = match.groupdict()
        time = _moment(fields, now)
        if time is None:
            continue
        rest = text[match.end() :]
        if fields["open"]:
            # ``[time] …`` loses its brackets; of ``[time LEVEL module] …`` the rest keeps them.
            rest = rest[1:] if rest.startswith("]") else "[" + rest.lstrip(" :|,")
        rest = rest.removeprefix(":").lstrip()
        return time, f"{fields['glog']} {rest}" if fields.get("glog") else rest
    return None, text


def _moment(fields: dict[str, str | None], now: datetime) -> datetime | None:
    """Return the time that a pattern's groups name, in UTC; None where there is no such time."""
    microseconds = int(f"{fields.get('fraction') or '':0<6}"[:6])
    if epoch := fields.get("epoch"):
        microseconds = int(f"{fields.get('thousandths') or fields.get('fraction') or '':0<6}"[:6])
        time = datetime.fromtimestamp(int(epoch), timezone.utc) + timedelta(microseconds=microseconds)
        return time if datetime(2015, 1, 1, tzinfo=timezone.utc) <= time <= now + timedelta(days=1) else None
    month, day = _month_and_day(fields)
    hour = _hour(int(fields["hour"] or 0), (fields.get("half") or "").lower())
    zone = _zone(fields.get("zone") or "")
    year = fields.get("year")
    latest = now + timedelta(days=1)  # a clock that is a little ahead, or of another zone
    # Without a year, 29 February may be up to eight years back.
    for each in (int(year),) if year else range(latest.year, latest.year - 9, -1):
        try:
            time = datetime(each, month, day, hour, int(fields["minute"] or 0), int(fields["second"] or 0), microseconds, zone)
            time = time.astimezone(timezone.utc)
        except (ValueError, OverflowError):
            continue
        if each > 1 and (year or time <= latest):
            return time
    return None


def _month_and_day(fields: dict[str, str | None]) -> tuple[int, int]:
    """Return the month and day; 0 is a month that there is none of. ``6/12/2021`` is June, as .NET writes without a culture."""
    if first := fields.get("first"):
        month, day = int(first), int(fields["second_number"] or 0)
        return (day, month) if month > 12 else (month, day)
    if name := fields.get("month_name"):
        return _MONTHS.index(name.lower()) + 1 if name.lower() in _MONTHS else 0, int(fields["day"] or 0)
    return int(fields["month"] or 0), int(fields["day"] or 0)


def _hour(hour: int, half: str) -> int:
    """Return the hour of 24; 24 where the twelve hours of a half have none such."""
    if not half:
        return hour
    return hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else 24


def _zone(zone: str) -> timezone:
    if zone[:1] not in ("+", "-"):
        return timezone.utc
    digits = zone[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-offset if zone[0] == "-" else offset)
