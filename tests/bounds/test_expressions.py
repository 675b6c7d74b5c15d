"""An operator's expression takes bounded time, and a bad one is refused in one way, wherever it is typed."""

from __future__ import annotations

import time
from threading import Event

import pytest

from services.errors import UsageError
from services.expressions import compile_expression, line_search, matching_lines
from services.messages.filters import Filter

CATASTROPHIC = [
    "(a+)+$",
    r"(\w+,?)+",
    r"(\w+,?)+!",
    "(a|aa)+$",
    "(a|a?)+$",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(.*)*x",
    "(x+x+)+y",
    "a?" * 30 + "a" * 30,
]
HOSTILE = ["a" * 200_000 + "!", "x" * 200_000, "ab, " * 50_000, "\u00e9" * 100_000]


@pytest.mark.parametrize("pattern", CATASTROPHIC)
def test_a_search_takes_time_in_proportion_to_the_text(pattern: str) -> None:
    search = line_search(f"/{pattern}/")
    assert search is not None
    start = time.process_time()
    for text in HOSTILE:
        search(text)
    assert time.process_time() - start < 1


BAD = ["(", "[a-", "a{2000}", r"(?=x)", r"(a)\1", r"\p{L}{500}\p{N}{400}", "(.{0,100}){1,100}", "*", "a**", "\\"]


@pytest.mark.parametrize("pattern", BAD)
def test_a_bad_expression_is_refused_with_the_same_words_everywhere(pattern: str) -> None:
    with pytest.raises(UsageError) as direct:
        compile_expression(pattern)
    with pytest.raises(UsageError) as in_log:
        line_search(f"/{pattern}/")
    assert direct.value.what == in_log.value.what
    assert "is not a regular expression: " in direct.value.what and direct.value.remedy
    assert direct.value.code == "filter.syntax"
    assert len(str(direct.value)) < 500
    if not pattern.endswith("\\"):  # it would escape the closing slash
        with pytest.raises(UsageError) as in_filter:
            Filter.parse(f"/{pattern}/")
        assert in_filter.value.what == direct.value.what


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(UsageError, match="no text in UTF-8"):
        compile_expression("\udcff")


def test_plain_text_is_searched_as_it_stands_whatever_its_case() -> None:
    search = line_search("a.(B")
    assert search is not None and search("xA.(b") == (1, 5) and search("xAb(b") is None
    spans = line_search("/É+/")
    assert spans is not None and spans("caféé!") == (3, 5)  # in characters, not bytes
    assert line_search("") is None and line_search("/") is None


def test_a_search_of_many_lines_ends_by_itself_or_when_it_is_stopped() -> None:
    search = line_search("/(.{0,10}){1,30}z!/")
    assert search is not None
    lines = ["a" * 16_384] * 20_000
    start = time.monotonic()
    places, complete = matching_lines(search, lines, Event(), seconds=0.2)
    assert not complete and places == [] and time.monotonic() - start < 2
    stopped = Event()
    stopped.set()
    assert matching_lines(search, lines, stopped) == ([], False)
    found = line_search("b")
    assert found is not None
    assert matching_lines(found, ["a", "b", "b"], Event()) == ([1, 2], True)
    assert matching_lines(found, ["a", "b", "b"], Event(), at_most=1) == ([1], True)
