"""Numbers that an operator types: out of range, no numbers, not in ASCII; each is refused in words, never believed or a fault."""

from __future__ import annotations

import json

import pytest

from console.cli.main import run
from services.errors import OperatorError
from services.text import json_text

HOSTILE = [
    "-1",
    "1e3",
    "nan",
    "inf",
    "-inf",
    "NaN",
    "",
    " ",
    "٣",
    "１２",
    "²",
    "0x10",
    "1_000",
    "9" * 30,
    "9" * 5000,
    "+",
    "1.5.2",
    "\x1b[31m",
]
WHOLE = [
    "history --limit",
    "history --limit 5",
    "rollback --device 5",
    "deploy x/y --startup-order",
    "logs edgeAgent --tail",
    "method ping --timeout",
    "score a.jpg --repeat",
    "score a.jpg --port",
    "stream --limit",
]
SECONDS = ["score a.jpg --timeout", "doctor --listen"]


def refusal(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What standard error says of a wrong call."""
    try:
        status = run(words)
    except SystemExit as end:
        status = int(end.code or 0)
    output = capsys.readouterr()
    assert status == 2 and not output.out
    assert "itself failed" not in output.err and "\x1b" not in output.err
    return output.err


@pytest.mark.parametrize("value", [*HOSTILE, "1.5"])
@pytest.mark.parametrize("words", WHOLE)
def test_a_whole_number_is_from_a_range_that_is_said(words: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    *before, name = words.split()
    # the entry of a history is an argument without a name
    arguments = [*before, name, "--", value] if name == "5" else [*before, f"{name}={value}"]
    assert "no whole number from" in refusal(arguments, capsys)


@pytest.mark.parametrize("value", [*HOSTILE, "0", "0.0", "99999999999"])
@pytest.mark.parametrize("words", SECONDS)
def test_seconds_are_finite_and_more_than_none(words: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    *before, name = words.split()
    assert "no number of seconds above 0, up to" in refusal([*before, f"{name}={value}"], capsys)


@pytest.mark.parametrize("port", ["0", "65536", "70000"])
def test_a_port_is_one_that_exists(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "from 1 to 65,535" in refusal(["score", "a.jpg", "--port", port], capsys)


TIMES = [
    "999999999999h",
    "99999999999d",
    "9" * 400 + "s",
    "-5m",
    "nan",
    "inf",
    "infm",
    "٣m",
    "１０m",
    "1e3s",
    "9999-99-99",
    "0000-01-01",
    "",
]


@pytest.mark.parametrize("text", [*TIMES, "1" * 100_000, "1s" * 50_000 + "!", "\u202e1m"])
def test_a_time_is_refused_in_words(text: str) -> None:
    from services.messages.filters import Filter
    from services.messages.start import parse_time

    for read in (parse_time, lambda value: Filter.parse(f'since:"{value}"')):
        with pytest.raises(OperatorError) as refused:
            read(text)
        assert len(refused.value.what) < 300


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), '"NaN"'),
        ({"a": [1.5, float("inf"), (float("-inf"), "NaN")], "b": 0}, '{"a": [1.5, "Infinity", ["-Infinity", "NaN"]], "b": 0}'),
    ],
)
def test_json_has_no_nan_and_no_infinity(value: object, text: str) -> None:
    assert json_text(value) == text
    assert json.loads(json_text(value, 2, ascii_only=True)) == json.loads(text)
