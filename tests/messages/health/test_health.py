"""Health of a window, counted in passing, against the plain computation over all rows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.messages.health import statistics
from services.messages.health.statistics import Counts, Health, HealthReader, health
from services.messages.journal.retention import Keep, retain
from services.messages.journal.rows import Batch, RawMessage
from services.messages.journal.schema import set_aside
from services.messages.journal.store import Journal
from services.messages.parsing.parse import KINDS

START = 1_790_000_000_000
ERRORS = ("flashing", "tensor-names", "error")


def plain(messages: list[RawMessage], since: int, until: int) -> dict[str, Any]:
    """The same, simply."""
    inside = [message for message in messages if since <= message.enqueued < until]
    times = sorted(message.milliseconds for message in inside if message.milliseconds is not None)
    labels = Counter(message.label for message in inside if message.label is not None)
    told = [message.confidence for message in inside if message.confidence is not None]
    senders = Counter((message.origin[0], message.origin[1]) for message in inside)
    return {
        "count": len(inside),
        "kinds": {kind: n for number, kind in enumerate(KINDS) if (n := sum(m.kind == number for m in inside))},
        "errors": sum(KINDS[message.kind] in ERRORS for message in inside),
        "percentiles": {p: times[max(0, -(-len(times) * p // 100) - 1)] for p in (50, 95, 99)} if times else {},
        "classes": tuple(sorted(labels.items(), key=lambda each: (-each[1], each[0]))[:12]),
        "class_count": len(labels),
        "mean_confidence": pytest.approx(sum(told) / len(told)) if told else None,
        "senders": sorted(((*who, n) for who, n in senders.items()), key=lambda each: (-each[2], each))[:12],
    }


def as_plain(counts: Counts) -> dict[str, Any]:
    found = {name: getattr(counts, name) for name in plain([], 0, 0) if name != "senders"}
    return found | {"senders": [(sender.device, sender.module, sender.count) for sender in counts.senders]}


def assert_same(found: Health, messages: list[RawMessage], since: int, until: int, points: int) -> None:
    assert found.counted == 1
    assert as_plain(found.now) == plain(messages, since, until)
    assert as_plain(found.before) == plain(messages, 2 * since - until, since)
    width = (until - since) // points
    for number, point in enumerate(found.points):
        own = plain(messages, since + number * width, since + (number + 1) * width)
        assert (point.at, point.count, point.errors) == (since + number * width, own["count"], own["errors"])
        assert point.percentiles == own["percentiles"]


_MESSAGE = st.tuples(
    st.integers(-30, 60),  # enqueued
    st.integers(0, len(KINDS) - 1),
    st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.0, 1e-300, 1e300]), st.floats(-10, 1000)),
    st.one_of(st.none(), st.floats(0, 1)),
    st.one_of(st.none(), st.sampled_from("abcdefghijklmnop"), st.text("xyé", max_size=2)),
    st.sampled_from(["edge-1", "edge-2"]),
    st.sampled_from(["", "client"]),
    st.sampled_from(["", "text/plain"]),
)


@given(portions=st.lists(st.lists(_MESSAGE, max_size=40), min_size=1, max_size=5), steps=st.lists(st.integers(0, 4), max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_window_that_slides_counts_what_the_plain_computation_counts(
    portions: list[list[Any]], steps: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "_PORTION", 7)
    for old in tmp_path.glob("any.journal*"):
        old.unlink()
    journal = Journal(tmp_path / "any.journal")
    part = journal.part("namespace", "entity", 0, "0")
    reader, messages = HealthReader(journal.path), list[RawMessage]()
    until = START + 20
    for number, portion in enumerate(portions):
        new = [
            RawMessage(
                len(messages) + place, START + at, (device, module, kind_of, "", "{}"), kind, ms, sure, label, "", None, b"x", None, None
            )
            for place, (at, kind, ms, sure, label, device, module, kind_of) in enumerate(portion)
        ]  # fmt: skip
        journal.append([Batch(part, new)])
        messages += new
        until += (steps[number] if number < len(steps) else 0) * 4
        found = reader.look(until - 20, until, 5, seconds=0)
        while found.counted < 1:
            assert not found.changes
            found = reader.look(until - 20, until, 5, seconds=0)
        assert_same(found, messages, until - 20, until, 5)
    only = [message for message in messages if message.origin[:2] == ("edge-2", "client")]
    assert_same(health(journal.path, until - 20, until, 5, "edge-2", "client"), only, until - 20, until, 5)
    journal.close()


def result(label: str, at: int = 0) -> str:
    return f"(5 ms) The image {at}.jpg was classified as {label} with confidence 0.5."


def test_only_so_many_classes_are_told_apart_and_room_comes_back(
    journal: Journal, raw: Callable[..., Any], fill: Callable[..., None]
) -> None:
    reader = HealthReader(journal.path, listed=100)
    fill([raw(number, result(f"class {number:04}"), enqueued=START) for number in range(1000)])
    found = reader.look(START, START + 60, 60).now
    assert (found.count, found.class_count, found.unlisted) == (1000, 100, 900)
    fill([raw(1000 + number, result("new"), enqueued=START + 190) for number in range(30)])
    found = reader.look(START + 180, START + 240, 60).now
    assert (found.classes, found.unlisted) == ((("new", 30),), 0)


def test_a_look_tells_of_the_newest_first(journal: Journal, raw: Callable[..., Any], fill: Callable[..., None]) -> None:
    rows = statistics._PORTION * 2
    fill([raw(number, "hello", enqueued=START + number) for number in range(rows)])
    found = HealthReader(journal.path).look(START, START + rows, 10, seconds=0)
    assert found.counted == pytest.approx(0.5, abs=0.01) and found.points[-1].count == rows / 10 and not found.points[0].count


def test_rows_that_are_gone_or_of_another_journal(
    journal: Journal, raw: Callable[..., Any], fill: Callable[..., None], tmp_path: Path
) -> None:
    now = int(time.time() * 1000)
    fill([raw(number, enqueued=now) for number in range(100)])
    reader = HealthReader(journal.path)
    assert reader.look(now - 500, now + 500, 10).now.count == 100
    retain(journal, Keep(rows=40))
    fill([raw(100, enqueued=now)])
    assert reader.look(now - 500, now + 500, 10).now.count == 101, "what came is counted until it slides out"
    assert health(journal.path, now - 500, now + 500, 10).now.count == 41
    other = Journal(tmp_path / "other.journal")
    other.append([Batch(other.part("namespace", "entity", 0, "0"), [raw(number, enqueued=now) for number in range(500)])])
    other.close()
    set_aside(journal.path)
    other.path.rename(journal.path)
    assert reader.look(now - 500, now + 500, 10).now.count == 500


def test_rows_before_the_window_are_not_read(journal: Journal, raw: Callable[..., Any], fill: Callable[..., None]) -> None:
    fill([raw(number, enqueued=START - 1_000_000) for number in range(statistics._PORTION * 3)])
    reader = HealthReader(journal.path)
    assert reader.look(START, START + 60, 60, seconds=0).counted == 1
    fill([raw(100_000, enqueued=START)])
    assert HealthReader(journal.path).look(START, START + 60, 60, seconds=0).now.count == 1


@pytest.mark.parametrize(
    ("count", "errors", "cats", "told"),
    [
        ((30, 30), (0, 1), (15, 20), []),  # as chance has it
        ((30, 30), (1, 14), (15, 8), ["errors"]),
        ((30, 30), (0, 0), (28, 5), ["classes"]),
        ((1_000, 1_000), (10, 60), (500, 450), ["errors"]),
        ((1_000, 300), (10, 3), (500, 148), ["rate"]),
    ],
)
def test_what_chance_makes_is_not_told(
    count: tuple[int, int], errors: tuple[int, int], cats: tuple[int, int], told: list[str]
) -> None:
    before, now = (
        Counts(
            0,
            300_000,
            each,
            each - wrong,
            wrong,
            {50: 30.0, 95: 60.0, 99: 90.0},
            (("cat", cat), ("dog", each - wrong - cat)),
            timed=each,
            mean_confidence=0.7,
        )
        for each, wrong, cat in zip(count, errors, cats, strict=True)
    )
    assert [change.what for change in statistics.changes(now, before)] == told
