"""The recorder against the lab: nothing lost, nothing doubled, everything said."""

from __future__ import annotations

import dataclasses
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.messages.filters import Filter
from services.messages.journal.store import Journal
from services.messages.journal.window import Window
from services.messages.recorder import handle as handles
from services.messages.recorder.handle import RecorderHandle, running
from services.messages.recorder.status import RecorderStatus
from services.records import Secret

SPREAD = {"partition": "spread"}


def numbers(handle: RecorderHandle) -> list[tuple[int, str, int]]:
    """Identity of every row: generation, partition, sequence."""
    connection = sqlite3.connect(handle.journal_path)
    found = connection.execute(
        "SELECT generation, partition, message.sequence FROM message JOIN part ON part.id = part ORDER BY 1, 2, 3"
    ).fetchall()
    connection.close()
    return found


def whole(handle: RecorderHandle, each: int, generation: int = 0) -> bool:
    return numbers(handle) == [(generation, str(part), sequence) for part in range(4) for sequence in range(each)]


def test_records_from_the_beginning_and_what_comes(
    own_lab: dict[str, Any], control: Callable[..., Any], record: Callable[..., RecorderHandle], eventually: Callable[..., Any]
) -> None:
    control(
        own_lab,
        "messages",
        {"count": 400, "body": "(3 ms) The image {n}.jpg was classified as tabby with confidence 0.5.", **SPREAD},
    )
    handle = record()
    eventually(lambda: whole(handle, 100))
    control(own_lab, "messages", {"count": 40, **SPREAD})
    eventually(lambda: whole(handle, 110))
    status = eventually(lambda: (found := handle.status()).committed == 440 and found)
    assert status.state == "receiving" and status.dropped == 0 and status.error is None
    window = Window(handle.journal_path)
    first = next(message for message in window.before(401, 400) if message.picture == "17.jpg")
    assert (first.kind, first.label, first.milliseconds, first.device) == ("result", "tabby", 3.0, "databox-edge-1")
    assert window.newest(1)[0].text.startswith("message ")
    window.close()
    # The hub's clock runs ahead: said, and no lag is made up of it.
    control(own_lab, "faults", {"name": "skew", "seconds": 600})
    control(own_lab, "messages", {"count": 40, **SPREAD})
    status = eventually(lambda: (found := handle.status()).ahead and found.committed == 480 and found)
    assert status.ahead == pytest.approx(-600, abs=60) and (status.behind or 0) < 60
    control(own_lab, "faults", {"name": "skew", "on": False})
    control(own_lab, "messages", {"count": 40, **SPREAD})
    status = eventually(lambda: (found := handle.status()).committed == 520 and found.ahead == 0 and found)
    assert (status.behind or 0) < 60


def test_latest_is_held_over_a_cut_and_a_kill(
    own_lab: dict[str, Any], control: Callable[..., Any], record: Callable[..., RecorderHandle], eventually: Callable[..., Any]
) -> None:
    control(own_lab, "messages", {"count": 40, **SPREAD})
    handle = record("latest")
    eventually(lambda: handle.status().state == "receiving")
    control(own_lab, "messages", {"count": 400, **SPREAD})
    eventually(lambda: handle.status().committed == 400)
    control(own_lab, "faults", {"name": "cut", "every": 0.5})
    control(own_lab, "messages", {"count": 4000, **SPREAD})
    os.kill(handle.status().pid, signal.SIGKILL)
    eventually(lambda: not running(handle.place))
    control(own_lab, "messages", {"count": 4000, **SPREAD})
    eventually(lambda: handle.status().state == "reconnecting" or handle.status().reconnects > 0)
    control(own_lab, "faults", {"name": "cut", "on": False})
    expected = [(0, str(part), sequence) for part in range(4) for sequence in range(10, 2110)]
    eventually(lambda: len(numbers(handle)) >= len(expected))
    assert numbers(handle) == expected


def test_one_recorder_consoles_attach_and_the_last_ends_it(
    record: Callable[..., RecorderHandle], eventually: Callable[..., Any]
) -> None:
    one, two = record(), record()
    assert two._child is None and one.status().pid == two.status().pid
    one.close()
    eventually(lambda: two.status().state == "receiving")
    assert running(two.place)
    two.close()
    eventually(lambda: not running(two.place))
    assert RecorderStatus.read(two.place.status).state == "ended"


def test_one_that_was_stopped_is_said(
    record: Callable[..., RecorderHandle], eventually: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handles, "_SILENT_AFTER", 6.0)
    handle = record()
    pid = eventually(lambda: (found := handle.status()).state == "receiving" and found.pid)
    os.kill(pid, signal.SIGSTOP)
    try:
        status = eventually(lambda: (found := handle.status()).error and found)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (status.state, status.error["code"]) == ("failed", "recorder.silent") and str(pid) in status.error["remedy"]
    eventually(lambda: handle.status().state == "receiving" and handle.status().error is None)


def test_it_ends_with_the_last_console_though_the_hub_is_gone(
    own_lab: dict[str, Any], control: Callable[..., Any], record: Callable[..., RecorderHandle], eventually: Callable[..., Any]
) -> None:
    control(own_lab, "faults", {"name": "refuse"})
    handle = record()
    eventually(lambda: handle.status().error)
    handle.close()
    eventually(lambda: not running(handle.place))


def test_what_the_hub_no_longer_has_is_a_gap(
    own_lab: dict[str, Any], control: Callable[..., Any], record: Callable[..., RecorderHandle], eventually: Callable[..., Any]
) -> None:
    control(own_lab, "messages", {"count": 40, **SPREAD})
    handle = record()
    eventually(lambda: whole(handle, 10))
    handle.close()
    eventually(lambda: not running(handle.place))
    control(own_lab, "messages", {"count": 400, **SPREAD})
    control(own_lab, "faults", {"name": "retention", "keep": 5})
    handle = record("latest")
    eventually(lambda: len(numbers(handle)) == 40 + 20)
    journal = Journal(handle.journal_path, read_only=True)
    assert sorted((gap.partition, gap.first, gap.last) for gap in journal.gaps()) == [(str(p), 10, 104) for p in range(4)]
    journal.close()
    window = Window(handle.journal_path)
    for where in (Filter(), Filter.parse("kind:text")):
        assert sum(message.missing for message in window.newest(60, where)) == 4 * 95
    assert window.after(39, 1)[0].missing == 0 and window.after(40, 20)[0].missing >= 95
    window.close()
    eventually(lambda: handle.status().dropped == 4 * 95)


def test_a_wrong_key_is_said_and_never_shown(
    record: Callable[..., RecorderHandle], endpoint: Any, eventually: Callable[..., Any]
) -> None:
    text = endpoint.connection_string.reveal()
    key = text.partition("SharedAccessKey=")[2].partition(";")[0]
    wrong = "A" * len(key)
    handle = record(endpoint=dataclasses.replace(endpoint, connection_string=Secret(text.replace(key, wrong))))
    status = eventually(lambda: (found := handle.status()).error and found)
    assert status.state == "failed" and status.error["remedy"]
    child = handle._child
    assert child is not None
    assert wrong.encode() not in Path(f"/proc/{child.pid}/cmdline").read_bytes() + Path(f"/proc/{child.pid}/environ").read_bytes()
    for path in handle.journal_path.parent.iterdir():
        assert wrong.encode() not in path.read_bytes(), path


def test_a_journal_of_another_hub_of_the_same_name_is_kept_apart(
    own_lab: dict[str, Any], control: Callable[..., Any], record: Callable[..., RecorderHandle], eventually: Callable[..., Any]
) -> None:
    control(own_lab, "messages", {"count": 40, **SPREAD})
    handle = record()
    eventually(lambda: whole(handle, 10))
    handle.close()
    eventually(lambda: not running(handle.place))
    # What the first hub would have left: positions beyond anything the new one has.
    connection = sqlite3.connect(handle.journal_path)
    with connection:
        connection.execute("UPDATE message SET sequence = sequence + 1000")
        connection.execute("UPDATE part SET sequence = sequence + 1000")
    connection.close()
    handle = record("latest")
    eventually(lambda: len(numbers(handle)) == 80)
    assert [number for number in numbers(handle) if number[0] == 1] == [
        (1, str(part), sequence) for part in range(4) for sequence in range(10)
    ]
    assert "made again" in eventually(lambda: handle.status().notice)


def test_a_damaged_journal_is_set_aside(
    own_lab: dict[str, Any], control: Callable[..., Any], record: Callable[..., RecorderHandle], eventually: Callable[..., Any]
) -> None:
    control(own_lab, "messages", {"count": 40, **SPREAD})
    handle = record()
    eventually(lambda: whole(handle, 10))
    handle.close()
    eventually(lambda: not running(handle.place))
    garbage = b"no database at all " * 500
    handle.journal_path.write_bytes(garbage)
    handle = record("latest")
    eventually(lambda: whole(handle, 10))
    aside = [path for path in handle.journal_path.parent.iterdir() if "damaged" in path.name]
    assert [path.read_bytes() for path in aside] == [garbage]
    assert str(aside[0]) in handle.status().notice


def test_a_frozen_hub_is_noticed(
    own_lab: dict[str, Any], control: Callable[..., Any], record: Callable[..., RecorderHandle], eventually: Callable[..., Any]
) -> None:
    handle = record()
    eventually(lambda: handle.status().state == "receiving")
    control(own_lab, "faults", {"name": "freeze"})
    control(own_lab, "messages", {"count": 40, **SPREAD})
    assert eventually(lambda: (found := handle.status()).state == "stale" and found, 60).error
    control(own_lab, "faults", {"name": "freeze", "on": False})
    eventually(lambda: whole(handle, 10))
    eventually(lambda: handle.status().state == "receiving")


@pytest.mark.parametrize(
    "faults", [("too-many-readers",), pytest.param(("link-stolen", "expire"), marks=pytest.mark.long)], ids=lambda names: names[0]
)
def test_what_the_hub_refuses_is_named_and_stays_named(
    faults: tuple[str, ...],
    own_lab: dict[str, Any],
    control: Callable[..., Any],
    record: Callable[..., RecorderHandle],
    eventually: Callable[..., Any],
) -> None:
    handle = record("latest")
    eventually(lambda: handle.status().state == "receiving")
    for fault in faults:
        code = {"expire": "token-expired"}.get(fault, fault)
        control(own_lab, "faults", {"name": fault})
        control(own_lab, "faults", {"name": "cut"})
        status = eventually(lambda code=code: (found := handle.status()).error and code in found.error["code"] and found)
        control(own_lab, "faults", {"name": "cut", "on": False})
        assert status.error["remedy"] and status.state == "failed", (fault, status.state, status.error)
        # A refusal that comes after the attach must not look like success in between.
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            found = handle.status()
            assert found.state != "receiving" and found.error, (fault, found)
            time.sleep(0.1)
        control(own_lab, "faults", {"name": fault, "on": False})
        eventually(lambda: handle.status().state == "receiving" and handle.status().error is None)
    control(own_lab, "messages", {"count": 40, **SPREAD})
    eventually(lambda: len(numbers(handle)) == 40)


def test_websockets_through_a_proxy(
    own_lab: dict[str, Any],
    control: Callable[..., Any],
    record: Callable[..., RecorderHandle],
    endpoint: Any,
    eventually: Callable[..., Any],
    connect_proxy: tuple[str, list[str]],
) -> None:
    if not own_lab["https"].endswith(own_lab["address"]):
        pytest.skip("port 443 cannot be bound here, and azure-eventhub knows no other for websockets")
    control(own_lab, "messages", {"count": 400, **SPREAD})
    proxy, asked = connect_proxy
    handle = record(endpoint=dataclasses.replace(endpoint, transport="websocket", proxy=proxy))
    eventually(lambda: whole(handle, 100))
    assert set(asked) == {f"{own_lab['address']}:443"}
