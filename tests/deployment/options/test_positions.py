import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deployment.options.check import check
from services.deployment.options.located_json import BrokenJson, Lines, read

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(values, st.sampled_from([None, 2]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_reads_what_json_writes(value, indent, ascii_only):
    assert read(json.dumps(value, indent=indent, ensure_ascii=ascii_only)).plain() == value


@given(st.text(alphabet='{}[]",:truefalsn\\01.-+eE/ \n\tu"'))
@settings(max_examples=250, deadline=None)
def test_agrees_with_json_on_what_is_json(text):
    try:
        expected = json.loads(text)
        sound = "NaN" not in text and "inf" not in repr(expected)  # as 1e999 is, which json cannot write again
    except ValueError:
        sound = False
    try:
        found = read(text).plain()
    except BrokenJson as error:
        assert not sound
        assert 0 <= error.offset <= len(text) and error.message and error.remedy
    else:
        assert sound and found == expected


@given(st.text() | values.map(json.dumps))
@settings(max_examples=80, deadline=None)
def test_checking_never_raises(text):
    report = check(text)
    lines = text.count("\n") + 1
    assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in report.problems)


@pytest.mark.parametrize("text", ["1e999", '{"a": [-1e400]}'])
def test_a_number_that_cannot_be_sent_is_an_error(text):
    with pytest.raises(BrokenJson):
        read(text)


def test_deep_nesting_is_an_error():
    with pytest.raises(BrokenJson):
        read("[" * 100_000)


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ('{"a": 1,}', (1, 8), "comma"),
        ('{"a": 1\n "b": 2}', (2, 2), "missing"),
        ("{'a': 1}", (1, 2), "key"),
        ('{\n  "a": True}', (2, 8), "True"),
        ('{"a" 1}', (1, 6), "colon"),
        ('{"a": 1', (1, 1), "closed"),
        ('{"a": "x}', (1, 7), "closed"),
        ('{"a": 01}', (1, 7), "number"),
        ('{"a": 1} x', (1, 10), "after the end"),
        ('{"a": "\\q"}', (1, 7), "backslash"),
        ('{ // c\n"a": 1}', (1, 3), "key"),
        ('["a",]', (1, 5), "comma"),
        ('{"a":}', (1, 6), "value"),
    ],
)
def test_the_place_and_the_cause(text, place, word):
    with pytest.raises(BrokenJson) as caught:
        read(text)
    assert Lines(text).place(caught.value.offset) == place
    assert word in caught.value.message
