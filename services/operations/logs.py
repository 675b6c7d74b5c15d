"""Following a module's log: the agent's GetModuleLogs asked again and again, each line given once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from services.errors import OperatorError, UsageError
from services.hub.client import Hub
from services.hub.log_lines import merged
from services.hub.methods import module_logs
from services.messages.start import parse_time
from services.names import did_you_mean, module_name
from services.records import LogLine
from services.text import one_line

# What edge agents take as a span before now: numbers with units (docs/facts/iot-hub.md).
_SPANS = re.compile(r"(?:\d{1,9}\s*(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)\s*){1,6}", re.ASCII)
_DATED = re.compile(r"\d{4}-\d\d-\d\d|[\d.]+\s*[smhdw]", re.IGNORECASE | re.ASCII)
_MOST = 2000  # lines asked for at once; halved by the hub room where the device finds them too many


def agent_time(text: str) -> str:
    """Return a time as every edge agent takes it: a span or Unix seconds as they are, any other as RFC 3339 in UTC.

    A span counts by the device's clock. Raises UsageError, before anything is sent, for what is none of these.
    """
    word = text.strip()
    if not word or _SPANS.fullmatch(word) or (word.isascii() and word.isdecimal() and len(word) <= 10):
        return word
    if not _DATED.match(word):
        raise UsageError(
            f"{one_line(word, 60)!r} is no time that an edge agent takes; nothing was sent.",
            remedy="Give a span before now (90s, 10m, 2h30m, 3d) or a date and time (2026-11-22T13:00, 2026-11-22T13:00Z).",
            code="time.syntax",
        )
    at = datetime.fromtimestamp(parse_time(word) / 1000, timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def fetch(hub: Hub, device: str, module: str | Sequence[str], *, tail: int = 100, **filters: Any) -> list[LogLine]:
    """Return log lines (``services.hub.methods.module_logs``); where nothing comes, a module that is not there is named.

    The agent cuts to the tail before it filters: of a filtered log more is asked for, and the last ``tail`` that pass are
    given, of several modules in all.
    """
    module = _names(module)
    filters |= {name: agent_time(filters[name]) for name in ("since", "until") if filters.get(name)}
    filtered = filters.get("regex") or filters.get("level") is not None
    lines = module_logs(hub, device, module, tail=max(tail, _MOST) if filtered else tail, **filters)[-tail:]
    if lines:
        return lines
    names = [module_state.name for module_state in hub.device_state(device).modules]
    for name in [module] if isinstance(module, str) else module:
        if name not in names:
            raise OperatorError(
                f"{device} has no module {one_line(name, 80)}.",
                cause=f"It has: {', '.join(names) or 'none'}.",
                remedy=f"{did_you_mean(name, names)}Name one of these; the runtime's own are edgeAgent and edgeHub.",
                code="logs.module-missing",
            )
    return []


def _names(module: str | Sequence[str]) -> str | list[str]:
    """Return names as deployments know them: the one of a single module, none for all."""
    names = [module_name(name) for name in ([module] if isinstance(module, str) else module)]
    return names[0] if len(names) == 1 else names


def follow(
    hub: Hub,
    device: str,
    module: str | Sequence[str],
    stopped: threading.Event,
    *,
    tail: int = 100,
    since: str = "",
    level: int | None = None,
    regex: str = "",
    every: float = 3.0,
    halved: Callable[[int], object] | None = None,
    timeless: Callable[[], object] | None = None,
) -> Iterator[LogLine]:
    """Yield the last ``tail`` lines and then those that come, until ``stopped``. Each look is a direct method: metered, 4 KB units.

    Where the device finds no line by its time, which some container engines do not (Azure/iotedge issues 3602 and 5051), the
    last lines alone are asked for from then on, and ``timeless`` is told.

    Lines are told apart by place, not by text: a log that repeats a line shows it as often as it was written. Raises
    OperatorError where the device does not answer.
    """
    module = _names(module)
    since = agent_time(since)
    previous: dict[str, list[LogLine]] = {}  # by module
    first = by_time = True
    while not stopped.is_set():
        # Asked from a little before the last line's time: the device's clock sets both, and lines of one second may still come.
        times = [next((line.time for line in reversed(lines) if line.time is not None), None) for lines in previous.values()]
        newest = max((time for time in times if time is not None), default=None)
        if newest is not None:  # a module's own times may be of another zone, and in what is to come there is nothing
            newest = min(newest, datetime.now(timezone.utc)) - timedelta(seconds=1 if isinstance(module, str) else every + 2)
        start = since if first or newest is None else newest.strftime("%Y-%m-%dT%H:%M:%SZ")
        start = start if by_time else ""
        ask = fetch if first else module_logs
        try:
            lines = ask(
                hub,
                device,
                module,
                tail=_MOST if by_time and not first else tail,
                since=start,
                level=level,
                regex=regex,
                halved=halved if first else None,
            )
        except OperatorError as error:
            if not start or (first and error.code != "agent.logs-unreadable") or not error.code.startswith("agent."):
                raise
            by_time = False
            if timeless is not None:
                timeless()
            continue
        by_module: dict[str, list[LogLine]] = {}
        for line in lines:
            by_module.setdefault(line.module, []).append(line)
        new = {name: unseen(previous.get(name, []), lines) for name, lines in by_module.items()}
        yield from merged(new)
        for name, lines in new.items():
            previous[name] = (previous.get(name, []) + lines)[-_MOST * 2 :]
        first = False
        stopped.wait(every)


def unseen(previous: list[LogLine], lines: list[LogLine]) -> list[LogLine]:
    """Return what of ``lines`` follows on ``previous``: the longest overlap of the end of one with the beginning of the other is taken off.

    Where ``lines`` begins earlier than the overlap, its beginning is searched for in ``previous`` as well.
    """
    if not previous or not lines:
        return lines
    last = previous[-1]
    # From the end: the newest place where what is shown ends inside the new lines.
    for end in range(len(lines), 0, -1):
        if lines[end - 1] == last:
            length = min(end, len(previous))
            if lines[end - length : end] == previous[-length:]:
                return lines[end:]
    return lines
