"""Another rule for foreign JSON takes effect in what the journal has, and in what comes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from services.contexts.model import FieldPath, MessageFields
from services.messages.filters import Filter
from services.messages.health.statistics import HealthReader
from services.messages.journal import field_rule, schema
from services.messages.journal.field_rule import follow_rule, request_rule, take_rule, wait_for_rule
from services.messages.journal.retention import Keep
from services.messages.journal.rows import Batch, RawMessage
from services.messages.journal.store import Journal
from services.messages.journal.window import Window
from services.messages.parsing.field_rule import rule_text
from services.messages.recorder.intake import Intake

RULE = rule_text(MessageFields(label=FieldPath("animal"), milliseconds=FieldPath("took")))
START = 1_790_000_000_000
Raw = Callable[..., RawMessage]


def passing(journal: Journal, text: str) -> list[int]:
    window = Window(journal.path)
    try:
        return [message.sequence_number for message in window.newest(100_000, Filter.parse(text))]
    finally:
        window.close()


@pytest.fixture
def foreign(journal: Journal, raw: Raw, fill: Callable[..., None]) -> Journal:
    """Of 3,000 messages every second is foreign JSON, the others are the sample client's."""
    sample = "({0} ms) The image {0}.jpg was classified as cat with confidence 0.5."
    fill([raw(n, '{"animal": "fox", "took": 7}' if n % 2 else sample.format(n)) for n in range(1, 3001)])
    return journal


def test_a_rule_goes_through_the_journal_and_may_be_interrupted(foreign: Journal) -> None:
    assert passing(foreign, "class:fox") == []
    request_rule(foreign.path, RULE)
    text, below = take_rule(foreign)
    assert (text, below) == (RULE, 3001)
    below = follow_rule(foreign, text, below, seconds=0)
    assert below == 2001 and len(passing(foreign, "class:fox")) == 500, "a portion, newest first"
    # Another recorder goes on there.
    again = Journal(foreign.path)
    try:
        assert take_rule(again) == (RULE, 2001)
        assert follow_rule(again, *take_rule(again), seconds=60) == 0
    finally:
        again.close()
    assert len(passing(foreign, "class:fox ms:7 kind:result")) == 1500 and len(passing(foreign, "class:cat")) == 1500
    # No rule any more: as it was.
    request_rule(foreign.path, "")
    assert follow_rule(foreign, *take_rule(foreign), seconds=60) == 0
    assert passing(foreign, "class:fox") == [] and len(passing(foreign, "kind:json")) == 1500


def test_the_same_rule_is_not_asked_for_again(foreign: Journal) -> None:
    request_rule(foreign.path, RULE)
    follow_rule(foreign, *take_rule(foreign), seconds=60)
    request_rule(foreign.path, RULE)
    assert take_rule(foreign) == (RULE, 0)


def test_health_counts_anew_by_another_rule(foreign: Journal) -> None:
    reader = HealthReader(foreign.path)

    def classes() -> dict[str, int]:
        return dict(reader.look(START - 1_000_000, START + 10_000_000, seconds=60).now.classes)

    assert classes() == {"cat": 1500}
    request_rule(foreign.path, RULE)
    follow_rule(foreign, *take_rule(foreign), seconds=60)
    assert classes() == {"cat": 1500, "fox": 1500}


def test_a_journal_without_the_table_has_no_rule(foreign: Journal) -> None:
    with foreign.writing() as connection:
        connection.execute("DROP TABLE field_rule")
    connection = schema.open_for_reading(foreign.path)
    assert schema.field_rule(connection) == ("", 0)
    connection.close()
    request_rule(foreign.path, RULE)
    assert take_rule(foreign)[0] == RULE


async def test_the_recorder_follows_while_messages_come(
    foreign: Journal, raw: Raw, eventually: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(field_rule, "_PORTION", 100)
    monkeypatch.setattr("services.messages.recorder.intake._RULE_EVERY", 0.02)
    intake = Intake(foreign, Keep())
    part = foreign.part("namespace", "entity", 0, "0")
    intake.start()
    for number in range(3001, 3061):
        if number == 3010:
            await asyncio.to_thread(request_rule, foreign.path, RULE)
        await intake.put(Batch(part, [raw(number, '{"animal": "fox", "took": 7}')]))
        await asyncio.sleep(0)
    await asyncio.to_thread(eventually, lambda: intake.committed == 60 and len(passing(foreign, "class:fox")) == 1560)
    await asyncio.to_thread(eventually, lambda: take_rule(foreign)[1] == 0)
    intake.end()
    assert intake.rule_text == RULE
    wait_for_rule(foreign.path, lambda text: pytest.fail(text))


def test_who_reads_once_waits_until_all_follow(foreign: Journal, eventually: Callable[..., Any]) -> None:
    window = Window(foreign.path)
    assert window.follows_rule
    request_rule(foreign.path, RULE)
    assert not window.follows_rule
    words: list[str] = []
    waiting = threading.Thread(target=wait_for_rule, args=(foreign.path, words.append))
    waiting.start()
    eventually(lambda: words)
    assert waiting.is_alive() and "3,000 older messages" in words[0]
    follow_rule(foreign, *take_rule(foreign), seconds=60)
    waiting.join(60)
    assert not waiting.is_alive() and window.follows_rule
    window.close()


def test_a_recorder_that_takes_up_no_rule_is_not_waited_for(foreign: Journal) -> None:
    request_rule(foreign.path, RULE)
    words: list[str] = []
    wait_for_rule(foreign.path, words.append, patience=0.1)
    assert "does not take up" in words[-1]
