"""A context's rule for foreign JSON: where in a body class, milliseconds, confidence and error stand."""

from __future__ import annotations

import json
from dataclasses import fields
from math import isfinite
from typing import Any

from services.contexts.model import FieldPath, MessageFields
from services.messages.parsing.field_names import NO_ERROR, Meaning, meaning
from services.messages.parsing.loose_json import embedded
from services.messages.parsing.quantity import quantity

_LABEL_LIMIT = 200
_MILLISECONDS = {"": 1.0, "ms": 1.0, "msec": 1.0, "milliseconds": 1.0, "s": 1e3, "sec": 1e3, "seconds": 1e3, "ns": 1e-6}
_LONGEST = 86_400_000.0  # milliseconds: what is more is a date


class FieldRule:
    """What JSON means by the fields that a context names; a field that a message lacks is looked for by its usual names."""

    def __init__(self, paths: MessageFields) -> None:
        self._paths = paths

    @classmethod
    def stored(cls, text: str) -> FieldRule | None:
        """Return the rule that ``rule_text`` wrote; None for none, and for one that cannot be read."""
        try:
            paths = json.loads(text) if text else {}
            rule = cls(MessageFields(**{name: FieldPath(path) for name, path in paths.items()}))
        except (ValueError, TypeError, AttributeError):
            return None
        return rule if paths else None

    def meaning(self, value: Any) -> Meaning:
        """Return what a JSON value means."""
        result = meaning(value)
        label = _label(_at(value, self._paths.label))
        milliseconds = _milliseconds(_at(value, self._paths.milliseconds))
        confidence = _confidence(_at(value, self._paths.confidence))
        if label is not None:
            result = result._replace(label=label)
        if milliseconds is not None:
            result = result._replace(milliseconds=milliseconds)
        if confidence is not None:
            result = result._replace(confidence=confidence)
        if self._paths.error:
            error = _at(value, self._paths.error)
            result = result if error is None else result._replace(error=_is_error(error))
        return result


def rule_text(paths: MessageFields) -> str:
    """Return the rule for the journal; empty where no field is named."""
    named = {field.name: str(path) for field in fields(paths) if (path := getattr(paths, field.name))}
    return json.dumps(named, sort_keys=True) if named else ""


def _at(value: Any, path: FieldPath) -> Any:
    """Return what stands at ``path``; None where nothing does. JSON within a string is gone into."""
    if not path:
        return None
    for step in path.steps:
        if isinstance(value, str):
            value = embedded(value)
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list):
            value = value[int(step)] if _is_place(step) and int(step) < len(value) else None
        else:
            return None
    return value


def _is_place(step: str) -> bool:
    return step.isascii() and step.isdigit() and len(step) < 10


def _label(value: object) -> str | None:
    """Return a class: its name, or its number."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**18 else None
    return value.encode("utf-8", "replace").decode()[:_LABEL_LIMIT] or None if isinstance(value, str) else None


def _milliseconds(value: object) -> float | None:
    """Return a duration; a text may name its unit."""
    duration = quantity(value)
    factor = _MILLISECONDS.get(duration.unit) if duration else None
    if duration is None or factor is None or not 0 <= duration.number * factor <= _LONGEST:
        return None
    return round(duration.number * factor, 6)


def _confidence(value: object) -> float | None:
    """Return a share of one; a number above one is per cents."""
    share = quantity(value)
    if share is None or share.unit or not 0 <= share.number <= 100:
        return None
    return share.number if share.number <= 1 else share.number / 100


def _is_error(value: object) -> bool:
    """Return whether what stands in the field of errors is one: anything but nothing, none, zero and false."""
    if isinstance(value, str):
        return value.strip().lower() not in NO_ERROR
    return isfinite(value) and value != 0 if isinstance(value, float) else bool(value)
