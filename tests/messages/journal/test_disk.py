"""A journal's disk that is full, on the network, or gives back something else than was written."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.errors import OperatorError
from services.messages.journal import schema
from services.messages.journal.location import Place, on_network_disk
from services.messages.journal.retention import Keep, retain
from services.messages.journal.rows import Batch
from services.messages.journal.store import Journal
from services.messages.journal.window import Window
from services.messages.recorder.handle import RecorderHandle, running
from services.messages.recorder.intake import Intake
from services.messages.recorder.status import RecorderStatus

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
//server/share /mnt/with\\040space cifs rw 0 0
me@server:/ /mnt/ssh fuse.sshfs rw 0 0
/dev/sdb1 /home/local xfs rw 0 0
tmpfs /tmp tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "network"),
    [
        ("/home/me/.local/state", True),
        ("/homes/me", False),
        ("/home/local/me", False),
        ("/mnt/with space/state", True),
        ("/mnt/ssh/state", True),
        ("/var/lib", False),
    ],
)
def test_a_network_disk_is_known_by_its_mount(folder: str, network: bool) -> None:
    assert on_network_disk(Path(folder), MOUNTS) is network


def test_a_local_clock_that_jumps_deletes_nothing(
    journal: Journal, raw: Callable[..., Any], fill: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(time.time() * 1000)
    fill([raw(number, enqueued=now - 86_400_000 * (10 - number)) for number in range(10)])
    for days in (-4_000, 4_000):
        monkeypatch.setattr("services.messages.journal.retention._now", lambda: now + 86_400_000 * days)  # noqa: B023 - called in this turn
        retain(journal, Keep(days=30))
        assert journal.bounds() == (1, 10)


async def test_a_full_disk_is_said_and_what_waits_is_committed_once_there_is_room(
    journal: Journal, raw: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages + 8}")
    intake = Intake(journal, Keep(days=100_000))
    intake.start()
    part = journal.part("namespace", "entity", 0, "0")
    await intake.put(Batch(part, [raw(number, b"x" * 1000) for number in range(500)]))
    error = eventually(lambda: intake.error)
    assert error.code == "journal.full" and error.cause and error.remedy
    assert intake.waiting == 500 and journal.bounds() == (0, 0)
    journal._connection.execute("PRAGMA max_page_count = 1000000")
    eventually(lambda: intake.waiting == 0 and intake.error is None)
    assert journal.bounds() == (1, 500) and intake.doubled == 0
    intake.end()


def test_a_full_disk_does_not_keep_the_status_from_being_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "status.json"
    RecorderStatus("receiving", 1, events=((1, "a"),)).write(path)
    place = path.stat().st_ino
    real = os.open

    def full(name: Any, flags: int, *more: Any) -> int:
        if flags & os.O_EXCL:  # a second file, which takes the place of the first when it is whole
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(name, flags, *more)

    monkeypatch.setattr(os, "open", full)
    RecorderStatus("disk", 2, error={"what": "x"}).write(path)
    assert path.stat().st_ino == place
    status = RecorderStatus.read(path)
    assert status is not None and (status.state, status.at) == ("disk", 2)
    # Longer than the blocks that the file has: what matters stays.
    RecorderStatus("disk", 3, events=tuple((n, "x" * 500) for n in range(200)), error={"what": "y"}).write(path)
    status = RecorderStatus.read(path)
    assert status is not None and (status.at, status.events, status.error) == (3, (), {"what": "y"})
    assert json.loads(path.read_text())["state"] == "disk"


def test_a_journal_damaged_while_it_is_written_is_set_aside(
    own_lab: dict[str, Any], control: Callable[..., Any], record: Callable[..., RecorderHandle], eventually: Callable[..., Any]
) -> None:
    control(own_lab, "messages", {"count": 4_000, "partition": "spread"})
    handle = record()
    eventually(lambda: handle.status().committed == 4_000)
    connection = sqlite3.connect(handle.journal_path, isolation_level=None)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with handle.journal_path.open("r+b") as file:  # all but the first page, as a broken disk would
        size = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    connection.execute("PRAGMA user_version = 1")  # what the recorder remembers of the pages is void
    connection.close()

    def whole() -> bool:
        control(own_lab, "messages", {"count": 4, "partition": "spread"})
        if "set aside" not in handle.status().notice:
            return False
        connection = sqlite3.connect(f"{handle.journal_path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            last, count = connection.execute("SELECT max(sequence), count(*) FROM message").fetchone()
        except sqlite3.Error:
            return False
        finally:
            connection.close()
        return bool(count) and count == (last + 1) * 4

    eventually(whole)
    assert len([path for path in handle.journal_path.parent.iterdir() if path.name.endswith(".journal")]) == 2

    # Damage where nothing is written any more is found when the recorder begins, which goes on where that journal stood.
    control(own_lab, "messages", {"count": 8_000, "partition": "spread"})
    eventually(lambda: whole() and not handle.status().waiting and not handle.status().lag)
    handle.close()
    eventually(lambda: not running(handle.place))
    damage(handle.journal_path)
    handle = record("latest")
    eventually(lambda: len([path for path in handle.journal_path.parent.iterdir() if path.name.endswith(".journal")]) == 3)
    control(own_lab, "messages", {"count": 4, "partition": "spread"})
    eventually(lambda: handle.status().state == "receiving" and handle.status().newest)
    connection = sqlite3.connect(f"{handle.journal_path.resolve().as_uri()}?mode=ro", uri=True)
    assert connection.execute("SELECT min(sequence) FROM message").fetchone()[0] > 3_000
    connection.close()


def damage(path: Path) -> None:
    """Garbage in the midst of a journal that nobody has open."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(size // 3)
        file.write(os.urandom(size // 6))


def test_a_reader_that_meets_with_damage_has_the_journal_looked_through(
    journal: Journal, fill: Callable[..., None], raw: Callable[..., Any]
) -> None:
    fill([raw(number) for number in range(5_000)])
    assert schema.sound(journal.path)
    journal.close()
    damage(journal.path)
    window = Window(journal.path)
    with pytest.raises(OperatorError, match="damaged"):
        list(window.rows())
    assert Place(journal.path).suspicion.exists() and not schema.sound(journal.path) and window.in_place
    schema.set_aside(journal.path)
    assert not window.in_place
    window.close()
