"""What a JSON body says, by the names that clients use for it, whatever their case and however deep they stand.

Known shapes: one flat object; ``predictions`` of Custom Vision (``tagName``, ``probability``); ``inferences`` of Azure's video
modules (``classification`` or ``entity`` with a ``tag``); ``NEURAL_NETWORK`` of the Vision AI DevKit, whose numbers are strings;
``labels`` beside ``scores``; a share for each class by its name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from services.messages.quantity import Quantity, quantity

# Names without their underscores, hyphens and capitals: class_name, className and "Class-Name" are one.
_PICTURE = ("picture", "image", "imagename", "file", "filename", "path")
_LABEL = (
    "class", "label", "classname", "classification", "category", "prediction", "predictedclass", "topclass", "predictedlabel",
    "tagname", "tag",
)  # fmt: skip
# Names of a class where a confidence stands beside them, or where they stand in what is itself named like a class.
_NAMED = ("name", "value")
_LABELS = ("labels", "classes", "classnames", "tags", *_LABEL)
_CONFIDENCE = ("confidence", "probability", "score", "prob", "certainty")
_CONFIDENCES = ("scores", "probabilities", "confidences", "probs", *_CONFIDENCE)
_BY_CLASS = (*_CONFIDENCES, "predictions")  # {"cat": 0.1, "dog": 0.9} stands under one of these
_RESULTS = (
    "", "result", "results", "predictions", "classifications", "inference", "inferences", "detections", "objects", "output",
    "outputs", "top", "entity", "body", "payload", "data", "message", "event", "content", *_LABEL,
)  # fmt: skip
_MILLISECONDS = ("ms", "milliseconds", "latencyms", "inferencems", "durationms", "elapsedms", "timems", "inferencetimems")
_SECONDS = ("seconds", "latencys", "inferenceseconds", "durations", "elapseds", "inferencetimes", "elapsedseconds")
_TIMES = ("latency", "inferencetime", "duration", "elapsed", "processingtime", "inference")  # in milliseconds, or in seconds
_ERROR = ("error", "errormessage", "exception", "err")
_STATE = ("status", "state", "level", "severity", "outcome")
_BAD = frozenset(("error", "err", "failed", "failure", "fatal", "critical", "exception"))
_NO_ERROR = frozenset(("", "none", "null", "no", "ok", "false", "0", "n/a"))
_LEFT_OUT = str.maketrans("", "", "_- ")

_DEEP, _MANY, _CLASSES = 6, 100, 2_000
_NAME_LIMIT, _WORD_LIMIT, _PICTURE_LIMIT = 64, 200, 1_000


class Meaning(NamedTuple):
    """A body's meaning, as far as it has one."""

    label: str | None = None
    confidence: float | None = None  # 0..1
    milliseconds: float | None = None
    picture: str = ""
    error: bool = False


def meaning(value: Any) -> Meaning:
    """Take the JSON ``value`` apart. Of several results the most confident one counts."""
    nodes = list(_nodes(value))
    milliseconds = next((found for _, _, node in nodes if (found := _milliseconds(node)) is not None), None)
    near = [node for depth, _, node in nodes if depth <= 2]
    picture = next((found for node in near if (found := _first(node, _PICTURE, _path))), "")
    if nodes and nodes[0][0] == 0 and _fails(nodes[0][2]):
        return Meaning(milliseconds=milliseconds, picture=picture, error=True)
    label, confidence = None, None
    for _, name, node in nodes:
        own, sure = _labelled(name, node)
        if own is not None and (label is None or (sure or 0.0) > (confidence or 0.0)):
            label, confidence = own, sure
    if confidence is None:
        confidence = next((found for node in near if (found := _confidence(node)) is not None), None)
    return Meaning(label, confidence, milliseconds, picture)


def _nodes(value: Any) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """The objects in ``value``, outer ones first: depth, the name under which each stands, its fields by plain names."""
    waiting: list[tuple[int, str, Any]] = [(0, "", value)]
    for place in range(_MANY):
        if place >= len(waiting):
            return
        depth, name, item = waiting[place]
        inner: list[tuple[str, Any]] = []
        if isinstance(item, dict):
            fields = {_plain_name(key[:_NAME_LIMIT]): field for key, field in item.items()}
            yield depth, name, fields
            inner = list(fields.items())
        elif isinstance(item, list):
            inner = [(name, each) for each in item[:_MANY]]
        if depth < _DEEP:
            waiting += [(depth + 1, own, each) for own, each in inner if isinstance(each, (dict, list))]


@lru_cache(maxsize=2_000)
def _plain_name(key: str) -> str:
    return key.lower().translate(_LEFT_OUT)


def _labelled(name: str, node: Mapping[str, Any]) -> tuple[str | None, float | None]:
    """The class that an object names, and how sure it is."""
    sure = _confidence(node)
    label = _first(node, _LABEL, _word)
    if label is None and (sure is not None or name in _LABEL):
        label = _first(node, _NAMED, _word)
    if label is not None:
        return (label, sure) if sure is not None or name in _RESULTS else (None, None)
    shares = _first(node, _BY_CLASS, _shares)
    if shares:
        best = max(shares, key=shares.__getitem__)
        return _word(best), shares[best]
    labels, scores = _first(node, _LABELS, _list), _first(node, _CONFIDENCES, _list)
    if labels and scores and len(labels) == len(scores):
        numbers = [_number(score) or 0.0 for score in scores]
        best = max(range(len(numbers)), key=numbers.__getitem__)
        return _word(labels[best]), _share(numbers[best])
    return None, None


def _fails(node: Mapping[str, Any]) -> bool:
    """Whether the outermost object tells of an error."""
    if any(_is_error(node.get(name)) for name in _ERROR):
        return True
    return any(str(node[name]).lower() in _BAD for name in _STATE if isinstance(node.get(name), str))


def _is_error(value: object) -> bool:
    """Whether what stands under an error's name is one: a fraction is a measure of something."""
    if isinstance(value, str):
        return value.strip().lower() not in _NO_ERROR
    return bool(value) and not isinstance(value, (bool, float))


def _milliseconds(node: Mapping[str, Any]) -> float | None:
    for names, factor in ((_MILLISECONDS, 1.0), (_SECONDS, 1000.0), (_TIMES, None)):
        found: Quantity | None = _first(node, names, quantity)
        if found is not None and found.number >= 0:
            number, unit = found
            if unit:
                return number * (1.0 if unit.startswith("m") else 1000.0)
            # A time of less than one of an unknown unit: no inference takes less than a millisecond.
            return number * (factor or (1000.0 if number < 1 else 1.0))
    return None


def _confidence(node: Mapping[str, Any]) -> float | None:
    return _share(_first(node, _CONFIDENCE, _number))


def _share(number: float | None) -> float | None:
    if number is None:
        return None
    return number if 0 <= number <= 1 else number / 100 if 1 < number <= 100 else None


def _first(source: Mapping[str, Any], names: tuple[str, ...], take: Any) -> Any:
    for name in names:
        if name in source:
            found = take(source[name])
            if found is not None:
                return found
    return None


def _number(value: object) -> float | None:
    found = quantity(value)
    return None if found is None else found.number


def _shares(value: object) -> dict[str, float] | None:
    """An object that gives each class its share of one."""
    if not isinstance(value, dict) or not 0 < len(value) <= _CLASSES:
        return None
    numbers = {name: _number(item) for name, item in value.items()}
    shares = {name: number for name, number in numbers.items() if number is not None and 0 <= number <= 1}
    return shares if len(shares) == len(value) else None


def _word(value: object) -> str | None:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()[:_WORD_LIMIT] or None
    return json.dumps(value)[:_WORD_LIMIT] if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _path(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _PICTURE_LIMIT else None


def _list(value: object) -> list[Any] | None:
    return value[:_MANY] if isinstance(value, list) else None
