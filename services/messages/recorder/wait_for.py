"""``asyncio.wait_for`` as it is from Python 3.12 on, for 3.11.

Before, it makes a task for every call, and azure-eventhub 5.15.1 reads every frame through one: a seventh of what a message costs the
recorder (tests/bench/throughput.py). It also swallows a cancel that comes as its call ends (python/cpython#86296).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")


def wait_without_a_task() -> None:
    """Replace ``asyncio.wait_for`` in this process, where Python has what that takes and has not done it itself."""
    if sys.version_info < (3, 11) or sys.version_info >= (3, 12):
        return

    async def wait_for(fut: Awaitable[Result], timeout: float | None) -> Result:
        async with asyncio.timeout(timeout):
            return await fut

    asyncio.wait_for = wait_for
