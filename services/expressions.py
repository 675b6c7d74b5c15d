"""The one place that compiles an operator's regular expression, and searches with it in bounded time.

RE2 takes time in proportion to the text, whatever the expression says; Python's own engine takes forever on some of a few characters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from threading import Event
from typing import Any

from services.errors import UsageError
from services.text import one_line

# RE2's budget for a program. At 128 KiB the slowest expression that compiles takes some 30 ms for a text of 16 KiB, where with the
# default of 8 MiB one like (.{0,100}){1,10} takes seconds; ordinary ones are as fast as with more (measured with google-re2 1.1).
_MEMORY = 128 * 1024
_LONGEST = 16 * 1024  # characters of a line that are searched: container engines cut a line of output at 16 KiB
_PATIENCE = 2.0  # seconds

Search = Callable[[str], "tuple[int, int] | None"]  # where in a text the first match stands


def compile_expression(pattern: str, *, ignore_case: bool = False) -> Any:
    """Compile ``pattern`` with RE2; raises UsageError that says what is wrong with it."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise _refusal(pattern, error) from None


def _refusal(pattern: str, error: Exception) -> UsageError:
    reason = error.args[0] if error.args else ""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else "it is no text in UTF-8"
    if "too large" in text or "repetition size" in text:
        text = "it repeats too much"
    return UsageError(
        f"/{one_line(pattern, 60)}/ is not a regular expression: {one_line(text, 120)}.",
        remedy="Escape the character, or search for plain text; look-around and back references are not to be had (RE2).",
        code="filter.syntax",
    )


def line_search(text: str) -> Search | None:
    """Return a search, whatever the case, for ``text`` or for ``/regular expression/``; None of an empty one. Raises UsageError."""
    import re2

    if not text or text == "/":
        return None
    pattern = text[1:].removesuffix("/") if text.startswith("/") else re2.escape(text)
    expression = compile_expression(pattern, ignore_case=True)

    def search(line: str) -> tuple[int, int] | None:
        match = expression.search(line[:_LONGEST])
        return match.span() if match else None

    return search


def matching_lines(
    search: Search, lines: Iterable[str], stopped: Event, *, at_most: int | None = None, seconds: float = _PATIENCE
) -> tuple[list[int], bool]:
    """Return the places of lines that match, and whether all were searched: not where it was stopped or the time ran out.

    ``at_most`` ends with that many matches. For a thread: it takes up to ``seconds``.
    """
    places: list[int] = []
    end = time.monotonic() + seconds
    for place, line in enumerate(lines):
        if stopped.is_set() or time.monotonic() > end:
            return places, False
        if search(line) is not None:
            places.append(place)
            if len(places) == at_most:
                break
    return places, True
