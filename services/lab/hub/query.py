"""The hub's query language as far as consoles and ``az`` use it: SELECT … FROM devices[.modules] [WHERE …] [GROUP BY …]."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from services.lab.hub.errors import HubError

if TYPE_CHECKING:
    from services.lab.hub.model import Hub

_TOKENS = re.compile(
    r"\s*('(?:[^']|'')*'|\"[^\"]*\"|<=|>=|!=|<>|[=<>(),]|[\[\]](?!\[)|-?\d+(?:\.\d+)?(?![\w.])|(?:[\w.$*\-]|\[\[[^\[\]]+\]\])+)"
)
# One step of a path; an id in double brackets may hold what a name may not: configurations.[[my-id]].status.
_STEPS = re.compile(r"\[\[(.+?)\]\]|([^.\[\]]+)")
Row = dict[str, Any]
_KINDS: dict[str, Callable[[Any], bool]] = {
    "IS_DEFINED": lambda value: value is not None,
    "IS_STRING": lambda value: isinstance(value, str),
    "IS_BOOL": lambda value: isinstance(value, bool),
    "IS_NUMBER": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "IS_OBJECT": lambda value: isinstance(value, dict),
    "IS_ARRAY": lambda value: isinstance(value, list),
    "IS_PRIMITIVE": lambda value: value is not None and not isinstance(value, (dict, list)),
}
Test = Callable[[Row], bool]


def lookup(row: Row, path: str) -> Any:
    """The value at ``a.b.c`` or None; a leading alias (``devices.``, ``c.``) is ignored when the row has no such key."""
    parts = [bracketed or plain for bracketed, plain in _STEPS.findall(path)]
    if len(parts) > 1 and parts[0] not in row:
        parts = parts[1:]
    value: Any = row
    for part in parts:
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


class _Condition:
    """A recursive-descent reader of a condition."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        position = 0
        text = text.strip()
        while position < len(text):
            match = _TOKENS.match(text, position)
            if match is None:
                raise HubError(400004, f"Query syntax error near '{text[position : position + 20]}'.")
            self.tokens.append(match[1])
            position = match.end()
        self.at = 0

    def next(self) -> str:
        if self.at >= len(self.tokens):
            raise HubError(400004, "Query syntax error: the condition ends early.")
        self.at += 1
        return self.tokens[self.at - 1]

    def peek(self) -> str:
        return self.tokens[self.at].upper() if self.at < len(self.tokens) else ""

    def expect(self, token: str) -> None:
        if self.next() != token:
            raise HubError(400004, f"Query syntax error: '{token}' expected.")

    def either(self) -> Test:
        tests = [self.both()]
        while self.peek() == "OR":
            self.next()
            tests.append(self.both())
        return lambda row: any(test(row) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.peek() == "AND":
            self.next()
            tests.append(self.one())
        return lambda row: all(test(row) for test in tests)

    def one(self) -> Test:
        if self.peek() == "NOT":
            self.next()
            inner = self.one()
            return lambda row: not inner(row)
        if self.peek() == "(":
            self.next()
            inner = self.either()
            self.expect(")")
            return inner
        word = self.next()
        if self.peek() == "(":
            return self.function(word.upper())
        return self.comparison(word)

    def function(self, name: str) -> Test:
        self.expect("(")
        path = self.next()
        if name in _KINDS:
            self.expect(")")
            return lambda row: _KINDS[name](lookup(row, path))
        self.expect(",")
        text = self.literal()
        self.expect(")")
        tests: dict[str, Callable[[str], bool]] = {
            "STARTSWITH": lambda value: value.startswith(str(text)),
            "STARTS_WITH": lambda value: value.startswith(str(text)),
            "ENDSWITH": lambda value: value.endswith(str(text)),
            "CONTAINS": lambda value: str(text) in value,
        }
        if name not in tests:
            raise HubError(400004, f"Query function '{name}' is not supported.")
        return lambda row: isinstance(lookup(row, path), str) and tests[name](lookup(row, path))

    def literal(self) -> Any:
        token = self.next()
        if token[0] in "'\"":
            return token[1:-1].replace("''", "'")
        if token.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[token.lower()]
        try:
            return float(token)
        except ValueError as error:
            raise HubError(400004, f"Query syntax error near '{token}'.") from error

    def value(self) -> Callable[[Row], Any]:
        """What a property is compared with: a literal, or another property of the row."""
        if self.at < len(self.tokens) and re.match(r"[A-Za-z$][^.]*\.", self.tokens[self.at]):
            path = self.next()
            return lambda row: lookup(row, path)
        value = self.literal()
        return lambda row: value

    def comparison(self, path: str) -> Test:
        operator = self.next().upper()
        if operator in ("IN", "NIN"):
            self.expect("[")
            values = [self.literal()]
            while self.peek() == ",":
                self.next()
                values.append(self.literal())
            self.expect("]")
            return lambda row: (lookup(row, path) in values) == (operator == "IN")
        other = self.value()
        if operator == "=":
            return lambda row: lookup(row, path) == other(row)
        if operator in ("!=", "<>"):
            return lambda row: lookup(row, path) != other(row)
        orders: dict[str, Callable[[Any, Any], bool]] = {
            "<": lambda a, b: a < b,
            ">": lambda a, b: a > b,
            "<=": lambda a, b: a <= b,
            ">=": lambda a, b: a >= b,
        }
        if operator not in orders:
            raise HubError(400004, f"Query syntax error near '{operator}'.")

        def order(row: Row) -> bool:
            left, right = lookup(row, path), other(row)
            alike = isinstance(left, str) and isinstance(right, str)
            alike = alike or (isinstance(left, (int, float)) and isinstance(right, (int, float)))
            return alike and orders[operator](left, right)

        return order


def condition(text: str) -> Test:
    """A test made of a WHERE clause or a target condition; HubError 400004 when it cannot be read."""
    if not text.strip() or text.strip() == "*":
        return lambda row: True
    reader = _Condition(text)
    test = reader.either()
    if reader.at != len(reader.tokens):
        raise HubError(400004, f"Query syntax error near '{reader.tokens[reader.at]}'.")
    return test


_QUERY = re.compile(
    r"^\s*SELECT\s+(?:TOP\s+(?P<top>\d+)\s+)?(?P<fields>.+?)\s+FROM\s+(?P<source>[\w.]+)(?:\s+(?:AS\s+)?(?!WHERE\b|GROUP\b|ORDER\b)\w+)?"
    r"(?:\s+WHERE\s+(?P<where>.+?))?(?:\s+GROUP\s+BY\s+(?P<group>[\w.$]+))?\s*;?\s*$",
    re.IGNORECASE | re.DOTALL,
)


def select(hub: Hub, text: str) -> list[Row]:
    """What a query finds among the hub's twins; HubError 400004 when it cannot be read."""
    match = _QUERY.match(text)
    if match is None:
        raise HubError(400004, "Query syntax error: SELECT … FROM … expected.")
    source = match["source"].lower()
    if source == "devices":
        return run(text, (device.twin_view() for device in hub.devices()))
    if source == "devices.modules":
        return run(text, (module.twin_view() for device in hub.devices() for module in hub.modules(device.device)))
    raise HubError(400004, f"Querying '{match['source']}' is not supported.")


def whole(text: str) -> bool:
    """Whether a query asks for whole twins, not for some of their fields."""
    match = _QUERY.match(text)
    return match is not None and match["fields"] == "*"


def run(text: str, rows: Iterable[Row]) -> list[Row]:
    """The rows that a query selects, projected."""
    match = _QUERY.match(text)
    if match is None:
        raise HubError(400004, "Query syntax error: SELECT … FROM … expected.")
    test = condition(match["where"] or "")
    found = [row for row in rows if test(row)][: int(match["top"]) if match["top"] else None]
    fields = [part.strip() for part in match["fields"].split(",")]
    if re.search(r"COUNT\s*\(", match["fields"], re.IGNORECASE):
        return _counts(found, fields, match["group"])
    if fields == ["*"]:
        return found
    projected = []
    for row in found:
        out: Row = {}
        for part in fields:
            path, _, name = (bit.strip() for bit in re.sub(r"\s+as\s+", "\0", part, flags=re.IGNORECASE).partition("\0"))
            value = lookup(row, path)
            if value is not None:
                out[name or path.split(".")[-1]] = value
        projected.append(out)
    return projected


def _counts(rows: list[Row], fields: list[str], group: str | None) -> list[Row]:
    name = "count"
    for part in fields:
        alias = re.search(r"COUNT\s*\([^)]*\)\s+AS\s+(\w+)", part, re.IGNORECASE)
        name = alias[1] if alias else name
    if group is None:
        return [{name: len(rows)}]
    counts: dict[Any, int] = {}
    for row in rows:
        value = lookup(row, group)
        counts[value] = counts.get(value, 0) + 1
    return [{group.split(".")[-1]: value, name: count} for value, count in counts.items()]
