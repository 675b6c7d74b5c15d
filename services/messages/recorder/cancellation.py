"""Tasks ended for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

_AGAIN = 2.0  # seconds after which a task that goes on is cancelled once more


async def ended(tasks: Collection[asyncio.Future[Any]]) -> list[Any]:
    """Cancel tasks until they have ended; gives their results and exceptions, in order.

    Once is not enough: ``asyncio.wait_for`` before Python 3.12 swallows a cancel that comes as its call ends
    (python/cpython#86296), and a task in a loop would go on for ever, with whoever waits for it.
    """
    while unfinished := [task for task in tasks if not task.done()]:
        for task in unfinished:
            task.cancel()
        await asyncio.wait(unfinished, timeout=_AGAIN)
    return await asyncio.gather(*tasks, return_exceptions=True)
