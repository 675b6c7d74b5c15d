"""Events and journals as no service and no recorder should make them: kept, marked, counted, and nobody else is stopped."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from azure.eventhub import EventData
from azure.eventhub._pyamqp import message as pyamqp
from hypothesis import given
from hypothesis import strategies as st

from services.messages.filters import Filter
from services.messages.health.statistics import health
from services.messages.journal.export import COLUMNS, _cell, export
from services.messages.journal.positions import Positions
from services.messages.journal.retention import Keep, retain
from services.messages.journal.rows import Batch, RawMessage
from services.messages.journal.store import Journal
from services.messages.journal.window import Window
from services.messages.parsing import parse
from services.messages.recorder.events import raw_messages
from services.messages.recorder.link import Link
from services.messages.start import Start
from services.text import json_text

NOW = 1_790_000_000_000


def event(body: bytes | None = b"hello", *, properties: dict[Any, Any] | None = None, **stamps: Any) -> EventData:
    """An event as azure-eventhub hands it over; ``stamps`` are its sequence, enqueued and offset, None to leave one out."""
    values = {"sequence": 5, "enqueued": NOW, "offset": b"500", **stamps}
    names = {"sequence": b"x-opt-sequence-number", "enqueued": b"x-opt-enqueued-time", "offset": b"x-opt-offset"}
    annotations = {names.get(name, name.encode()): value for name, value in values.items() if value is not None}
    annotations[b"iothub-connection-device-id"] = b"edge-1"
    data = None if body is None else [body]
    return EventData._from_message(
        pyamqp.Message(data=data, message_annotations=annotations, application_properties=properties or {})
    )


ODD_STAMPS = [
    {"sequence": None},
    {"sequence": 2**63},
    {"sequence": 2**64 - 1},
    {"sequence": -7},
    {"sequence": b"not a number"},
    {"sequence": 5.5},
    {"sequence": [1, {b"a": 2}]},
    {"sequence": True},
    {"enqueued": None},
    {"enqueued": 2**63},
    {"enqueued": -1},
    {"enqueued": b"yesterday"},
    {"enqueued": {b"x": float("nan")}},
    {"sequence": None, "enqueued": None, "offset": None},
]


@pytest.mark.parametrize("stamps", ODD_STAMPS, ids=str)
def test_odd_stamps_are_kept_marked_and_counted_and_the_others_go_on(
    stamps: dict[str, Any], journal: Journal, tmp_path: Path
) -> None:
    events = [event(sequence=4, offset=b"400"), event(b"odd", **stamps), event(sequence=6, offset=b"600")]
    part = journal.part("namespace", "entity", 0, "0")
    for _ in range(2):  # received again, it is the same
        journal.append([Batch(part, raw_messages(events))])
    assert journal.malformed() == 1 and journal.bounds() == (1, 3)
    window = Window(journal.path)
    odd = next(message for message in window.rows() if message.text == "odd")
    assert odd.system_properties["malformed"] and odd.device == "edge-1"
    if "sequence" in stamps:
        assert odd.sequence_number < 0
    window.close()
    target = tmp_path / "all.ndjson"
    assert export(journal.path, Filter(), target) == 3
    for line in target.read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(name))


def test_a_number_as_text_is_a_number(journal: Journal) -> None:
    (message,) = raw_messages([event(sequence=b"5", enqueued=str(NOW))])
    assert (message.sequence, message.enqueued, message.malformed) == (5, NOW, True)
    (moment,) = raw_messages([event(enqueued=datetime(2026, 1, 1, tzinfo=timezone.utc))])
    assert moment.enqueued == 1_767_225_600_000


@pytest.mark.parametrize(
    "properties",
    [
        {b"nan": float("nan"), b"inf": float("inf"), b"less": float("-inf")},
        {b"huge": 2**64 - 1, 7: "number as a name", None: "none", True: b"bytes"},
        {b"deep": {b"er": [{b"n": float("nan")}] * 3}},
        {b"\xff\xfe": b"\xff", "esc": "\x1b]0;x\x07"},
        {b"recursive": (lambda deep: [deep := [deep] for _ in range(5_000)][-1])([])},
        {"lone": "\udc80"},
    ],
    ids=lambda properties: str(next(iter(properties))),
)
@pytest.mark.parametrize("body", [None, b"", b"hello"])
def test_odd_properties_and_empty_payloads_are_kept(
    body: bytes | None, properties: dict[Any, Any], journal: Journal, tmp_path: Path
) -> None:
    part = journal.part("namespace", "entity", 0, "0")
    journal.append([Batch(part, raw_messages([event(body, properties=properties), event(sequence=6)]))])
    window = Window(journal.path)
    messages = window.newest(5)
    window.close()
    assert len(messages) == 2 and messages[0].body_size == len(body or b"")
    for name in ("out.ndjson", "out.csv"):
        assert export(journal.path, Filter(), tmp_path / name) == 2
    text = (tmp_path / "out.ndjson").read_text()
    assert "NaN" not in text.replace('"NaN"', "") and "\x1b" not in text and "\udc80" not in text


def test_numbers_out_of_the_order_lose_their_number_and_nothing_is_dropped(journal: Journal) -> None:
    batches: list[Batch] = []

    class Intake:
        def __init__(self) -> None:
            self.journal = journal

        async def put(self, batch: Batch) -> None:
            batches.append(batch)
            self.journal.append([batch])

    import asyncio

    part = journal.part("namespace", "entity", 0, "0")
    positions = Positions(journal, "namespace", "entity")
    positions.begin(part, Start(), 3)
    known = positions.newest_generation()["0"]
    link: Any = Link("0", known, Start(), Intake(), lambda: None, lambda _, error: None, positions)
    link.last_enqueued = 3

    def numbered(number: int | None, offset: int) -> EventData:
        return event(f"message {offset}".encode(), sequence=number, offset=str(offset).encode())

    asyncio.run(link._take(raw_messages([numbered(4, 1), numbered(None, 2), numbered(6, 3)])))
    asyncio.run(link._take(raw_messages([numbered(2**40, 4), numbered(8, 5), numbered(8, 6), numbered(5, 7), numbered(12, 8)])))
    window = Window(journal.path)
    assert [message.body for message in window.rows()] == [f"message {number}" for number in range(1, 9)]
    assert [message.sequence_number for message in window.rows() if message.sequence_number >= 0] == [4, 6, 8, 12]
    window.close()
    # 5 and 7 are those that came without a usable number; of 9 to 11 two came so, and one is missing: all three are said.
    assert [(gap.first, gap.last) for gap in journal.gaps()] == [(9, 11)]
    assert positions.newest_generation()["0"].sequence == 12 and journal.malformed() == 4


ODD_VALUES = [None, "text", b"\xff\xfe", -(2**63), 2**63 - 1, 9e999, -1.5, "", "\x1b[2J"]


@pytest.mark.parametrize(
    "column", ["enqueued", "sequence", "kind", "ms", "confidence", "label", "offset", "text", "body", "properties", "system"]
)
def test_a_value_that_cannot_be_read_ends_no_reader(
    column: str, journal: Journal, fill: Callable[..., None], raw: Callable[..., RawMessage], tmp_path: Path
) -> None:
    fill([raw(number, enqueued=NOW + number) for number in range(1, len(ODD_VALUES) + 2)])
    connection = sqlite3.connect(journal.path)
    with connection:
        for row, value in enumerate(ODD_VALUES, 1):
            if value is not None or column not in ("enqueued", "sequence", "kind", "body"):
                connection.execute(f"UPDATE OR IGNORE message SET {column} = ? WHERE row = ?", (value, row))
        connection.execute(f"UPDATE OR IGNORE message SET {column} = CAST(x'fffe41' AS TEXT) WHERE row = 1")
    connection.close()
    window = Window(journal.path)
    for where in ("", "since:1h", "class:a", "ms>1", "/hello/", "offset>=1", "size>0", "hello"):
        window.newest(50, Filter.parse(where))
        window.count(Filter.parse(where))
    messages = list(window.rows())
    assert len(messages) == len(ODD_VALUES) + 1
    for message in messages:
        json.loads(json_text(message.system_properties))
        assert "\x1b" not in str(message)
    assert window.row_at(NOW) is not None
    window.close()
    assert export(journal.path, Filter(), tmp_path / "out.csv") == len(messages)
    assert export(journal.path, Filter(), tmp_path / "out.ndjson") == len(messages)
    health(journal.path, NOW - 60_000, NOW + 60_000)
    journal.forgotten({"0": 5}, 0)
    retain(journal, Keep(days=0.001))


VALUE = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=20), st.binary(max_size=20))


@given(row=st.tuples(*[VALUE] * 21), limit=st.sampled_from([None, 10]))
def test_any_row_is_a_message(row: tuple[Any, ...], limit: int | None) -> None:
    message = parse.parse(row, limit)
    json.loads(json_text(dict(message.system_properties)), parse_constant=lambda name: pytest.fail(name))
    assert isinstance(message.sequence_number, int) and isinstance(message.enqueued, datetime)


def test_nested_annotations_are_cleaned_everywhere(journal: Journal, tmp_path: Path) -> None:
    hostile = {b"a\x1b[31m": [{b"b": "\u202egnp\x9b2J"}, "\x07"]}
    nested = event(**{"iothub-nested": hostile})
    journal.append([Batch(journal.part("namespace", "entity", 0, "0"), raw_messages([nested]))])
    for name in ("out.ndjson", "out.csv"):
        export(journal.path, Filter(), tmp_path / name)
        text = (tmp_path / name).read_text()
        assert not set(text) & set("\x1b\x9b\u202e\x07") and "gnp" in text


@pytest.mark.parametrize("prefix", ["", " ", "\t", "\n", "\r\n", "\u00a0", "\u3000 ", "\n \n"])
@pytest.mark.parametrize("sign", "=+-@＝＋－＠﹦﹢﹣﹫")
def test_a_cell_is_no_formula_in_any_form(prefix: str, sign: str) -> None:
    assert _cell(f"{prefix}{sign}cmd|'/c calc'!A1").startswith("'")


def test_harmless_cells_stay(journal: Journal, fill: Callable[..., None], raw: Callable[..., RawMessage], tmp_path: Path) -> None:
    assert [_cell(value) for value in ("a=1", "", -5, -0.5, None, "tabby")] == ["a=1", "", -5, -0.5, None, "tabby"]
    fill([raw(1, "\n＝1+1")])
    export(journal.path, Filter(), tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert set(row) == set(COLUMNS) and row["body"] == "'\n＝1+1" and row["text"] == "'＝1+1"


def test_json_has_no_nan() -> None:
    value = {"a": float("nan"), "b": [float("inf"), (1.5, float("-inf"))], float("nan"): 1}
    assert json.loads(json_text(value)) == {"a": "NaN", "b": ["Infinity", [1.5, "-Infinity"]], "NaN": 1}
