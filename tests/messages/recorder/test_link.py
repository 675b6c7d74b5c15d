"""One partition's link by itself."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from services.messages.health.hub_clock import elapsed
from services.messages.journal.rows import Position, RawMessage
from services.messages.recorder import link
from services.messages.start import Start


async def test_a_console_that_asks_does_not_wait_for_the_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_FIRST_WAIT", 3600.0)
    tries = asyncio.Semaphore(0)

    async def receive(_: Any) -> None:
        tries.release()
        raise OSError("refused")

    monkeypatch.setattr(link.Link, "_receive", receive)
    failures: list[BaseException | None] = []
    partition = link.Link("0", Position(1, 0), Start(), None, lambda: None, lambda _, error: failures.append(error), None)
    running = asyncio.ensure_future(partition.run())
    try:
        for count in (1, 2, 3):
            await asyncio.wait_for(tries.acquire(), 60)
            assert len(failures) == count
            assert partition._start.kind == "time", "the newest message is that of the moment when it was asked for"
            partition.try_now()
        await asyncio.wait_for(tries.acquire(), 60)
    finally:
        running.cancel()


async def test_what_comes_while_the_hub_is_asked_was_unknown_to_the_question_before() -> None:
    class Intake:
        async def put(self, _batch: Any) -> None:
            pass

    class Client:
        def __init__(self) -> None:
            self.asked, self.answers = asyncio.Event(), asyncio.Event()

        async def get_partition_properties(self, _partition: str) -> dict[str, Any]:
            self.asked.set()
            await self.answers.wait()
            return {"last_enqueued_sequence_number": 10, "is_empty": False, "beginning_sequence_number": 0}

    partition: Any = link.Link("0", Position(1, 0), Start(), Intake(), lambda: None, lambda _, error: None, None)
    partition.last_enqueued = 9
    partition.clock.answered(elapsed() - 60)
    client = Client()
    asking = asyncio.ensure_future(partition.ask(client))
    await asyncio.wait_for(client.asked.wait(), 60)
    late = int(time.time() * 1000) - 30_000  # enqueued after the first question, half a minute before the second
    await partition._take([RawMessage(10, late, ("device", "", "", "", ""), 5, None, None, None, "1", None, b"", None, None)])
    assert partition.clock.ahead == 0.0, "a message that comes late says nothing of the clocks"
    client.answers.set()
    await asyncio.wait_for(asking, 60)
    assert partition.clock.ahead == 0.0 and partition.lag == 0


async def test_a_hub_made_again_is_noticed_where_its_forerunner_had_forgotten_its_beginning() -> None:
    """Begun at number 15 of a hub that forgot 0 to 14, nothing came; the next hub of that name has grown past it."""
    noon = datetime(2026, 12, 1, 12, tzinfo=timezone.utc)

    class Positions:
        def begin(self, *_: Any) -> None:
            pass

    def client(last: int, oldest: int, at: datetime) -> Any:
        async def ask(_partition: str) -> dict[str, Any]:
            properties = {"last_enqueued_sequence_number": last, "beginning_sequence_number": oldest, "is_empty": False}
            return {**properties, "last_enqueued_offset": "900", "last_enqueued_time_utc": at}

        return SimpleNamespace(get_partition_properties=ask)

    start = Start("beginning")
    intake: Any = None
    partition: Any = link.Link("0", Position(1, 0), start, intake, lambda: None, lambda _, error: None, Positions())
    assert await partition._where(client(20, 15, noon)) == (14, False)
    assert partition._position.enqueued == noon.timestamp() * 1000

    def again(created: datetime) -> Any:
        made_at = int(created.timestamp() * 1000)
        return link.Link("0", partition._position, start, intake, lambda: None, lambda _, error: None, Positions(), made_at)

    assert (await again(noon - timedelta(days=9))._where(client(30, 15, noon + timedelta(hours=2))))[0] == 14, "the same hub"
    with pytest.raises(link.HubRemade):
        await again(noon + timedelta(hours=1))._where(client(30, 0, noon + timedelta(hours=2)))
