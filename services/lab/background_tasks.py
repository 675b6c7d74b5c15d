"""Tasks that nobody awaits: they are kept, and one that dies says of what, instead of leaving a lab that only seems to work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_LOG = logging.getLogger(__name__)
_tasks: set[asyncio.Task[None]] = set()


def in_background(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run ``work`` as a task, which may be cancelled or awaited like any other."""
    task = asyncio.get_running_loop().create_task(work, name=getattr(work, "__qualname__", "work"))
    _tasks.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[None]) -> None:
    _tasks.discard(task)
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _LOG.error("%s of the lab died", task.get_name(), exc_info=error)
