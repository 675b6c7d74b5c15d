"""JSON read with the place of every key and value, for errors with line and column. Python's json keeps no places."""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HALF = re.compile("[\ud800-\udfff]")
_WORDS = {"true": True, "false": False, "null": None}
_DEEPEST = 60
_DIGITS_AT_MOST = 400

Finding = tuple[int, Literal["error", "warning"], str, str]  # what is wrong at an offset: severity, message, remedy


@dataclass(frozen=True, slots=True)
class Member:
    """A key of an object, and its value; ``offset`` is where the key begins."""

    key: str
    offset: int
    node: Node


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it begins: ``value`` is a tuple of Member for objects, of Node for arrays, else the plain value."""

    kind: str  # object, array, string, number, boolean, null
    value: Any
    offset: int

    def members(self) -> tuple[Member, ...]:
        """Return the members of an object; none of anything else."""
        return self.value if self.kind == "object" else ()

    def items(self) -> tuple[Node, ...]:
        """Return the elements of an array; none of anything else."""
        return self.value if self.kind == "array" else ()

    def plain(self) -> Any:
        """Return the value without its places, as Python's json reads it; the last of doubled keys counts."""
        if self.kind == "object":
            return {member.key: member.node.plain() for member in self.members()}
        return [item.plain() for item in self.items()] if self.kind == "array" else self.value

    def doubled(self) -> Iterator[Member]:
        """Yield every key that stood in the same object before, letter case and all."""
        earlier_keys: set[str] = set()
        for member in self.members():
            if member.key in earlier_keys:
                yield member
            earlier_keys.add(member.key)
            yield from member.node.doubled()
        for item in self.items():
            yield from item.doubled()

    def get(self, *path: str) -> Node | None:
        """Return the value at a path of keys, letter case aside as the agent reads them; the last of doubled keys counts."""
        node: Node | None = self
        for key in path:
            matches = [member.node for member in (node.members() if node else ()) if member.key.lower() == key.lower()]
            node = matches[-1] if matches else None
        return node


class BrokenJson(ValueError):
    """Text that is no JSON: ``message``, ``remedy`` and the offset where it goes wrong."""

    def __init__(self, message: str, remedy: str, offset: int) -> None:
        super().__init__(message)
        self.message, self.remedy, self.offset = message, remedy, offset


class Lines:
    """Line and column (both from 1) of an offset."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Return (line, column)."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def read(text: str) -> Node:
    """Return the value that ``text`` holds. Raises BrokenJson."""
    reader = _Reader(text)
    node = reader.value(reader.skip(0), 0)
    end = reader.skip(reader.end)
    if end < len(text):
        raise BrokenJson("there is more after the end of the JSON", "Remove it; there must be one object only.", end)
    return node


class _Reader:
    """Walks over the text; ``end`` is the offset behind what was read last."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = 0

    def skip(self, offset: int) -> int:
        match = _SPACE.match(self.text, offset)
        return match.end() if match else offset

    def at(self, offset: int) -> str:
        return self.text[offset : offset + 1]

    def value(self, offset: int, depth: int) -> Node:
        first = self.at(offset)
        if depth > _DEEPEST:
            raise BrokenJson(f"it is nested deeper than {_DEEPEST} levels", "Create options have some six.", offset)
        if first == "{":
            return self.object(offset, depth)
        if first == "[":
            return self.array(offset, depth)
        if first == '"':
            return Node("string", self.string(offset), offset)
        if match := _NUMBER.match(self.text, offset):
            return self.number(match, offset)
        return self.word(offset)

    def number(self, match: re.Match[str], offset: int) -> Node:
        self.end = match.end()
        if self.end - offset > _DIGITS_AT_MOST:
            raise BrokenJson("a number has too many digits", "Shorten it.", offset)
        if re.match(r"[0-9A-Za-z_.]", self.at(self.end)):
            raise BrokenJson(
                "this number is not written as JSON wants it",
                "No leading zeros, units or underscores; else put it in quotes.",
                offset,
            )
        value = json.loads(match.group())
        if isinstance(value, float) and math.isinf(value):
            raise BrokenJson("a number is larger than any that can be read", "Shorten it, or put it in quotes.", offset)
        return Node("number", value, offset)

    def word(self, offset: int) -> Node:
        match = _WORD.match(self.text, offset)
        if match and match.group() in _WORDS:
            self.end = match.end()
            return Node("null" if match.group() == "null" else "boolean", _WORDS[match.group()], offset)
        if match:
            word = match.group()
            likely = {"True": "true", "False": "false", "None": "null"}.get(word)
            raise BrokenJson(
                f"{word[:40]} stands where a value should", f"Write {likely}." if likely else "Put text in double quotes.", offset
            )
        if offset >= len(self.text):
            raise BrokenJson(
                "it ends where a value should stand", "Close what was opened, or delete the last comma or colon.", offset
            )
        raise BrokenJson(f"{_printable(self.at(offset))} stands where a value should", _why(self.text, offset), offset)

    def string(self, offset: int) -> str:
        match = _STRING.match(self.text, offset)
        if match is None:
            line_end = self.text.find("\n", offset)
            stop = len(self.text) if line_end < 0 else line_end
            closed = re.compile(r'"(?:[^"\\]|\\.)*"').match(self.text, offset, stop)
            if closed:
                raise BrokenJson(
                    "this text holds a backslash or control character that JSON does not know",
                    r"Write \\ for a backslash.",
                    offset,
                )
            raise BrokenJson("this text is not closed", 'End it with " on the same line.', offset)
        self.end = match.end()
        text = str(json.loads(match.group()))
        if _HALF.search(text):
            raise BrokenJson(
                "this text holds half of a character (a lone \\ud800 to \\udfff)", "Write the character itself.", offset
            )
        return text

    def array(self, offset: int, depth: int) -> Node:
        items: list[Node] = []
        place = self.skip(offset + 1)
        while self.at(place) != "]":
            items.append(self.value(place, depth + 1))
            place = self.next(place, "]", offset)
        self.end = place + 1
        return Node("array", tuple(items), offset)

    def object(self, offset: int, depth: int) -> Node:
        members: list[Member] = []
        place = self.skip(offset + 1)
        while self.at(place) != "}":
            if self.at(place) != '"':
                if place >= len(self.text):
                    raise BrokenJson("the object that begins here is not closed", "Close it with }.", offset)
                raise BrokenJson("a key should stand here", _why(self.text, place), place)
            key = self.string(place)
            colon = self.skip(self.end)
            if self.at(colon) != ":":
                raise BrokenJson("a colon is missing after the key", f'Write "{key[:40]}": and the value.', colon)
            node = self.value(self.skip(colon + 1), depth + 1)
            members.append(Member(key, place, node))
            place = self.next(place, "}", offset)
        self.end = place + 1
        return Node("object", tuple(members), offset)

    def next(self, start: int, close: str, opened: int) -> int:
        """Return the offset of the next element, or of the closing bracket."""
        place = self.skip(self.end)
        if self.at(place) == close:
            return place
        if self.at(place) == ",":
            after = self.skip(place + 1)
            if self.at(after) == close:
                raise BrokenJson(f"a comma stands before the closing {close}", "Delete the comma.", place)
            return after
        if place >= len(self.text):
            what = "object" if close == "}" else "list"
            raise BrokenJson(f"the {what} that begins here is not closed", f"Close it with {close}.", opened)
        raise BrokenJson(f"a comma or {close} is missing", _why(self.text, place), place)


def _why(text: str, offset: int) -> str:
    first = text[offset : offset + 1]
    if first == "'":
        return 'JSON wants double quotes: ".'
    if first == "/" or first == "#":
        return "JSON knows no comments: delete it."
    if first == "\\":
        return "This is JSON written as a text: take the backslashes out."
    if first.isspace() or not first.isprintable():
        return f"U+{ord(first):04X} is not seen and came with what was pasted: delete it."
    if first in "\u201c\u201d\u201e":
        return 'A text program has bent the quotes: write ".'
    if first == ",":
        return "Delete the comma, or write what belongs before it."
    return 'Keys and texts stand in double quotes, with "," between the entries.'


def _printable(character: str) -> str:
    """Return a character as it can be seen: one without a shape by its number."""
    return character if character.isprintable() and not character.isspace() else f"the character U+{ord(character):04X}"
