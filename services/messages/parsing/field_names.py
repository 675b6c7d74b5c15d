"""What a JSON body says, by the names that clients use for it, whatever their case and however deep they stand.

Known shapes: one flat object; ``predictions`` of Custom Vision (``tagName``, ``probability``); ``inferences`` of Azure's video
modules (``classification`` or ``entity`` with a ``tag``); ``NEURAL_NETWORK`` of the Vision AI DevKit, whose numbers are strings;
Rekognition's ``Labels`` (per cents) and Ultralytics' objects (a number as ``class``, the class as ``name``); ``labels`` beside
``scores``; a share for each class by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from math import inf
from typing import Any, NamedTuple

from services.messages.parsing.loose_json import embedded
from services.messages.parsing.quantity import quantity

# Names without their underscores, hyphens and capitals: class_name, className and "Class-Name" are one.
_PICTURE = ("picture", "image", "imagename", "file", "filename", "path")
_CLASS = (
    "class", "label", "classname", "classification", "prediction", "predictedclass", "topclass", "predictedlabel",
)  # fmt: skip
_TAG = ("category", "tagname", "tag")  # machines have tags as well, with a value instead of a confidence
_LABEL = (*_CLASS, *_TAG)
# Names of a class where a confidence stands beside them, or where they stand in what is itself named like a class.
_NAMED = ("name", "value", "description")
_NUMBERED = ("classid", "labelid", "classindex")  # where the class has no other name
_LABELS = ("labels", "classes", "classnames", "tags", "displaynames", *_LABEL)
_SHARE = ("confidence", "probability", "conf", "prob", "certainty")  # of one, or per cents
_CONFIDENCE = (*_SHARE, "score")  # a score above one is what the last layer gave: it is taken as it is
_SHARES, _SCORES = ("probabilities", "confidences", "probs", *_SHARE), ("scores", "score")
_BY_CLASS = (*_SHARES, *_SCORES, "predictions")  # {"cat": 0.1, "dog": 0.9} stands under one of these
_RESULTS = (
    "", "result", "results", "predictions", "classifications", "inference", "inferences", "detections", "objects", "output",
    "outputs", "top", "entity", "body", "payload", "data", "message", "event", "content", *_LABEL,
)  # fmt: skip
_CARRIERS = frozenset((*_RESULTS, "msg", "text", "telemetry"))  # under these, JSON may stand as a string
_TIMES = ("latency", "inferencetime", "duration", "elapsed", "elapsedtime", "processingtime", "inference")
_UNITS = {
    "ms": 1.0, "msec": 1.0, "millis": 1.0, "milliseconds": 1.0, "s": 1000.0, "sec": 1000.0, "secs": 1000.0, "seconds": 1000.0,
    "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "usec": 1e-3, "microseconds": 1e-3, "ns": 1e-6, "nanoseconds": 1e-6,
}  # fmt: skip
# How many milliseconds the unit is of what stands under each name; None where it is a millisecond, or a second.
_FACTORS: dict[str, float | None] = {
    **{name + unit: factor for unit, factor in _UNITS.items() for name in _TIMES},
    "ms": 1.0, "milliseconds": 1.0, "timems": 1.0, "seconds": 1000.0,
    **dict.fromkeys(_TIMES),
}  # fmt: skip
del _FACTORS["inferences"]  # which are many
_TIMED = (*_RESULTS, "metrics", "timing", "timings", "performance", "speed", "stats")  # no video's duration
_LONGEST = 86_400_000.0  # milliseconds: what is more is a date
_ERROR = ("error", "errors", "errormessage", "exception", "err")
_SUCCESS = ("success", "ok")
_STATUS = ("status", "statuscode", "httpstatus")
_STATE = ("status", "state", "level", "severity", "outcome")
_BAD = frozenset(("error", "err", "failed", "failure", "fatal", "critical", "exception"))
NO_ERROR = frozenset(("", "none", "null", "no", "ok", "false", "0", "n/a"))
_OUTCOMES = frozenset((*_ERROR, *_SUCCESS, *_STATUS, *_STATE))
_LEFT_OUT = str.maketrans("", "", "_- ")

_DEEP, _MANY = 6, 2_000
_NAME_LIMIT, _WORD_LIMIT, _PICTURE_LIMIT = 64, 200, 1_000
_HIGHEST_CLASS = 10**9
_SHORT_PATH = 100
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+=*")


class Meaning(NamedTuple):
    """A body's meaning, as far as it has one."""

    label: str | None = None
    confidence: float | None = None  # 0..1; a score as it is
    milliseconds: float | None = None
    picture: str = ""
    error: bool = False


def meaning(value: Any) -> Meaning:
    """Take the JSON ``value`` apart. Of several results the most confident one counts."""
    nodes = _nodes(value)
    milliseconds = next((each_result for _, name, node in nodes if (each_result := _milliseconds(name, node)) is not None), None)
    near = [node for depth, _, node in nodes if depth <= 2]
    picture = next((each_result for node in near if (each_result := _first(node, _PICTURE, _path))), "")
    if nodes and nodes[0][0] == 0 and _fails(nodes[0][2]):
        return Meaning(milliseconds=milliseconds, picture=picture, error=True)
    results = [each_result for _, name, node in nodes for each_result in _results(name, node)]
    if not results:
        return Meaning(milliseconds=milliseconds, picture=picture)
    sure = [result for result in results if result.confidence is not None]
    best = max(sure, key=_how_sure) if sure else results[0]
    if not sure:
        beside = next((one for node in near if (one := _confidence(node)).confidence is not None), _Result())
        sure, best = [beside], beside._replace(label=best.label)
    return Meaning(best.label, _share(best, sure), milliseconds, picture)


class _Result(NamedTuple):
    """A class and its confidence as it is written; ``share``: whether its name says that it is one of one, or in per cents."""

    label: str | None = None
    confidence: float | None = None
    share: bool = True


def _nodes(value: Any) -> list[tuple[int, str, dict[str, Any]]]:
    """Return the objects in ``value``, outer ones first: depth, the name under which each stands, its fields by plain names.

    Of a depth at which there are too many, none: the best of some is not the best.
    """
    nodes: list[tuple[int, str, dict[str, Any]]] = []
    level: list[tuple[str, Any]] = [("", value)]
    visited_count = 0
    for depth in range(_DEEP + 1):
        visited_count += len(level)
        if visited_count > _MANY:
            break
        inner: list[tuple[str, Any]] = []
        for name, item in level:
            if isinstance(item, dict):
                fields = {_plain_name(key[:_NAME_LIMIT]): field for key, field in item.items()}
                nodes.append((depth, name, fields))
                inner += [(own, each) for own, each in fields.items() if isinstance(each, (dict, list))]
                inner += [(own, each) for own in fields if own in _CARRIERS and (each := embedded(fields[own])) is not None]
            elif isinstance(item, list):
                inner += [(name, each) for each in item if isinstance(each, (dict, list))]
                if name in _CARRIERS:
                    inner += [(name, each) for text in item if (each := embedded(text)) is not None]
        level = inner
    return nodes


@lru_cache(maxsize=2_000)
def _plain_name(key: str) -> str:
    return key.lower().translate(_LEFT_OUT)


def _results(name: str, node: Mapping[str, Any]) -> Iterator[_Result]:
    """Yield the classes that an object names, and how sure it is of each."""
    sure = _confidence(node)
    certain = sure.confidence is not None
    label = _first(node, _LABEL if certain else _CLASS, _word)
    if not certain and _measures(node):
        label = None
    if label is None and (certain or name in _LABEL):
        label = _first(node, _NAMED, _word)
    if label is None:
        label = _first(node, (*_LABEL, *_NUMBERED) if certain else _CLASS, _number_of_class)
    if label is not None:
        if certain or name in _RESULTS:
            yield sure._replace(label=label)
        return
    shares = _first(node, _BY_CLASS, _shares)
    if shares:
        yield from (_Result(_word(each), share) for each, share in shares.items())
        return
    labels = _first(node, _LABELS, _list) or ()
    for names, share in ((_SHARES, True), (_SCORES, False)):
        numbers = _first(node, names, _list)
        if labels and numbers and len(labels) == len(numbers):
            for each, number in zip(labels, numbers, strict=True):
                yield _Result(_word(each) or _number_of_class(each), _number(number), share)
            return


def _measures(node: Mapping[str, Any]) -> bool:
    """Return whether the object is a reading of something: what its label says is the thing's name, no class."""
    return type(node.get("value")) in (int, float) or any(isinstance(node.get(name), str) for name in ("unit", "units"))


def _fails(node: Mapping[str, Any]) -> bool:
    """Return whether the outermost object tells of an error."""
    if _OUTCOMES.isdisjoint(node):
        return False
    if any(_is_error(node.get(name)) for name in _ERROR):
        return True
    if any(node.get(name) is False for name in _SUCCESS) or any(_is_bad_status(node.get(name)) for name in _STATUS):
        return True
    return any(str(node[name]).lower() in _BAD for name in _STATE if isinstance(node.get(name), str))


def _is_error(value: object) -> bool:
    """Return whether what stands under an error's name is one: a fraction is a measure of something."""
    if isinstance(value, str):
        return value.strip().lower() not in NO_ERROR
    return bool(value) and not isinstance(value, (bool, float))


def _is_bad_status(value: object) -> bool:
    """Return whether it is one of HTTP's that tell of an error."""
    return isinstance(value, int) and 400 <= value < 600


def _milliseconds(name: str, node: Mapping[str, Any]) -> float | None:
    """Return how long it took, by a field that names its unit, else by one that does not."""
    fields = [field for field in node if field in _FACTORS]
    if len(fields) > 1:
        fields.sort(key=lambda field: _FACTORS[field] is None)
    for field in fields:
        duration = quantity(node[field])
        if duration is None or duration.number < 0:
            continue
        factor = _UNITS[duration.unit] if duration.unit else _FACTORS[field]
        if factor is None:
            if name not in _TIMED:
                continue
            # A time of less than one of an unknown unit: no inference takes less than a millisecond.
            factor = 1000.0 if duration.number < 1 else 1.0
        if duration.number * factor <= _LONGEST:
            return round(duration.number * factor, 6)
    return None


def _confidence(node: Mapping[str, Any]) -> _Result:
    """Return a result without its class; without a confidence, too, where the object has none."""
    number = _first(node, _SHARE, _number)
    return _Result(None, _first(node, ("score",), _number), share=False) if number is None else _Result(None, number)


def _how_sure(result: _Result) -> float:
    return -inf if result.confidence is None else result.confidence


def _share(best: _Result, all_of_them: Sequence[_Result]) -> float | None:
    """Return the best one's confidence as a share of one. If one of them is above one, all are per cents, unless they cannot be."""
    number = best.confidence
    if number is None or not best.share or 0 <= number <= 1:
        return number
    per_cents = 1 < number <= 100 and all((each.confidence or 0) >= 0 for each in all_of_them)
    return number / 100 if per_cents else None


def _first(source: Mapping[str, Any], names: tuple[str, ...], take: Any) -> Any:
    for name in names:
        if name in source:
            value = take(source[name])
            if value is not None:
                return value
    return None


def _number(value: object) -> float | None:
    number = quantity(value)
    return None if number is None else number.number


def _shares(value: object) -> dict[str, float] | None:
    """Return an object that gives each class its share of one."""
    if not isinstance(value, dict) or not 0 < len(value) <= _MANY:
        return None
    numbers = {name: _number(item) for name, item in value.items()}
    shares = {name: number for name, number in numbers.items() if number is not None and 0 <= number <= 1}
    return shares if len(shares) == len(value) else None


def _word(value: object) -> str | None:
    return value.encode("utf-8", "replace").decode()[:_WORD_LIMIT] or None if isinstance(value, str) else None


def _number_of_class(value: object) -> str | None:
    """Return a class that has no name but a whole number: any other number measures something."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _HIGHEST_CLASS else None


def _path(value: object) -> str | None:
    """Return a picture's name, and not the picture itself in letters."""
    if not isinstance(value, str) or not 0 < len(value) <= _PICTURE_LIMIT or value.startswith("data:"):
        return None
    return value if len(value) <= _SHORT_PATH or not _BASE64.fullmatch(value) else None


def _list(value: object) -> list[Any] | None:
    return value if isinstance(value, list) and len(value) <= _MANY else None
