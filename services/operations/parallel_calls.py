"""Calls side by side in daemon threads: those of an executor would hold up the console's end until the slowest has answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(call: Callable[[Item], Result], items: Sequence[Item], at_once: int = 6) -> list[Result]:
    """Call ``call`` for each of ``items``, ``at_once`` of them at a time, and return the results in order; the first error is raised."""
    remaining = iter(enumerate(items))
    taking = threading.Lock()
    results: dict[int, Result] = {}
    errors: dict[int, BaseException] = {}

    def work() -> None:
        while not errors:
            with taking:
                following = next(remaining, None)
            if following is None:
                return
            index, item = following
            try:
                results[index] = call(item)
            except BaseException as error:  # noqa: BLE001 - it is raised again, in the caller's thread
                errors[index] = error

    threads = [threading.Thread(target=work, daemon=True, name="side-by-side") for _ in range(min(at_once, len(items)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[min(errors)]
    return [results[index] for index in range(len(items))]
