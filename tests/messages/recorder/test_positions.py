"""Each partition's start is in the journal before anything is received: what comes while no recorder runs is not lost."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.messages.journal import schema
from services.messages.journal.export import as_dict
from services.messages.journal.positions import Positions
from services.messages.journal.rows import Batch, RawMessage
from services.messages.journal.store import Journal
from services.messages.journal.window import Window
from services.messages.recorder.handle import RecorderHandle, running
from services.messages.start import Start
from services.records import EventEndpoint, Secret
from widgets.stream import message_cells

Control = Callable[..., Any]
Eventually = Callable[..., Any]


def account(path: Path) -> dict[str, tuple[list[int], list[tuple[int, int]]]]:
    """Of each partition of the newest generation: the numbers that the journal has, and its gaps."""
    connection = sqlite3.connect(path)
    parts = connection.execute("SELECT id, partition FROM part WHERE generation = (SELECT max(generation) FROM part)").fetchall()
    found = {}
    for part, partition in parts:
        numbers = [row[0] for row in connection.execute("SELECT sequence FROM message WHERE part = ? ORDER BY 1", (part,))]
        gaps = connection.execute("SELECT first, last FROM gap WHERE part = ? ORDER BY 1", (part,)).fetchall()
        found[partition] = (numbers, gaps)
    connection.close()
    return found


def position(path: Path, partition: str) -> tuple[Any, ...]:
    connection = sqlite3.connect(path)
    row = connection.execute("SELECT sequence, begun, asked FROM part WHERE partition = ?", (partition,)).fetchone()
    connection.close()
    return tuple(row or ())


def end(handle: RecorderHandle, how: str, eventually: Eventually) -> None:
    """End the recorder in order, or kill it and whoever would start another."""
    pid = handle.status().pid
    if how == "killed":
        os.kill(pid, signal.SIGKILL)
    handle.close()
    eventually(lambda: not running(handle.place))
    if handle._child is not None:
        handle._child.wait(60)


def endpoint_of(lab: dict[str, Any]) -> EventEndpoint:
    connection_string = Secret(lab["event_hub_connection_string"])
    return EventEndpoint(lab["address"], lab["event_hub_entity"], connection_string, ca_file=lab["ca_file"])


def send(control: Control, lab: dict[str, Any], partition: int, count: int) -> None:
    control(lab, "messages", {"count": count, "partition": partition})


@pytest.mark.parametrize("how", ["ended", "killed"])
def test_a_partition_that_brought_nothing_yet_has_a_position(
    how: str, own_lab: dict[str, Any], control: Control, record: Callable[..., RecorderHandle], eventually: Eventually
) -> None:
    for partition in (0, 1):
        send(control, own_lab, partition, 10)
    handle = record("latest")
    eventually(lambda: handle.status().state == "receiving")
    send(control, own_lab, 0, 5)
    eventually(lambda: handle.status().committed == 5)
    assert position(handle.journal_path, "1")[:2] == (9, 9)
    assert position(handle.journal_path, "3")[:2] == (-1, -1)
    for turn in range(2):  # and again, and again
        end(handle, how, eventually)
        send(control, own_lab, 1, 7)
        send(control, own_lab, 3, 2)
        handle = record("latest")
        owed = {"1": ([*range(10, 17 + 7 * turn)], []), "3": ([*range(2 + 2 * turn)], [])}
        eventually(lambda path=handle.journal_path, owed=owed: {**account(path), **owed} == account(path))
    assert account(handle.journal_path)["0"] == ([*range(10, 15)], [])
    assert handle.status().dropped == 0


def test_what_was_asked_for_survives_a_recorder_that_never_reached_the_hub(
    own_lab: dict[str, Any], control: Control, record: Callable[..., RecorderHandle], eventually: Eventually
) -> None:
    send(control, own_lab, 1, 30)
    control(own_lab, "faults", {"name": "refuse"})
    handle = record("beginning")
    eventually(lambda: handle.status().error)
    end(handle, "killed", eventually)
    assert not account(handle.journal_path)
    control(own_lab, "faults", {"name": "refuse", "on": False})
    handle = record("latest")
    eventually(lambda: account(handle.journal_path).get("1") == ([*range(30)], []))


def test_a_start_that_was_kept_is_followed_by_the_next_recorder(
    own_lab: dict[str, Any], control: Control, record: Callable[..., RecorderHandle], endpoint: Any, eventually: Eventually
) -> None:
    """What a recorder leaves that is killed between its start and its first message; forgotten meanwhile: a gap."""
    for partition in range(3):
        send(control, own_lab, partition, 30)
    handle = record("latest")
    eventually(lambda: handle.status().state == "receiving")
    end(handle, "ended", eventually)
    journal = Journal(handle.journal_path)
    positions = Positions(journal, endpoint.namespace, endpoint.entity)
    parts = {partition: known.part for partition, known in positions.newest_generation().items()}
    positions.begin(parts["0"], Start("beginning"), -1)
    positions.wait_for_first(parts["1"], Start("time", 1_000), 0)  # all that the hub has came after that
    journal.close()
    send(control, own_lab, 2, 20)
    control(own_lab, "faults", {"name": "retention", "keep": 10})
    handle = record("latest")
    eventually(lambda: sum(len(numbers) for numbers, _ in account(handle.journal_path).values()) == 30)
    assert account(handle.journal_path) == {
        "0": ([*range(20, 30)], [(0, 19)]),
        "1": ([*range(20, 30)], [(0, 19)]),
        "2": ([*range(40, 50)], [(30, 39)]),
        "3": ([], []),
    }
    eventually(lambda: handle.status().dropped == 50)


def test_a_hub_made_again_meanwhile_is_known_by_the_message_where_a_partition_began(
    own_lab: dict[str, Any], control: Control, record: Callable[..., RecorderHandle], eventually: Eventually
) -> None:
    send(control, own_lab, 1, 10)
    handle = record("latest")
    eventually(lambda: handle.status().state == "receiving")
    end(handle, "killed", eventually)
    connection = sqlite3.connect(handle.journal_path)
    with connection:  # as if the message before the first had been another hub's
        connection.execute("UPDATE part SET enqueued = enqueued - 3600000 WHERE partition = '1'")
    connection.close()
    send(control, own_lab, 1, 10)
    handle = record("latest")
    eventually(lambda: account(handle.journal_path)["1"] == ([*range(20)], []))
    assert "made again" in handle.status().notice


def test_a_hub_made_again_under_its_name_is_read_from_its_beginning(
    running: Callable[..., Any],
    tmp_path: Path,
    control: Control,
    record: Callable[..., RecorderHandle],
    eventually: Eventually,
) -> None:
    """A partition that had brought nothing has no message to prove it by; its hub has more by now than the one before."""
    with running(tmp_path / "first") as lab:
        send(control, lab, 1, 10)
        handle = record("latest", endpoint=endpoint_of(lab))
        eventually(lambda: handle.status().state == "receiving")
        end(handle, "killed", eventually)
    with running(tmp_path / "second", "--address", lab["address"], "--nonce", lab["nonce"]) as again:
        send(control, again, 1, 20)
        handle = record("latest", endpoint=endpoint_of(again))
        eventually(lambda: account(handle.journal_path)["1"] == ([*range(20)], []))
        assert "made again" in handle.status().notice and handle.status().gaps == 0
        end(handle, "ended", eventually)
    window = Window(handle.journal_path)
    first, *others = window.rows()
    window.close()
    assert first.hub_remade and as_dict(first)["hub_remade_before"] and not any(message.hub_remade for message in others)
    assert "hub made again" in "".join(text for text, _ in message_cells(first, 80))


def test_every_message_is_there_once_whatever_becomes_of_the_recorders(
    own_lab: dict[str, Any], control: Control, record: Callable[..., RecorderHandle], eventually: Eventually
) -> None:
    """Recorders that are killed or ended while they begin and while they receive, beside a producer with its own account."""
    chance = random.Random(7)
    sent = dict.fromkeys("0123", 0)

    def produce() -> None:
        while not enough.wait(0.05):
            partition, count = chance.choice("0012"), chance.randint(1, 20)  # partition 3 brings one, late
            send(control, own_lab, int(partition), count)
            sent[partition] += count

    handle = record("latest")
    eventually(lambda: len(account(handle.journal_path)) == 4)  # it has only just begun
    enough = threading.Event()
    end(handle, "killed", eventually)
    producer = threading.Thread(target=produce)
    producer.start()
    try:
        for turn in range(6):
            handle = record("latest")
            if turn % 2:
                eventually(lambda handle=handle: handle.status().committed > 0)
            end(handle, chance.choice(["killed", "ended"]), eventually)
            if turn == 3:
                send(control, own_lab, 3, 1)
                sent["3"] += 1
    finally:
        enough.set()
        producer.join()
    handle = record("latest")
    owed = {partition: ([*range(count)], []) for partition, count in sent.items()}
    eventually(lambda: account(handle.journal_path) == owed)


def test_gaps_grow_and_leave_out_what_the_journal_has(journal: Journal, raw: Callable[..., RawMessage]) -> None:
    part = journal.part("namespace", "entity", 0, "0")
    positions = Positions(journal, "namespace", "entity")
    journal.append([Batch(part, [raw(5), raw(6)])])
    positions.begin(part, Start("beginning"), 0)  # read again from there
    positions.skip(part, 1, 3)
    positions.skip(part, 1, 9)
    assert sorted((gap.first, gap.last) for gap in journal.gaps()) == [(1, 4), (7, 9)]
    assert positions.newest_generation()["0"].sequence == 9


def test_starts_are_joined_and_kept_as_text() -> None:
    latest, beginning, early, late = Start(), Start("beginning"), Start("time", 5), Start("time", 9)
    assert [latest.joined(early), early.joined(latest), late.joined(early), early.joined(beginning)] == [
        early,
        early,
        early,
        beginning,
    ]
    assert early.joined(Start("offset", "3")) == beginning
    for start in (beginning, early, Start("offset", "3")):
        assert Start.stored(start.to_text()) == start
    again = Start.stored(latest.to_text())
    assert again is not None and again.kind == "time"
    assert Start.stored("") is None and Start.stored("nonsense") == beginning


VERSION_1 = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE part (
    id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, entity TEXT NOT NULL, generation INTEGER NOT NULL, partition TEXT NOT NULL,
    sequence INTEGER, offset TEXT, enqueued INTEGER, UNIQUE (namespace, entity, generation, partition));
CREATE TABLE origin (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, module TEXT NOT NULL, content_type TEXT NOT NULL,
    content_encoding TEXT NOT NULL, rest TEXT NOT NULL, UNIQUE (device, module, content_type, content_encoding, rest));
CREATE TABLE message (
    row INTEGER PRIMARY KEY, part INTEGER NOT NULL, sequence INTEGER NOT NULL, enqueued INTEGER NOT NULL, origin INTEGER NOT NULL,
    kind INTEGER NOT NULL, ms REAL, confidence REAL, label TEXT, offset TEXT, text TEXT, body BLOB NOT NULL, properties TEXT,
    system TEXT);
CREATE UNIQUE INDEX message_identity ON message (part, sequence);
CREATE INDEX message_enqueued ON message (enqueued);
CREATE TABLE gap (
    id INTEGER PRIMARY KEY, part INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, noticed INTEGER NOT NULL,
    before_row INTEGER, UNIQUE (part, first));
CREATE TABLE mark (row INTEGER PRIMARY KEY, note TEXT NOT NULL, made INTEGER NOT NULL);
CREATE TABLE notice (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);
PRAGMA application_id = 0x64626A31;
PRAGMA user_version = 1;
INSERT INTO part VALUES (1, 'namespace', 'entity', 0, '0', 4, '400', 1790000000000), (2, 'namespace', 'entity', 0, '1', NULL, NULL, NULL);
INSERT INTO origin VALUES (1, 'edge-1', '', '', '', '{}');
INSERT INTO message VALUES (1, 1, 4, 1790000000000, 1, 5, NULL, NULL, NULL, '400', NULL, x'68656c6c6f', NULL, NULL);
"""


@pytest.fixture
def old_journal(tmp_path: Path) -> Path:
    """A journal of version 1: a message on partition 0, and partition 1, which had brought nothing."""
    path = tmp_path / "old.journal"
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1)
    connection.close()
    return path


def test_a_journal_of_the_version_before_goes_on_and_says_what_it_did_not_keep(old_journal: Path) -> None:
    for _ in range(2):  # the second time there is nothing to do
        journal = Journal(old_journal)
        known = Positions(journal, "namespace", "entity").newest_generation()
        assert (known["0"].sequence, known["0"].asked, known["0"].newest) == (4, None, 4)
        assert (known["1"].sequence, known["1"].asked) == (None, Start("beginning"))
        assert [kind for _, kind, _ in journal.notices()] == ["start-unknown"] and "partition 1 " in journal.notices()[0][2]
        assert journal.rows("PRAGMA user_version") == [(schema.VERSION,)] and journal.malformed() == 0
        journal.close()
