"""Secrets put back into a masked manifest: from the same place of what the device has now, else by their digest, else asked for."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from services.masking import MASK, MASKED, Hide, Masking

Path = tuple[str, ...]

_ENTRY = re.compile(r"(-{0,2}[A-Za-z_][A-Za-z0-9_.-]*=)(.+)\Z", re.DOTALL)
_LABEL = re.compile(r"[^\s;&,?\"']{0,60}\Z")
_DEPTH = 60


class Restoring:
    """Fills in the masks of a stored tree. ``known`` are answers by their paths; what is still ``missing`` afterwards is paths too.

    A path is the keys down to the text; an entry ``NAME=value`` of a list goes by ``NAME=``, since lists are reordered, others by
    their index; one of several secrets in a text is told by what stands before it.
    """

    def __init__(self, current: Any, hide: Hide, known: Mapping[Path, str]) -> None:
        self._secrets: dict[str, str | None] = {}
        self._hide = hide
        self._masking = Masking(self._remembering)
        self._current = current
        self._hidden = self._masking.tree(current)
        self._given_values = known
        self.missing: list[Path] = []

    def filled(self, stored: Any) -> Any:
        """Return ``stored`` with the secrets that are to be had."""
        return self._node(stored, self._hidden, self._current, ())

    def _remembering(self, secret: str) -> str:
        stand_in = self._hide(secret)
        same = self._secrets.setdefault(stand_in, secret) == secret
        if not same:
            self._secrets[stand_in] = None  # two secrets of one digest: neither is put anywhere by it
        return stand_in

    def _node(self, stored: Any, hidden: Any, current: Any, path: Path) -> Any:
        if len(path) > _DEPTH or not _has_mask(stored):
            return copy.deepcopy(stored)
        has_answer = any(place[: len(path)] == path for place in self._given_values)
        if not has_answer and hidden is not None and (stored == hidden or _bare(stored) == _bare(hidden)):
            return copy.deepcopy(current)
        if isinstance(stored, dict):
            return self._object(stored, hidden, current, path)
        if isinstance(stored, list):
            return self._list(stored, hidden, current, path)
        return self._text(stored, hidden, current, path) if isinstance(stored, str) else stored

    def _object(self, stored: dict[str, Any], hidden: Any, current: Any, path: Path) -> dict[str, Any]:
        hidden_fields = hidden if isinstance(hidden, dict) else {}
        current_fields = current if isinstance(current, dict) else {}
        names = {self._masking.text(str(name)): name for name in current_fields} if _has_mask(list(stored)) else {}
        filled = {}
        for key, value in stored.items():
            name = names.get(key, key)
            if MASK in key and key not in names:
                self.missing.append((*path, key))
            filled[name] = self._node(value, hidden_fields.get(key), current_fields.get(name), (*path, str(name)))
        return filled

    def _list(self, stored: list[Any], hidden: Any, current: Any, path: Path) -> list[Any]:
        hidden_list = hidden if isinstance(hidden, list) else []
        current_list = current if isinstance(current, list) else []
        unused = dict(enumerate(hidden_list[: len(current_list)]))
        filled = []
        for index, value in enumerate(stored):
            name = _entry_name(value) or str(index)
            place = self._place(index, value, stored, unused, hidden_list) if _has_mask(value) else None
            if place is None:
                filled.append(self._node(value, None, None, (*path, name)))
            else:
                unused.pop(place, None)
                filled.append(self._node(value, hidden_list[place], current_list[place], (*path, name)))
        return filled

    def _place(self, index: int, value: Any, stored: list[Any], unused: Mapping[int, Any], hidden: list[Any]) -> int | None:
        """Return the index that an element of a list that was changed has now; None where nothing tells it."""
        for place, candidate in unused.items():
            if candidate == value:
                return place
        if isinstance(value, str):
            name, option = _entry_name(value), stored[index - 1] if index else None
            if name:
                return next((place for place, candidate in unused.items() if _entry_name(candidate) == name), None)
            if isinstance(option, str) and option.startswith("-"):
                return next((place for place in unused if place and hidden[place - 1] == option), None)
            return None
        bare = _bare(value)
        same = next((place for place, candidate in unused.items() if _bare(candidate) == bare), None)
        return same if same is not None else index if index in unused and len(stored) == len(hidden) else None

    def _text(self, stored: str, hidden: Any, current: Any, path: Path) -> Any:
        if path in self._given_values:
            entry = _ENTRY.match(stored)
            if MASKED.fullmatch(stored) or (entry and MASKED.fullmatch(entry.group(2))):
                return (entry.group(1) if entry else "") + self._given_values[path]
        inner, hidden_inner, current_inner = _json(stored), _json(hidden), _json(current)
        if inner is not None:
            filled = self._node(inner, hidden_inner, current_inner, path)
            return json.dumps(filled, ensure_ascii=False, separators=(",", ":"))
        masks = list(MASKED.finditer(stored))
        pieces, end = [], 0
        for number, mask in enumerate(masks):
            label = _label(stored, mask.start())
            place = path if len(masks) == 1 else (*path, label or str(number))
            secret = self._secret(mask.group(), label, hidden, current, place, whole=MASKED.fullmatch(stored) is not None)
            if secret is None:
                self.missing.append(place)
            pieces += [stored[end : mask.start()], mask.group() if secret is None else secret]
            end = mask.end()
        return "".join(pieces) + stored[end:]

    def _secret(self, mask: str, label: str, hidden: Any, current: Any, place: Path, whole: bool) -> str | None:
        if place in self._given_values:
            return self._given_values[place]
        if (secret := self._secrets.get(mask)) is not None:
            return self._revealed(secret)
        if not isinstance(hidden, str) or not isinstance(current, str) or MASK not in hidden:
            return None
        if whole and mask == MASK:  # an old history hid the whole of what is hidden in part today
            return current
        if mask == MASK and label.endswith("=") and current.startswith(label):
            return current.removeprefix(label)
        same = [match.group() for match in MASKED.finditer(hidden) if label and _label(hidden, match.start()) == label]
        secret = self._secrets.get(same[0]) if len(same) == 1 else None
        return None if secret is None else self._revealed(secret)

    def _revealed(self, secret: str) -> str:
        """Return a secret in which others were hidden before it, whole."""
        for _ in range(_DEPTH):
            if MASK not in secret:
                break
            secret = MASKED.sub(lambda mask: self._secrets.get(mask.group()) or mask.group(), secret)
        return secret


def _entry_name(value: Any) -> str:
    entry = _ENTRY.match(value) if isinstance(value, str) else None
    return entry.group(1) if entry else ""


def _label(text: str, end: int) -> str:
    """Return what stands before a secret in its text, back to the last space: ``--token=``, ``SharedAccessKey=``, ``redis://:``."""
    label = _LABEL.search(text, max(0, end - 60), end)
    return label.group() if label else ""


def _has_mask(value: Any) -> bool:
    if isinstance(value, dict):
        return any(MASK in str(key) or _has_mask(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(_has_mask(inner) for inner in value)
    return isinstance(value, str) and MASK in value


def _bare(value: Any) -> Any:
    """Return ``value`` without the digests of its masks: what stands in the same place is meant, whatever it is now."""
    if isinstance(value, dict):
        return {MASKED.sub(MASK, str(key)): _bare(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_bare(inner) for inner in value]
    return MASKED.sub(MASK, value) if isinstance(value, str) else value


def _json(text: Any) -> Any:
    """Return the object or list in a text; None where there is none."""
    if not isinstance(text, str) or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None
