"""Every compiled pattern of ours takes bounded time on hostile text of a size that may reach it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

import console
import services
import widgets

LENGTH = 2_000
SECONDS = 0.2  # of processor time; linear ones take a thousandth, and a busy machine counts more than was used
UNITS = (
    *(
        "a",
        "1",
        " ",
        "\t",
        "\n",
        "_",
        "-",
        ".",
        "/",
        "\\",
        '"',
        "'",
        "=",
        ":",
        ";",
        ",",
        "<",
        ">",
        "[",
        "{",
        "(",
        "$",
        "${",
        "%",
        "é",
        "١",
    ),
    *(
        "a=",
        "a:",
        "a.",
        "a-",
        "a ",
        "1.",
        "1,",
        "1s",
        "1:",
        '\\"',
        '"a"',
        "'a'",
        "a/",
        "ab==",
        "//",
        "/*",
        "--a ",
        "-a b ",
        "A=b ",
        "(\n",
    ),
    *("HostName=", "Endpoint=sb://", "ErrorCode:", "Message", "\x1b[", "<6>", "2026-01-01 ", "/subscriptions/", "Tracking Id:"),
)
ENDS = ("", "!")
# Tried on a thousand characters at most.
EXEMPT = ("services.hub.log_lines._FURTHER_IN",)
SKIPPED = ("services.lab", "services.inference.descriptors")  # the lab is no part of what an operator runs against Azure


def patterns_in(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    """Patterns in a module's value: alone, or in tuples, lists, maps and objects with slots."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 4 and isinstance(value, dict):
        for member in (*value.keys(), *value.values()):
            yield from patterns_in(member, depth + 1)
    elif depth < 4 and isinstance(value, tuple | list | set | frozenset):
        for member in value:
            yield from patterns_in(member, depth + 1)


def searches(source: str, name: str) -> bool:
    """Whether a pattern is tried at every place of a text; of one in a table, whether any of the module is."""
    anchored = rf"\b{name}\.(?:match|fullmatch)\("
    anywhere = r"\.(?:search|finditer|findall|sub|subn|split)\("
    return re.search(rf"\b{name}{anywhere}", source) is not None or (
        re.search(anchored, source) is None and re.search(anywhere, source) is not None
    )


def all_patterns() -> dict[str, tuple[re.Pattern[Any], bool]]:
    """Patterns of all modules by place, and whether they are searched for."""
    patterns: dict[str, tuple[re.Pattern[Any], bool]] = {}
    known: set[tuple[str | bytes, int]] = set()
    for package in (services, widgets, console):
        for module_info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module_info.name.startswith(SKIPPED) or module_info.name.endswith("__main__"):
                continue
            module = importlib.import_module(module_info.name)
            source = inspect.getsource(module)
            for name, value in vars(module).items():
                for number, pattern in enumerate(patterns_in(value)):
                    if f"{module_info.name}.{name}".startswith(EXEMPT):
                        continue
                    if (pattern.pattern, pattern.flags) not in known:
                        known.add((pattern.pattern, pattern.flags))
                        patterns[f"{module_info.name}.{name}[{number}]"] = pattern, searches(source, name)
    return patterns


PATTERNS = all_patterns()


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """End a search that hangs: Python's engine looks for signals on its way."""

    def expired(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, expired)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def texts() -> Iterable[str]:
    for unit in UNITS:
        row = (unit * (LENGTH // len(unit) + 1))[:LENGTH]
        for end in ENDS:
            yield row + end
        yield '"' + row


TEXTS = list(texts())


def test_there_are_patterns() -> None:
    assert len(PATTERNS) > 80


@pytest.mark.parametrize("place", PATTERNS)
def test_a_pattern_takes_bounded_time(place: str) -> None:
    pattern, searched = PATTERNS[place]
    for text in TEXTS:
        subject = text.encode() if isinstance(pattern.pattern, bytes) else text
        try:
            start = time.process_time()
            with limit(SECONDS * 4):
                if searched:
                    sum(1 for _ in pattern.finditer(subject))
                else:
                    pattern.match(subject)
                    pattern.fullmatch(subject)
        except TimeoutError:
            pytest.fail(f"{pattern.pattern!r} takes too long on {text[:30]!r}…{text[-3:]!r}")
        assert time.process_time() - start < SECONDS, f"{pattern.pattern!r} on {text[:30]!r}…{text[-3:]!r}"
