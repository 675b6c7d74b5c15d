"""Blocking calls in threads of their own, and work beside everything else."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
from collections.abc import Iterator

import pytest
from textual.app import App

from console.tui.background import each, go, in_thread

LIMIT = 60


async def test_a_call_that_hangs_holds_up_nobody_and_idle_threads_are_used_again() -> None:
    hung = threading.Event()
    waiting = asyncio.ensure_future(in_thread(hung.wait, LIMIT))
    served = {await asyncio.wait_for(in_thread(threading.get_ident), LIMIT) for _ in range(50)}
    assert not waiting.done()
    hung.set()
    assert await asyncio.wait_for(waiting, LIMIT)
    assert len(served) < 50, "a thread for each call"
    assert all(thread.daemon for thread in threading.enumerate() if thread.ident in served)


async def test_what_fails_in_a_thread_is_raised_in_the_loop() -> None:
    class Torn(Exception):
        pass

    def fails() -> None:
        raise Torn

    def items() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            raise Torn

    with pytest.raises(Torn):
        await asyncio.wait_for(in_thread(fails), LIMIT)
    had = []

    async def take() -> None:
        async for item in each(items()):
            had.append(item)

    with pytest.raises(Torn):
        await asyncio.wait_for(take(), LIMIT)
    assert had == [1, 2]


async def test_work_that_is_replaced_before_it_begins_is_closed() -> None:
    begun = []

    async def work(name: str) -> None:
        begun.append(name)

    app: App[None] = App()
    async with app.run_test() as pilot:
        first = work("first")
        go(app, first, "group")
        await go(app, work("second"), "group").wait()
        for _ in range(100):
            if inspect.getcoroutinestate(first) == inspect.CORO_CLOSED:
                break
            await pilot.pause()
            gc.collect()
        assert inspect.getcoroutinestate(first) == inspect.CORO_CLOSED and begun == ["second"]
