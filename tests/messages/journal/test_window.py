"""Filters and windows over a journal."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import re2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.errors import OperatorError, UsageError
from services.messages.filters import Filter
from services.messages.health.statistics import health
from services.messages.journal.export import export
from services.messages.journal.positions import Positions
from services.messages.journal.retention import Keep, retain
from services.messages.journal.rows import Batch
from services.messages.journal.store import Journal
from services.messages.journal.window import Window

START = 1_790_000_000_000


def sample(number: int) -> str:
    label = "tabby" if number % 10 else "zebra, striped"
    return f"({number} ms) The image cat_{number}.jpg was classified as {label} with confidence 0.{number % 9 + 1}."


@pytest.fixture
def filled(journal: Journal, raw: Callable[..., Any], fill: Callable[..., None]) -> Journal:
    """Rows 1–100 results of edge-1; 101 JSON of a module; 102 an error; 103 binary; 104 UTF-16; 105 hostile; 106 with a NUL."""
    fill([raw(number, sample(number)) for number in range(1, 101)])
    fill([raw(101, '{"class": "Tabby", "ms": 5}', device="edge-2", module="client", content_type="application/json")])
    fill([raw(102, "Unable to inference for unknown reason. See stack trace below:\nboom", device="edge-2")])
    fill([raw(103, b"\xff\xfe\x00", device="edge-2", module="other")])
    fill([raw(104, "needle größe".encode("utf-16"), content_encoding="utf-16", module="other")])
    fill([raw(105, "\x1b]52;c;x\x07\x1b[2J [/red] \u202egnp.exe", module="other")])
    fill([raw(106, "before\0behind the nul in some text that is long enough", module="other")])
    return journal


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 106), ("cat_17", 1), ("CAT_17", 1), ("class:zebra", 10), ("!class:zebra", 96), ('class:"zebra, str"', 10),
        ("ms>90", 10), ("ms>=90 ms<95", 5), ("confidence>0.85", 11), ("confidence>85%", 11), ("device:edge-2", 3), ("device:EDGE-*", 106),
        ("module:client", 102), ("!module:client", 105), ("module:-", 101), ("kind:error", 1), ("kind:binary", 1),
        ("/cat_1[78]\\./", 2),
        ("/CAT_17\\./i", 1), ("!/cat/", 6), ("needle", 1), ("größe", 1), ("behind", 1), ("partition:0", 106), ("partition:1", 0),
        ("cat_17 !ms>10", 0), ("100%", 0), ("cat_%", 0), ("size>200", 0), ("marked:", 0), ("!", 106),
    ],
)  # fmt: skip
def test_filters(filled: Journal, text: str, count: int) -> None:
    window = Window(filled.path)
    where = Filter.parse(text)
    assert len(window.newest(1000, where)) == count == window.count(where)
    found = [message for portion in window.search(where, chunk=7) for message in portion.messages]
    assert [message.row for message in found] == [message.row for message in window.newest(1000, where)][::-1]
    window.close()


def test_no_expression_stalls(journal: Journal, raw: Callable[..., Any], fill: Callable[..., None]) -> None:
    fill([raw(number, "a" * 30_000 + "b") for number in range(20)])
    window = Window(journal.path)
    begun = time.process_time()
    assert window.newest(100, Filter.parse("/(a+)+$/")) == [] and window.newest(100, Filter.parse("/^(a|aa)+c/")) == []
    assert time.process_time() - begun < 10
    window.close()


@pytest.mark.parametrize("text", ["/(/", "/(?=x)/", "kind:nonsense", "since:whenever", "device:"])
def test_what_is_wrong_in_a_filter_is_named(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Filter.parse(text)
    assert caught.value.remedy


def test_times(filled: Journal) -> None:
    window = Window(filled.path)
    now = datetime.fromtimestamp((START + 50) / 1000, timezone.utc) + timedelta(minutes=10)
    assert len(window.newest(1000, Filter.parse("since:10m", now))) == 57
    assert len(window.newest(1000, Filter.parse("until:10m", now))) == 49
    assert window.row_at(START + 50) == 50
    window.close()


def test_windows(filled: Journal) -> None:
    window = Window(filled.path)
    rows = [message.row for message in window.around(50, 2, 3)]
    assert rows == [48, 49, 50, 51, 52, 53]
    assert [message.row for message in window.before(50, 2, Filter.parse("class:zebra"))] == [30, 40]
    assert [message.row for message in window.after(50, 2, Filter.parse("class:zebra"))] == [60, 70]
    filled.mark(50, "look")
    assert [message.row for message in window.newest(9, Filter.parse("marked:"))] == [50] and filled.marks() == {50: "look"}
    assert window.newest(1)[0].row == 106
    window.close()


def test_hostile_bodies_are_inert(filled: Journal) -> None:
    window = Window(filled.path)
    hostile, binary = window.message(105), window.message(103)
    assert hostile is not None and binary is not None
    assert not any(ord(character) < 32 or character == "\u202e" for character in hostile.text + hostile.body)
    assert "[/red]" in hostile.text
    assert binary.text == "3 bytes: ff fe 00 |...|" and binary.body.startswith("00000000  ff fe 00")
    window.close()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"\xff\0" * 50_000, ""), ("ä\0€" * 30_000, ""), ("ä\0€😀".encode("utf-16") * 9_000, "utf-16"), (b"", "")],
    ids=["binary", "text", "utf-16", "empty"],
)
def test_of_a_big_body_a_list_reads_the_beginning(
    journal: Journal, raw: Callable[..., Any], fill: Callable[..., None], body: bytes | str, encoding: str
) -> None:
    fill([raw(1, body, content_encoding=encoding)])
    window, whole = Window(journal.path, 96), Window(journal.path).newest(1)[0]
    brief = window.newest(1)[0]
    assert (brief.text, brief.body_size, brief.kind) == (whole.text, whole.body_size, whole.kind)
    assert whole.body_left == 0 and whole.body.startswith(brief.body)
    assert (brief.body_left > 0) == (len(whole.body) > len(brief.body))
    more = window.message(1, 4_800)
    assert more is not None and whole.body.startswith(more.body)
    assert more.kind == "binary" or (len(more.body), len(brief.body)) == (min(4_800, len(whole.body)), min(96, len(whole.body)))
    assert window.message(2, 4_800) is None
    window.close()


_PARTS = [
    "a",
    "ab",
    "b",
    "^",
    "$",
    ".",
    ".*",
    "[^x]",
    r"\s",
    r"\b",
    r"\B",
    r"\A",
    r"\z",
    "(?i:B)",
    "(?s:.)",
    "(a|b)+",
    "x{2}",
    r"\n",
    "é",
]


@given(
    bodies=st.lists(st.one_of(st.text("aAbBx\n é\0", max_size=6), st.binary(max_size=4)), min_size=1, max_size=300),
    parts=st.lists(st.sampled_from(_PARTS), min_size=1, max_size=4),
    inverse=st.booleans(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_regular_expression_finds_what_it_finds_in_each_body(
    bodies: list[str | bytes], parts: list[str], inverse: bool, raw: Callable[..., Any], tmp_path: Path
) -> None:
    expression = re2.compile("".join(parts))
    path = tmp_path / "any.journal"
    for old in tmp_path.glob("any.journal*"):
        old.unlink()
    journal = Journal(path)
    messages = [raw(number, body) for number, body in enumerate(bodies)]
    journal.append([Batch(journal.part("namespace", "entity", 0, "0"), messages)])
    journal.close()
    window = Window(path)
    shown = [message.body if message.text is None else message.text.encode() for message in messages]
    expected = [row for row, body in enumerate(shown, 1) if (expression.search(body) is not None) != inverse]
    where = Filter.parse(f"{'!' * inverse}/{''.join(parts)}/")
    assert [message.row for message in window.before(None, 1_000, where)] == expected
    assert [message.row for message in window.after(0, 1_000, where)] == expected
    assert [message.row for message in window.after(0, 2, where)] == expected[:2]
    assert [message.row for message in window.before(None, 2, where)] == expected[-2:]
    window.close()


def test_inserted_twice_is_inserted_once(journal: Journal, raw: Callable[..., Any]) -> None:
    part = journal.part("namespace", "entity", 0, "0")
    again = journal.part("namespace", "entity", 1, "0")
    messages = [raw(number) for number in range(1000)]
    assert journal.append([Batch(part, messages)]).committed == 1000
    done = journal.append([Batch(part, [*messages[500:], raw(1000)])])
    assert (done.committed, done.doubled) == (1, 500)
    assert journal.append([Batch(again, messages)]).committed == 1000
    assert Positions(journal, "namespace", "entity").newest_generation()["0"].generation == 1


def test_retention_gives_space_back(journal: Journal, raw: Callable[..., Any], fill: Callable[..., None]) -> None:
    import time

    now = int(time.time() * 1000)
    fill([raw(number, b"x" * 1000, enqueued=now) for number in range(20_000)])
    while retain(journal, Keep(rows=15_000)):
        pass
    assert journal.bounds() == (5_001, 20_000)
    before = journal.size()
    while retain(journal, Keep(bytes=4_000_000)):
        pass
    assert journal.size() < 8_000_000 < before and journal.bounds()[1] == 20_000
    fill([raw(20_000, "old", enqueued=now - 86_400_000 * 9), raw(20_001, "new", enqueued=now)])
    retain(journal, Keep(days=7))
    window = Window(journal.path)
    assert "old" not in [message.text for message in window.newest(3)]
    window.close()


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as caught:
        Journal(tmp_path / "missing" / "deeper" / "x.journal", read_only=True)
    assert caught.value.code == "journal.unwritable" and caught.value.remedy


def test_health(journal: Journal, raw: Callable[..., Any], fill: Callable[..., None]) -> None:
    before = [
        raw(n, f"({n % 10 + 10} ms) The image a was classified as cat with confidence 0.9.", enqueued=START + n)
        for n in range(100)
    ]
    now = [
        raw(
            1000 + n,
            f"({n + 1} ms) The image a was classified as {'dog' if n % 2 else 'cat'} with confidence 0.5.",
            enqueued=START + 1000 + n,
        )
        for n in range(100)
    ]
    errors = [
        raw(2000 + n, "Unable to inference for unknown reason. See", enqueued=START + 1500, device="edge-2") for n in range(30)
    ]
    fill([*before, *now, *errors])
    found = health(journal.path, START + 1000, START + 2000, points=10)
    assert (found.now.count, found.now.errors, found.before.count) == (130, 30, 100)
    assert found.now.percentiles == {50: 50.0, 95: 95.0, 99: 99.0}
    assert found.now.classes == (("cat", 50), ("dog", 50)) and found.now.kinds == {"result": 100, "error": 30}
    assert [(sender.device, sender.count, sender.errors) for sender in found.now.senders] == [
        ("edge-1", 100, 0),
        ("edge-2", 30, 30),
    ]
    assert [point.count for point in found.points] == [100, 0, 0, 0, 0, 30, 0, 0, 0, 0]
    assert found.points[0].percentiles == {50: 50.0, 95: 95.0, 99: 99.0} and found.points[1].percentiles == {}
    assert [(change.what, change.text) for change in found.changes] == [
        ("latency", "Latency: p50 from 14 to 50 ms, p95 from 19 to 95 ms."),
        ("errors", "The share of errors went from 0% to 23%."),
        ("classes", "Share of the results: dog from 0% to 50%, cat from 100% to 50%."),
        ("confidence", "Mean confidence went from 0.90 to 0.50."),
    ]
    assert all(change.worse for change in found.changes)
    assert health(journal.path, START + 1000, START + 2000, device="edge-2").now.count == 30


def test_what_is_missing_stands_before_the_next_that_passes(
    filled: Journal, raw: Callable[..., Any], fill: Callable[..., None]
) -> None:
    Positions(filled, "namespace", "entity").skip(filled.part("namespace", "entity", 0, "0"), 107, 116)
    fill([raw(number, sample(number)) for number in range(117, 141)])
    window = Window(filled.path)
    for where, row in (("", 107), ("cat_140", 130), ("cat_12", 110)):
        told = [message for message in window.rows(Filter.parse(where), chunk=3) if message.missing]
        assert [(message.row, message.missing) for message in told] == [(row, 10)]
    window.close()


def test_export(filled: Journal, tmp_path: Path) -> None:
    import csv
    import json

    assert export(filled.path, Filter.parse("class:zebra"), tmp_path / "out.ndjson") == 10
    lines = [json.loads(line) for line in (tmp_path / "out.ndjson").read_text().splitlines()]
    assert [line["milliseconds"] for line in lines] == [float(n) for n in range(10, 101, 10)]
    assert export(filled.path, Filter.parse(""), tmp_path / "out.csv") == 106
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["picture"] == "cat_1.jpg" and len(rows) == 106
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600
