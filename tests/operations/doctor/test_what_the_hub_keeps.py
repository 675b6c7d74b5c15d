"""The doctor's check of the journal: what the recorder noted lately is told."""

from __future__ import annotations

from pathlib import Path

from services.contexts.model import Context
from services.messages.journal.store import Journal
from services.operations.doctor.checks.check import SharedFacts
from services.operations.doctor.checks.retention import retention


def test_what_the_recorder_noted_lately_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    journal = Journal(path)
    for number in range(8):
        journal.notice("hub-remade", f"The hub was made again {number}.\x1b[2J")
    with journal.writing() as connection:
        connection.execute("UPDATE notice SET at = 0 WHERE id = 8")
    journal.close()
    facts = SharedFacts(Context("test"), "d")
    facts.journal = str(path)
    first, *notes = retention(facts)
    assert first.severity == "ok"
    assert [note.detail.rpartition(" ")[2][0] for note in notes] == ["2", "3", "4", "5", "6"], "the newest, and none that is old"
    assert all(note.title == "Noted" and "\x1b" not in note.detail for note in notes)
    assert len({note.name for note in notes}) == 5
