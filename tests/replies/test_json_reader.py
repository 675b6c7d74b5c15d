"""The reader of JSON from outside: what it takes, and that it fails in one way only."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.json_reader import MAX_DEPTH, JsonError, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_whatever_json_is_comes_back_as_it_was(value: object):
    assert read_json(json.dumps(value)) == value
    assert (
        read_json(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass"))
        == value
    )


@given(st.text() | st.binary())
def test_whatever_is_no_json_is_a_json_error(text: str | bytes):
    try:
        read_json(text)
    except JsonError as error:
        assert str(error).startswith("It is")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[1] [2]", "no JSON"),
        ("<html></html>", "no JSON"),
        ("NaN", "NaN"),
        ('{"a": Infinity}', "Infinity"),
        ('{"a": [-Infinity]}', "-Infinity"),
        ("1e999", "out of range"),
        ("[-1.5E+400]", "out of range"),
        ("1" * 299 + "e99", "out of range"),
        ("1" * 301, "digits"),
        ("[" + "1" * 100_000 + "]", "digits"),
        ("-" + "9" * 5_000, "digits"),
        ("[" * 65 + "]" * 65, "deeper"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "deeper"),
        ("[" * 1_000_000, "deeper"),
        (b"\xff\xfe{}", "UTF-8"),
        (b'{"a": "\xc3("}', "UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "UTF-8"),
    ],
)
def test_what_is_refused_and_how(text: str | bytes, words: str):
    with pytest.raises(JsonError, match=words):
        read_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * MAX_DEPTH + "]" * MAX_DEPTH,
        "[" + ",".join(["{}"] * 1_000) + "]",
        json.dumps("[" * 1_000),
        json.dumps({"a": '\\"[{' * 1_000}),
        json.dumps("NaN 1e999 " + "1" * 400),
        "1e300",
        "1e-999",
        "1" * 300,
    ],
)
def test_what_only_looks_like_it_is_read(text: str):
    assert read_json(text) == json.loads(text)


def test_a_byte_order_mark_is_no_fault():
    assert read_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_the_limits_are_the_callers():
    assert read_json("[[1]]", max_depth=2, max_bytes=5) == [[1]]
    with pytest.raises(JsonError, match="deeper than 1"):
        read_json("[[1]]", max_depth=1)
    with pytest.raises(JsonError, match="larger than 4 bytes"):
        read_json("[[1]]", max_bytes=4)


@pytest.mark.parametrize("text", ['["' + '\\"' * 500_000, '["a' * 300_000, '"\\' * 500_000, "[" * 65 + '"' * 999_999])
def test_no_text_takes_longer_than_its_length(text: str):
    begin = time.process_time()
    with pytest.raises(JsonError):
        read_json(text)
    assert time.process_time() - begin < 3
