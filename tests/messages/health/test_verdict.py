"""Whether the model is well, in the first line: said of windows as they are, without a journal."""

from __future__ import annotations

from typing import Any

import pytest

from services.messages.health.statistics import Change, Counts, Health, Point
from services.messages.health.verdict import verdict

MINUTE = 60_000
END = 60 * MINUTE


def window(since: int, until: int, results: int, errors: int = 0, **more: Any) -> Counts:
    return Counts(since, until, results + errors, results, errors, {50: 84.0} if results else {}, **more)


def health(now: int, errors: int = 0, before: int = 30, last: int = 5, changes: tuple[Change, ...] = (), **more: Any) -> Health:
    """Five minutes in bars of five seconds; the newest message came ``last`` seconds before the end."""
    bars = tuple(
        Point(at, int(at + 5_000 == END - last * 1000 + 5_000) * (now + errors), 0 if now else errors, None)
        for at in range(END - 5 * MINUTE, END, 5_000)
    )
    counts = window(END - 5 * MINUTE, END, now, errors, **more)
    return Health(counts, window(END - 10 * MINUTE, END - 5 * MINUTE, before), changes, bars)


@pytest.mark.parametrize(
    ("windows", "severity", "words"),
    [
        (health(30), "ok", "6/min, p50 84 ms, as before"),
        (health(30, mean_confidence=0.917), "ok", "6/min, p50 84 ms, confidence 0.92, as before"),
        (health(30, before=0), "ok", "6/min, p50 84 ms"),
        (health(6, last=240), "error", "no result for 3m; before: 6/min, p50 84 ms"),
        (health(0, before=30), "error", "no message for 5m; before: 6/min, p50 84 ms"),
        (health(0, errors=12), "error", "no result: 12 messages, all errors; before: 6/min, p50 84 ms"),
        (health(5, errors=20), "error", "80% of the messages are errors; before: 6/min, p50 84 ms"),
        (health(0, before=0), "info", "nothing came in this window, nor in the one before"),
        (health(2, before=0), "info", "2 messages: too few to judge by"),
        (health(28, errors=2), "warning", "6/min, p50 84 ms, 2 errors; before: 6/min, p50 84 ms"),
        (
            health(30, changes=(Change("latency", "Latency: p50 from 84 to 410 ms.", True), Change("rate", "more", False))),
            "warning",
            "6/min, p50 84 ms. Latency: p50 from 84 to 410 ms",
        ),
    ],
)
def test_the_first_line_says_how_the_model_is(windows: Health, severity: str, words: str):
    actual, sentence = verdict(windows)
    assert actual == severity and sentence.startswith(words)


def test_a_client_that_sends_seldom_is_not_called_silent():
    """One result in two minutes: a pause of a minute and a half is nothing."""
    assert verdict(health(3, before=2, last=90))[0] in ("ok", "info")


def test_nothing_is_said_before_all_is_counted():
    windows = health(0)
    assert verdict(Health(windows.now, windows.before, (), windows.points, 0.4)) == ("info", "counting")
