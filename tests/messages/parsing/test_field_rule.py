"""A context names where foreign JSON says what it means."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contexts.codec import TableError, context_from, to_table
from services.contexts.model import Context, FieldPath, MessageFields
from services.messages.parsing.field_rule import FieldRule, rule_text
from services.messages.parsing.parse import KINDS, derive


def fields(**paths: str) -> MessageFields:
    return MessageFields(**{name: FieldPath(path) for name, path in paths.items()})


RULE = FieldRule(fields(label="out.0.species", milliseconds="timing.total", confidence="out.0.p", error="fault"))


@pytest.mark.parametrize(
    ("body", "kind", "label", "milliseconds", "confidence"),
    [
        ({"out": [{"species": "fox", "p": 0.9}], "timing": {"total": 12.5}}, "result", "fox", 12.5, 0.9),
        ({"out": [{"species": "fox", "p": "90%"}], "timing": {"total": "1.5 s"}}, "result", "fox", 1500.0, 0.9),
        ({"out": [{"species": 7, "p": 88}]}, "result", "7", None, 0.88),
        ({"out": [{"p": 0.5}]}, "json", None, None, 0.5),
        ({"out": [], "timing": {"total": True}}, "json", None, None, None),
        ({"out": {"0": {"species": "fox"}}}, "result", "fox", None, None),
        ({"out": [{"species": {"name": "fox"}, "p": [1]}]}, "json", None, None, None),
        ({"out": [{"species": "", "p": -1}], "timing": {"total": -3}}, "json", None, None, None),
        ({"out": [{"species": "fox", "p": 1e300}], "timing": {"total": 1e300}}, "result", "fox", None, None),
        ({"out": [{"species": "fox", "p": float("nan")}], "timing": {"total": float("inf")}}, "result", "fox", None, None),
        ({"out": [{"species": 10**400}]}, "json", None, None, None),
        ({"fault": "no camera"}, "error", None, None, None),
        ({"fault": {"code": 3}}, "error", None, None, None),
        ({"fault": True}, "error", None, None, None),
        ({"fault": "none", "out": [{"species": "fox"}]}, "result", "fox", None, None),
        ({"fault": 0, "status": "error"}, "json", None, None, None),
        ({"fault": float("nan")}, "json", None, None, None),
        ({"out": json.dumps([{"species": "fox"}])}, "result", "fox", None, None),
        # Another client's message beside it is read as before.
        ({"label": "cat", "confidence": 0.7, "latency_ms": 3}, "result", "cat", 3.0, 0.7),
        ([1, 2], "json", None, None, None),
    ],
)
def test_what_the_rule_makes_of_json(body: Any, kind: str, label: Any, milliseconds: Any, confidence: Any) -> None:
    derived = derive(json.dumps(body).encode(), "", "", RULE.meaning)
    assert KINDS[derived.kind] == kind
    assert (derived.label, derived.milliseconds, derived.confidence) == (label, milliseconds, confidence)


def test_the_samples_own_texts_stay_as_they_are() -> None:
    body = b"(12 ms) The image a.jpg was classified as cat with confidence 0.5."
    assert derive(body, "", "", RULE.meaning) == derive(body)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0", "c d"]), inner, max_size=3),
    max_leaves=12,
)
paths = st.lists(st.sampled_from(["a", "b", "0", "1", "c d", "-1", "\u0663", "9" * 12]), max_size=4).map(".".join)


@given(values, paths, paths, paths, paths)
def test_nothing_that_json_holds_breaks_a_rule(value: Any, label: str, milliseconds: str, confidence: str, error: str) -> None:
    rule = FieldRule(fields(label=label, milliseconds=milliseconds, confidence=confidence, error=error))
    derived = derive(json.dumps(value).encode(), "application/json", "", rule.meaning)
    assert derived.confidence is None or derived.confidence == derived.confidence
    assert derived.label is None or derived.label


def test_the_rule_is_kept_as_text() -> None:
    assert rule_text(MessageFields()) == "" and FieldRule.stored("") is None
    text = rule_text(fields(label="a.0", error="e"))
    stored = FieldRule.stored(text)
    assert stored is not None and stored.meaning({"a": ["x"]}).label == "x"
    for broken in ("{", "[]", "7", '{"other": "x"}', '["label"]'):
        assert FieldRule.stored(broken) is None


def test_a_context_names_its_fields() -> None:
    table = {"messages": {"class": "predictions.0.tagName", "milliseconds": "timing.total"}}
    context = context_from("line3", table)
    assert context.messages == fields(label="predictions.0.tagName", milliseconds="timing.total")
    assert to_table(context)["messages"] == table["messages"]
    assert "messages" not in to_table(Context("a"))


@pytest.mark.parametrize("path", ["", ".", "a..b", "a.", " ", "a. .b", 7, ["a"], "a\x1bb", "a." * 16 + "a", "a" * 301])
def test_a_bad_path_is_refused_by_its_key(path: object) -> None:
    with pytest.raises(TableError) as refused:
        context_from("line3", {"messages": {"class": path}})
    assert refused.value.path == ("line3", "messages", "class") and "predictions.0.tagName" in refused.value.remedy


def test_a_misspelt_field_is_refused() -> None:
    with pytest.raises(TableError) as refused:
        context_from("line3", {"messages": {"label": "a"}})
    assert "class" in refused.value.remedy
