"""The verdict on a window in one sentence: whether the model is well, and against what it was before."""

from __future__ import annotations

from services.messages.health.statistics import Counts, Health
from services.records import Severity
from services.text import counted, paced
from services.times import span

_ENOUGH = 5  # messages without which nothing is said of how well it is
_PAUSES = 5  # usual pauses after which silence is one
_MOST_ERRORS = 0.5  # share of errors above which the model is not well, whatever it was before


def verdict(health: Health) -> tuple[Severity, str]:
    """Return how bad it is, and the sentence; ``info`` where nothing can be said."""
    now, before = health.now, health.before
    if health.counted < 1:
        return "info", "counting"
    usual = f"; before: {_pace(before)}" if before.results else ""
    if not now.count:
        if not before.count:
            return "info", "nothing came in this window, nor in the one before: no client sends, or none was listened to"
        return "error", f"no message for {span((now.until - _last(health, good=False)) / 1000)}{usual}"
    if not now.results:
        share = "all errors" if now.errors == now.count else f"{now.errors:,} of them errors"
        return "error", f"no result: {counted(now.count, 'message')}, {share}{usual}"
    quiet = (now.until - _last(health, good=True)) / 1000
    if quiet > _patience(health):
        return "error", f"no result for {span(quiet)}{usual}"
    if now.error_share > _MOST_ERRORS:
        return "error", f"{now.error_share:.0%} of the messages are errors{usual}"
    worse = [change.text.rstrip(".") for change in health.changes if change.worse]
    if worse:
        return "warning", f"{_pace(now)}. {'. '.join(worse[:2])}"
    if now.count < _ENOUGH:
        return "info", f"{counted(now.count, 'message')}: too few to judge by{usual}"
    if now.errors and now.error_share > max(0.01, 2 * before.error_share):
        return "warning", f"{_pace(now)}, {counted(now.errors, 'error')}{usual}"
    return "ok", f"{_pace(now)}{', as before' if before.results >= _ENOUGH else ''}"


def _pace(counts: Counts) -> str:
    """Return the rate of results with what they are like: ``6/min, p50 84 ms, confidence 0.92``."""
    rate = counts.results / max(0.001, (counts.until - counts.since) / 1000)
    parts = [paced(rate)]
    if 50 in counts.percentiles:
        parts.append(f"p50 {counts.percentiles[50]:,.0f} ms")
    if counts.mean_confidence is not None:
        parts.append(f"confidence {counts.mean_confidence:.2f}")
    return ", ".join(parts)


def _last(health: Health, *, good: bool) -> int:
    """Return when the newest message, or result, of the window came at the latest (ms since 1970); its beginning without one."""
    width = (health.now.until - health.now.since) // max(len(health.points), 1)
    bars = [point.at + width for point in health.points if point.count > (point.errors if good else 0)]
    return max(bars, default=health.now.since)


def _patience(health: Health) -> float:
    """Return after how many seconds silence says something: several usual pauses, and more than two bars of the plot."""
    now, before = health.now, health.before
    length = (now.until - now.since) / 1000
    usual = max(now.results, before.results)
    return max(_PAUSES * length / usual, 2 * length / max(len(health.points), 1) + 1)
