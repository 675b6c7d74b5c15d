"""Conditions of edgeHub's routes, compiled as edgeHub compiles them: typed first, then asked for each message.

Source: Azure/iotedge …Routing.Core/query/{ConditionVisitor,Bool,ComparisonOperators}.cs, query/builtins, Message.cs
(docs/facts/hub-codes-and-routes.md, section 3). A condition whose value is undefined does not match.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.lab.device.route_language import Node


class _Undefined:
    def __repr__(self) -> str:
        return "undefined"


UNDEFINED = _Undefined()
_ENCODINGS = {"utf-8": "utf-8", "utf-16": "utf-16", "utf-32": "utf-32"}
_BODY = "$body."
_BODY_STEP = re.compile(r"""([^()<>@,;:\\"/\[\]?={}.\t\n\r]+)(?:\[([0-9]+)\])?""")
_ORDER = {bool: 1, float: 2, str: 3, type(None): 4}


class ConditionError(Exception):
    """A condition that parses and cannot be compiled."""


@dataclass(frozen=True)
class Message:
    """A message on its way through edgeHub; names of ``properties`` and ``system`` in lower case.

    ``source`` is ``/messages`` for a device, ``/messages/modules/M[/outputs/O]`` for a module.
    """

    source: str
    body: bytes
    properties: Mapping[str, str]
    system: Mapping[str, str]

    def body_value(self, path: str) -> Any:
        """Return the value at ``a.b[0].c`` of a JSON body; UNDEFINED for an object, and where the body is not declared to be JSON."""
        if self.system.get("contenttype", "").lower() != "application/json":
            return UNDEFINED
        encoding = _ENCODINGS.get(self.system.get("contentencoding", "").lower())
        if encoding is None:
            return UNDEFINED
        try:
            value = json.loads(self.body.decode(encoding))
            for name, index in _BODY_STEP.findall(path):
                value = value[name] if not index else value[name][int(index)]
        except (ValueError, LookupError, TypeError, RecursionError):
            return UNDEFINED
        if isinstance(value, (dict, list)):
            return UNDEFINED
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


Value = Callable[[Message], Any]
Typed = tuple[str, Value]  # text, number, bool, null, undefined, or any (of the body)


def _constant(kind: str, value: Any) -> Typed:
    return kind, lambda message: value


_NOTHING = _constant("undefined", UNDEFINED)


def _unescape(text: str) -> str:
    text = re.sub(r"\\[uU]([0-9A-Fa-f]{4})", lambda match: chr(int(match[1], 16)), text)
    return re.sub(r"""\\(["'\\])""", r"\1", text)


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return UNDEFINED


def _text_function(work: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: work(*values) if all(isinstance(one, str) for one in values) else UNDEFINED


def _number_function(work: Callable[..., float]) -> Callable[..., Any]:
    def checked(*values: Any) -> Any:
        if not all(isinstance(one, float) for one in values):
            return UNDEFINED
        try:
            value = float(work(*values))
        except OverflowError:
            value = math.inf
        except ValueError:
            return UNDEFINED
        return UNDEFINED if math.isnan(value) else value  # edgeHub's undefined number is NaN

    return checked


def _substring(text: Any, start: Any, length: Any = None) -> Any:
    if not isinstance(text, str) or not isinstance(start, float) or not (length is None or isinstance(length, float)):
        return UNDEFINED
    if length is None:
        return text[int(start) :] if 0 <= start <= len(text) else UNDEFINED
    inside = 0 <= start < len(text) and 0 <= length <= len(text) - start
    return text[int(start) : int(start) + int(length)] if inside else UNDEFINED


def _as_number(value: Any) -> Any:
    return value if isinstance(value, float) else _number(value) if isinstance(value, str) else UNDEFINED


_TEXT, _NUMBER = ("text",), ("number",)
# name: (types of the arguments, type of the result, work); "*" at the end repeats the one before.
_FUNCTIONS: dict[str, tuple[list[tuple[str, ...]], str, Callable[..., Any]]] = {
    "abs": ([_NUMBER], "number", _number_function(abs)),
    "exp": ([_NUMBER], "number", _number_function(math.exp)),
    "power": ([_NUMBER * 2], "number", _number_function(math.pow)),
    "square": ([_NUMBER], "number", _number_function(lambda one: one * one)),
    "ceiling": ([_NUMBER], "number", _number_function(math.ceil)),
    "floor": ([_NUMBER], "number", _number_function(math.floor)),
    "sign": ([_NUMBER], "number", _number_function(lambda one: (one > 0) - (one < 0))),
    "sqrt": ([_NUMBER], "number", _number_function(math.sqrt)),
    "as_number": ([_TEXT, _NUMBER], "number", _as_number),
    "concat": ([("text", "text", "*")], "text", _text_function(lambda *values: "".join(values))),
    "length": ([_TEXT], "number", _text_function(lambda one: float(len(one)))),
    "lower": ([_TEXT], "text", _text_function(str.lower)),
    "upper": ([_TEXT], "text", _text_function(str.upper)),
    "substring": ([("text", "number"), ("text", "number", "number")], "text", _substring),
    "index_of": ([_TEXT * 2], "number", _text_function(lambda one, other: float(one.find(other)))),
    "starts_with": ([_TEXT * 2], "bool", _text_function(str.startswith)),
    "ends_with": ([_TEXT * 2], "bool", _text_function(str.endswith)),
    "contains": ([_TEXT * 2], "bool", _text_function(lambda one, other: other in one)),
}
# These take one argument of any type.
_KINDS: dict[str, Callable[[Any], bool]] = {
    "is_bool": lambda value: isinstance(value, bool),
    "is_defined": lambda value: value is not UNDEFINED,
    "is_null": lambda value: value is None,
    "is_number": lambda value: isinstance(value, float) and math.isfinite(value),
    "is_string": lambda value: isinstance(value, str),
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right if right else math.copysign(math.inf, left) if left else math.nan,
    "%": math.fmod,
}


def _fits(expected: str, kind: str) -> bool:
    """Return whether a value of ``kind`` is taken where ``expected`` is asked for; a body's value goes with all but undefined."""
    return expected == kind or ("any" in (expected, kind) and "undefined" not in (expected, kind))


def _compare(sign: str, left: Any, right: Any) -> Any:
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    if left is None and right is None:
        return sign in ("=", "<=", ">=")
    if type(left) is not type(right):
        left, right = _ORDER[type(left)], _ORDER[type(right)]
    return _COMPARISONS[sign](left, right)


def _both(left: Any, right: Any) -> Any:
    if left is False or right is False:
        return False
    return True if left is True and right is True else UNDEFINED


def _either(left: Any, right: Any) -> Any:
    if left is True or right is True:
        return True
    return False if left is False and right is False else UNDEFINED


def _property(node: Node) -> Typed:
    """Return a property by its name: of the application, with ``$`` then of the system, ``$body.…`` of the body."""
    name = node.text
    bag = node.text.lower()
    body = bag.startswith(_BODY)
    if body:
        path = name[len(_BODY) :]
        if not re.fullmatch(rf"{_BODY_STEP.pattern}(?:\.{_BODY_STEP.pattern})*", path):
            raise ConditionError(f"Error in $body query: {path}")
        if node.kind == "escaped" or "[" in name:
            return "any", lambda message: message.body_value(path)
        return "any", lambda message: message.properties[bag] if bag in message.properties else message.body_value(path)
    if "[" in name or "]" in name:
        return _NOTHING
    if node.kind == "name":
        return "text", lambda message: message.properties.get(bag, UNDEFINED)
    system = bag[1:]
    if node.kind == "escaped":
        return "text", lambda message: message.system.get(system, UNDEFINED)
    return "text", lambda message: message.properties.get(bag, message.system.get(system, UNDEFINED))


def _literal(node: Node) -> Typed | None:
    kind, text = node.kind, node.text
    if kind in ("true", "false"):
        return _constant("bool", kind == "true")
    if kind == "null":
        return _constant("null", None)
    if kind == "undefined":
        return _NOTHING
    if kind == "string":
        return _constant("text", _unescape(text[1:-1]))
    if kind == "hex":
        return _constant("number", float(int(text, 16)))
    if kind in ("integer", "real"):
        value = _number(text)
        return _NOTHING if value is UNDEFINED else _constant("number", value)
    return None


def _call(node: Node) -> Typed:
    name = node.text.lower()
    arguments = [_compile(part) for part in node.parts]
    kinds, values = [kind for kind, _ in arguments], [value for _, value in arguments]
    if name in _KINDS:
        if len(values) != 1:
            raise ConditionError(f"{node.text} takes one argument")
        test = _KINDS[name]
        return "bool", lambda message: test(values[0](message))
    if name not in _FUNCTIONS:
        raise ConditionError(f"Invalid built-in function: {node.text}")
    forms, result, work = _FUNCTIONS[name]
    for form in forms:
        expected = form if form[-1] != "*" else (form[0],) * max(len(kinds), len(form) - 1)
        if len(expected) == len(kinds) and all(_fits(one, kind) for one, kind in zip(expected, kinds, strict=True)):
            return result, lambda message: work(*(value(message) for value in values))
    raise ConditionError(f"Invalid arguments of {node.text}: {', '.join(kinds)}")


def _logic(node: Node) -> Typed:
    (left_kind, left), (right_kind, right) = (_compile(part) for part in node.parts)
    if not {left_kind, right_kind} <= {"null", "bool", "undefined", "any"} or (right_kind == "any" and left_kind != "any"):
        raise ConditionError(f"{node.kind} of {left_kind} and {right_kind}")
    nulls = (left_kind, right_kind).count("null")
    if nulls == 2 or (nulls and node.kind == "AND"):
        return _constant("null", None)
    join = _both if node.kind == "AND" else _either
    return "bool", lambda message: join(left(message), right(message))


def _calculation(node: Node) -> Typed:
    (left_kind, left), (right_kind, right) = (_compile(part) for part in node.parts)
    if not _fits("number", left_kind) or not _fits("number", right_kind):
        raise ConditionError(f"{node.kind} of {left_kind} and {right_kind}")
    work = _number_function(_ARITHMETIC[node.kind])
    return "number", lambda message: work(left(message), right(message))


def _compile(node: Node) -> Typed:
    kind = node.kind
    if (literal := _literal(node)) is not None:
        return literal
    if kind in ("name", "system", "escaped"):
        return _property(node)
    if kind == "call":
        return _call(node)
    if kind in ("AND", "OR"):
        return _logic(node)
    if kind in _ARITHMETIC:
        return _calculation(node)
    if kind == "||":
        return _call(Node("call", "concat", node.parts))
    parts = [_compile(part) for part in node.parts]
    if kind in ("NOT", "negative"):
        inner_kind, inner = parts[0]
        if not _fits("bool" if kind == "NOT" else "number", inner_kind) and inner_kind != "null":
            raise ConditionError(f"{kind} of {inner_kind}")
        if kind == "negative":
            return "number", lambda message: -value if isinstance(value := inner(message), float) else UNDEFINED
        if inner_kind == "null":
            return _constant("bool", True)
        return "bool", lambda message: not value if isinstance(value := inner(message), bool) else UNDEFINED
    if kind in ("fault", "unterminated"):
        raise ConditionError("syntax error")
    (left_kind, left), (right_kind, right) = parts
    if not _fits(left_kind, right_kind):
        raise ConditionError(f"{kind} of {left_kind} and {right_kind}")
    if kind == "??":
        return left_kind, lambda message: right(message) if (value := left(message)) is UNDEFINED else value
    return "bool", lambda message: _compare(kind, left(message), right(message))


def compile_condition(node: Node) -> Callable[[Message], bool]:
    """Return the test of a condition; ConditionError where edgeHub finds an unknown function, a wrong type or a bracket missing."""
    try:
        _, value = _compile(node)
    except RecursionError as error:
        raise ConditionError("too deep") from error
    return lambda message: value(message) is True
