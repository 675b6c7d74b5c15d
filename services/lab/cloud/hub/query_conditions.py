"""Conditions of the hub's query language: WHERE clauses, and target conditions of deployments at scale."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from services.lab.cloud.hub.errors import HubError

_TOKENS = re.compile(
    r"\s*('(?:[^']|'')*'|\"[^\"]*\"|<=|>=|!=|<>|[=<>(),+*/%]|[\[\]](?!\[)|0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?![\w.])"
    r"|(?:[\w$]|\[\[[^\[\]]+\]\])(?:[\w.$\-]|\[\[[^\[\]]+\]\])*|-)"
)
# One step of a path; an id in double brackets may hold what a name may not: configurations.[[my-id]].status.
_STEPS = re.compile(r"\[\[(.+?)\]\]|([^.\[\]]+)")
Row = dict[str, Any]
Value = Callable[[Row], Any]
Test = Callable[[Row], bool]
_KINDS: dict[str, Callable[[Any], bool]] = {
    "IS_DEFINED": lambda value: value is not None,
    "IS_NULL": lambda value: value is None,
    "IS_STRING": lambda value: isinstance(value, str),
    "IS_BOOL": lambda value: isinstance(value, bool),
    "IS_NUMBER": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "IS_OBJECT": lambda value: isinstance(value, dict),
    "IS_ARRAY": lambda value: isinstance(value, list),
    "IS_PRIMITIVE": lambda value: value is not None and not isinstance(value, (dict, list)),
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "STARTSWITH": str.startswith,
    "STARTS_WITH": str.startswith,
    "ENDSWITH": str.endswith,
    "ENDS_WITH": str.endswith,
    "CONTAINS": operator.contains,
}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}
_WORDS = {"AND", "OR", "NOT", "IN", "NIN"}


def lookup(row: Row, path: str) -> Any:
    """Return the value at ``a.b.c`` or None; a leading alias (``devices.``, ``c.``) is ignored when the row has no such key.

    The names at the top, the hub's own, are read in any case (``DeviceID``).
    """
    parts = [bracketed or plain for bracketed, plain in _STEPS.findall(path)]
    names = {name.lower(): name for name in row}
    if len(parts) > 1 and parts[0].lower() not in names:
        parts = parts[2:] if [part.lower() for part in parts[:2]] == ["devices", "modules"] and len(parts) > 2 else parts[1:]
    value: Any = row
    for depth, part in enumerate(parts):
        name = names.get(part.lower(), part) if depth == 0 else part
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _calculated(sign: str, left: Any, right: Any) -> Any:
    if not _number(left) or not _number(right) or (sign in "/%" and not right):
        return None
    return _ARITHMETIC[sign](left, right)


def _ordered(sign: str, left: Any, right: Any) -> bool:
    alike = (isinstance(left, str) and isinstance(right, str)) or (_number(left) and _number(right))
    return alike and _ORDERS[sign](left, right)


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

    def either(self) -> Value:
        return self._joined("OR", self.both, any)

    def both(self) -> Value:
        return self._joined("AND", self.one, all)

    def _joined(self, word: str, part: Callable[[], Value], join: Callable[..., bool]) -> Value:
        tests = [part()]
        while self.peek() == word:
            self.next()
            tests.append(part())
        return tests[0] if len(tests) == 1 else lambda row: join(test(row) is True for test in tests)

    def one(self) -> Value:
        if self.peek() == "NOT":
            self.next()
            inner = self.one()
            return lambda row: inner(row) is not True
        return self.comparison()

    def comparison(self) -> Value:
        left = self.terms()
        sign = self.peek()
        if sign in ("IN", "NIN"):
            self.next()
            values = self.list()
            return lambda row: (left(row) in values) == (sign == "IN")
        if sign not in ("=", "!=", "<>", *_ORDERS):
            return left
        self.next()
        right = self.terms()
        if sign == "=":
            return lambda row: bool(left(row) == right(row))
        if sign in ("!=", "<>"):
            return lambda row: bool(left(row) != right(row))
        return lambda row: _ordered(sign, left(row), right(row))

    def list(self) -> list[Any]:
        self.expect("[")
        values = [self.literal()]
        while self.peek() == ",":
            self.next()
            values.append(self.literal())
        self.expect("]")
        return values

    def terms(self) -> Value:
        return self._calculation(("+", "-"), self.factors)

    def factors(self) -> Value:
        return self._calculation(("*", "/", "%"), self.operand)

    def _calculation(self, signs: tuple[str, ...], part: Callable[[], Value]) -> Value:
        value = part()
        while self.peek() in signs:
            value = self._step(self.next(), value, part())
        return value

    @staticmethod
    def _step(sign: str, left: Value, right: Value) -> Value:
        return lambda row: _calculated(sign, left(row), right(row))

    def operand(self) -> Value:
        token = self.peek()
        if token == "(":
            self.next()
            inner = self.either()
            self.expect(")")
            return inner
        if token == "-":
            self.next()
            negated = self.operand()
            return lambda row: -value if _number(value := negated(row)) else None
        if not token or token in _WORDS or not re.match(r"[\w$\['\"]", token):
            raise HubError(400004, f"Query syntax error near '{token}'.")
        if token[0] in "'\"0123456789" or token in ("TRUE", "FALSE", "NULL"):
            value = self.literal()
            return lambda row: value
        word = self.next()
        if self.peek() == "(":
            return self.function(word.upper())
        return lambda row: lookup(row, word)

    def function(self, name: str) -> Value:
        self.expect("(")
        first = self.operand()
        if name in _KINDS:
            self.expect(")")
            return lambda row: _KINDS[name](first(row))
        self.expect(",")
        second = self.operand()
        self.expect(")")
        if name == "ARRAY_CONTAINS":
            return lambda row: isinstance(values := first(row), list) and second(row) in values
        if name not in _TEXTS:
            raise HubError(400004, f"Query function '{name}' is not supported.")

        def test(row: Row) -> bool:
            text, part = first(row), second(row)
            return isinstance(text, str) and isinstance(part, str) and _TEXTS[name](text, part)

        return test

    def literal(self) -> Any:
        token = self.next()
        if token[0] in "'\"":
            return token[1:-1].replace("''", "'")
        if token.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[token.lower()]
        try:
            if token == "-":
                return -float(self.next())
            return float(int(token, 16) if token[:2].lower() == "0x" else token)
        except ValueError as error:
            raise HubError(400004, f"Query syntax error near '{token}'.") from error


def condition(text: str) -> Test:
    """Return a test made of a WHERE clause or a target condition; HubError 400004 when it cannot be read."""
    if not text.strip() or text.strip() == "*":
        return lambda row: True
    reader = _Condition(text)
    try:
        value = reader.either()
    except RecursionError as error:
        raise HubError(400004, "Query syntax error: the condition is too deep.") from error
    if reader.at != len(reader.tokens):
        raise HubError(400004, f"Query syntax error near '{reader.tokens[reader.at]}'.")
    return lambda row: value(row) is True
