"""Tasks are ended for certain, also one that swallows a cancel."""

from __future__ import annotations

import asyncio

import pytest

from services.messages.recorder import cancellation as tasks


async def test_a_task_that_swallows_a_cancel_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_AGAIN", 0.05)
    swallowed = []

    async def stubborn() -> str:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if swallowed:
                    raise
                swallowed.append(True)

    async def done() -> str:
        return "done"

    async def failed() -> str:
        raise ValueError("failed")

    begun = [asyncio.ensure_future(one) for one in (stubborn(), done(), failed())]
    await asyncio.sleep(0)
    results = await asyncio.wait_for(tasks.ended(begun), 60)
    assert swallowed and isinstance(results[0], asyncio.CancelledError)
    assert results[1] == "done" and isinstance(results[2], ValueError)
