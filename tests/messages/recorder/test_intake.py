"""The thread that commits lives through whatever the journal does, and says what it met."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from services.messages.journal.retention import Keep
from services.messages.journal.rows import Batch, RawMessage
from services.messages.journal.store import Journal
from services.messages.recorder.intake import Intake


async def test_a_fault_of_ours_is_said_and_nothing_is_lost(
    journal: Journal, raw: Callable[..., RawMessage], monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., Any]
) -> None:
    append, faults = journal.append, ["unforeseen"]

    def broken(batches: Any) -> Any:
        if faults:
            raise RuntimeError(faults.pop())
        return append(batches)

    monkeypatch.setattr(journal, "append", broken)
    intake = Intake(journal, Keep())
    intake.start()
    await intake.put(Batch(journal.part("namespace", "entity", 0, "0"), [raw(1), raw(2)]))
    error = await asyncio.to_thread(eventually, lambda: intake.error)
    assert "RuntimeError" in error.what and error.remedy
    await asyncio.to_thread(eventually, lambda: intake.committed == 2 and intake.error is None)
    intake.end()
