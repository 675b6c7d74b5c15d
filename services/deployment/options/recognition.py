"""Deployed create options read back: the preset that they were rendered from, and the values of its fields."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from services.deployment.options.presets import render
from services.errors import OperatorError
from services.json_reader import JsonError, read_json
from services.masking import mask
from services.records import Preset, PresetField
from services.text import one_line

_PLACEHOLDER = re.compile(r"\$\{([a-z0-9_-]+)\}")
_ALIKE = 4  # differences at most from a preset that is still worth naming


@dataclass(frozen=True, slots=True)
class Recognition:
    """The ``preset`` and the ``values`` that render these create options; else a ``reason`` why none does."""

    preset: str = ""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    reason: str = ""
    broken: bool = False  # no JSON, as a text is while it is typed


def recognise(text: str, presets: Sequence[Preset], prefer: str = "") -> Recognition:
    """Return which of the presets renders ``text``, with what values: nothing of it is lost by rendering it again.

    Where several do, as clients of which one was given the tensors of another: ``prefer``, else the one with most of its defaults.
    """
    try:
        options = read_json(text or "{}")
    except JsonError:
        return Recognition(reason="it is no JSON", broken=True)
    if not isinstance(options, dict) or not options:
        return Recognition(reason="it is empty" if options == {} else "it is no JSON object")
    fits: list[tuple[bool, int, Preset, dict[str, str]]] = []
    nearest: tuple[int, str] | None = None
    for preset in presets:
        match = _Match(preset)
        match.node(preset.template, options, "")
        values = match.values
        if not match.differences:
            reason = _not_rendered(preset, values, options)
            own_values = sum(values[each.name] != each.default for each in preset.fields)
            if not reason:
                fits.append((preset.name != prefer, own_values, preset, values))
        else:
            reason = f"{match.differences[0]} of {preset.title.partition(':')[0]}"
        count = len(match.differences)
        if reason and count <= _ALIKE and (nearest is None or count < nearest[0]):
            nearest = count, reason
    if fits:
        _, _, preset, values = min(fits, key=lambda fit: fit[:2])
        return Recognition(preset.name, values)
    return Recognition(reason=one_line(mask(nearest[1]), 160) if nearest else "these create options are like no preset's")


def _not_rendered(preset: Preset, values: Mapping[str, str], options: Any) -> str:
    """Return why these values do not render exactly ``options``; empty where they do."""
    try:
        rendered = json.loads(render(preset, values))
    except OperatorError as error:
        return error.what.rstrip(".")
    return "" if _letters(rendered) == _letters(options) else "its parts are written differently"


def _letters(value: Any) -> str:
    return json.dumps(value, sort_keys=True)  # true is not 1 here, as it is in Python


class _Match:
    """A template laid on create options: the ``values`` that its fields have there, and the ``differences`` beside these."""

    def __init__(self, preset: Preset) -> None:
        self._fields = {each.name: each for each in preset.fields}
        self._bound: dict[str, str] = {}
        self.differences: list[str] = []

    @property
    def values(self) -> dict[str, str]:
        """The fields' values; of a field that the template does not use, the default."""
        return {name: self._bound.get(name, each.default) for name, each in self._fields.items()}

    def node(self, template: Any, node: Any, place: str) -> None:
        """Compare one part, ``place`` being its keys."""
        if isinstance(template, str):
            self._text(template, node, place)
        elif isinstance(template, dict) and isinstance(node, dict):
            self._object(template, node, place)
        elif isinstance(template, list) and isinstance(node, list):
            self._list(template, node, place)
        elif _letters(template) != _letters(node):
            self.differences.append(f"{place} is not that")

    def _object(self, template: Mapping[str, Any], node: Mapping[str, Any], place: str) -> None:
        rest = dict(node)
        patterns = []
        for key, value in template.items():
            if _PLACEHOLDER.search(key):
                patterns.append(key)
            elif key in rest:
                self.node(value, rest.pop(key), _joined(place, key))
            else:
                self.differences.append(f"{_joined(place, key)} is missing, which is part")
        for pattern in patterns:
            fitting = next((key for key in rest if self._bind(pattern, key)), None)
            if fitting is None:
                self.differences.append(f"{_joined(place, pattern)} is missing, which is part")
            else:
                self.node(template[pattern], rest.pop(fitting), _joined(place, fitting))
        self.differences += [f"{_joined(place, key)} is no part" for key in rest]

    def _list(self, template: Sequence[Any], node: Sequence[Any], place: str) -> None:
        flags = [self._flag(item) for item in template]
        on_count = len(node) - flags.count(None)  # flags that are on
        if not 0 <= on_count <= len(template) - flags.count(None):
            self.differences.append(f"{place} has {'more' if on_count > 0 else 'fewer'} parts than that")
            return
        items = iter(node)
        item = next(items, None)
        for part, flag in zip(template, flags, strict=True):
            if flag is not None and not (on_count > 0 and item == flag.value):
                self._set(flag.name, "", place)
                continue
            if flag is not None:
                on_count -= 1
                self._set(flag.name, "on", place)
            else:
                self.node(part, item, f"{place}[]")
            item = next(items, None)
        if on_count:
            self.differences.append(f"{place} has {'more' if on_count > 0 else 'fewer'} parts than that")

    def _flag(self, part: Any) -> PresetField | None:
        match = _PLACEHOLDER.fullmatch(part) if isinstance(part, str) else None
        each = self._fields.get(match.group(1)) if match else None
        return each if each is not None and each.kind == "flag" else None

    def _text(self, template: str, node: Any, place: str) -> None:
        alone = _PLACEHOLDER.fullmatch(template)
        each = self._fields.get(alone.group(1)) if alone else None
        if each is not None and each.kind == "number" and isinstance(node, (int, float)) and not isinstance(node, bool):
            self._set(each.name, format(Decimal(repr(node)), "f"), place)
        elif not (isinstance(node, str) and self._bind(template, node)):
            self.differences.append(f"{place} is not that")

    def _bind(self, template: str, text: str) -> bool:
        """Give the fields in a template the values that they have in ``text``; return whether it fits.

        What lies between two fields is looked for from the left, so that no text is slow to compare.
        """
        literals = _PLACEHOLDER.split(template)
        if not text.startswith(literals[0]):
            return False
        pairs, begin = list(zip(literals[1::2], literals[2::2], strict=True)), len(literals[0])
        bound: dict[str, str] = {}
        for number, (name, literal) in enumerate(pairs, 1):
            end = text.find(literal, begin) if number < len(pairs) else max(len(text) - len(literal), begin)
            if end < 0 or not text.startswith(literal, end):
                return False
            value = text[begin:end]
            each = self._fields.get(name)
            if each is None:  # no field's: it stands there as it is
                fits = value == f"${{{name}}}"
            elif each.kind == "flag":
                fits, value = value in ("", each.value), "on" if value else ""
            else:
                fits = True
            if not fits or bound.setdefault(name, value) != value or self._bound.get(name, value) != value:
                return False
            begin = end + len(literal)
        if begin != len(text):
            return False
        self._bound |= {name: value for name, value in bound.items() if name in self._fields}
        return True

    def _set(self, name: str, value: str, place: str) -> None:
        if self._bound.setdefault(name, value) != value:
            self.differences.append(f"{place} is not that")


def _joined(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key
