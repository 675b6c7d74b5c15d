"""Check what the hub still keeps: messages that it forgot before they were read, or sooner than any hub may.

What the recorder noted lately is told, too: a journal that was damaged, a hub that was made again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from services.diagnosis import diagnose
from services.messages.journal.store import Journal
from services.operations.doctor.checks.check import Outcome, SharedFacts, neutral, ok, outcome_of
from services.records import Evidence
from services.text import counted, one_line

_DAY = 24 * 3600.0
_LATELY = 7 * _DAY
# A hub keeps messages for a day at least: what is a few minutes old must be there.
_LEAST = 600.0
_NOTES = 5


def retention(facts: SharedFacts) -> Sequence[Outcome]:
    """Count gaps in the journal of the last day, messages of the last minutes that the hub does not have any more, and notes."""
    if facts.journal is None:
        return [neutral("no journal was read")]
    journal = Journal(Path(facts.journal))
    try:
        now = time.time()
        missing_count = sum(gap.count for gap in journal.gaps() if now - gap.noticed / 1000 < _DAY)
        forgotten, since = journal.forgotten(facts.oldest, int((now - _LEAST) * 1000))
        malformed = journal.malformed()
        noted = [(at / 1000, text) for at, _, text in journal.notices() if now - at / 1000 < _LATELY]
    finally:
        journal.close()
    outcomes = []
    if missing_count:
        outcomes.append(_outcome("gap", f"lost: {counted(missing_count, 'message')}", "retention:gap"))
    if forgotten:
        age = now - since / 1000
        outcomes.append(_outcome("retention", f"forgotten: {counted(forgotten, 'message')}", "retention:short", age))
    outcomes = outcomes or [ok("no gap in what was read today")]
    if malformed:
        text = f"{counted(malformed, 'message')} kept of which the service's number or time cannot be used"
        outcomes.append(neutral(text, name="retention:malformed", title="Malformed"))
    return outcomes + [
        neutral(f"{datetime.fromtimestamp(at):%d %b %H:%M} {one_line(text)}", name=f"retention:note-{number}", title="Noted")
        for number, (at, text) in enumerate(noted[-_NOTES:])
    ]


def _outcome(code: str, text: str, name: str, seconds: float | None = None) -> Outcome:
    return outcome_of(diagnose(Evidence("amqp", code=code, text=text, seconds=seconds))[0], name=name)
