"""The types of a route's condition, which edgeHub checks only when it puts its routes into force.

Source: Azure/iotedge, Routing.Core/query/ConditionVisitor.cs and query/builtins. A property is text, always; a value of the body
has a type of its own that fits wherever a text, a number, a truth value or null is asked for.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.deployment.manifest.message_routes.expressions import Binary, Call, Expression, Property, RouteProblem, Unary, Value
from services.text import one_line

_FITS = ("text", "number", "truth", "null")  # what a value of the body can stand for (QueryValue.IsSupportedType)
_WORDS = {
    "text": "a text",
    "number": "a number",
    "truth": "true or false",
    "null": "null",
    "undefined": "undefined",
    "body": "a value of the body",
}
_STRANGE_IN_NAMES = re.compile("^-|[!+*%|'&^~\u201c-\u201f\u2018-\u201b]")
_STEP = re.compile(r'[^()<>@,;:\\"/\[\]?={}.\s]+(?:\[[0-9]+\])?')
_NUMBERS_ONLY = re.compile(r"[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class _Function:
    """What a function takes and gives: one tuple of types for each form; ``any`` is of every type."""

    forms: tuple[tuple[str, ...], ...]
    result: str
    more: bool = False  # whether further arguments of the last type may follow


_OF_A_NUMBER = _Function((("number",),), "number")
_OF_A_TEXT = _Function((("text",),), "text")
_TEST = _Function((("any",),), "truth")
_TEST_OF_TEXTS = _Function((("text", "text"),), "truth")
_FUNCTIONS = {
    **dict.fromkeys(("abs", "exp", "square", "ceiling", "floor", "sign", "sqrt"), _OF_A_NUMBER),
    **dict.fromkeys(("is_bool", "is_defined", "is_null", "is_number", "is_string"), _TEST),
    **dict.fromkeys(("starts_with", "ends_with", "contains"), _TEST_OF_TEXTS),
    **dict.fromkeys(("lower", "upper"), _OF_A_TEXT),
    "power": _Function((("number", "number"),), "number"),
    "as_number": _Function((("text",), ("number",)), "number"),
    "length": _Function((("text",),), "number"),
    "index_of": _Function((("text", "text"),), "number"),
    "substring": _Function((("text", "number"), ("text", "number", "number")), "text"),
    "concat": _Function((("text", "text"),), "text", more=True),
}


def check_condition(expression: Expression) -> Iterator[RouteProblem]:
    """Yield what keeps a condition from being put into force, and what makes it mean something else than it says."""
    checker = _Checker()
    result = checker.type_of(expression)
    yield from checker.problems
    if result in ("text", "number", "null", "undefined") and not checker.problems:
        message = f"the condition is {_WORDS[result]}, neither true nor false: no message goes through"
        yield RouteProblem(_first(expression), "warning", message, "Compare it with something, or test it with is_defined(…).")


class _Checker:
    def __init__(self) -> None:
        self.problems: list[RouteProblem] = []

    def error(self, offset: int, message: str, remedy: str) -> str:
        """Note an error; the expression counts as undefined, as in edgeHub, and is not complained of a second time."""
        self.problems.append(RouteProblem(offset, "error", message, remedy, late=True))
        return "wrong"

    def type_of(self, node: Expression) -> str:
        if isinstance(node, Value):
            return _type_of_literal(node)
        if isinstance(node, Property):
            return self.property(node)
        if isinstance(node, Call):
            return self.call(node)
        if isinstance(node, Unary):
            return self.unary(node)
        return self.binary(node, self.type_of(node.left), self.type_of(node.right))

    def property(self, node: Property) -> str:
        name, offset = node.token.text, node.token.offset
        if strange := _STRANGE_IN_NAMES.search(name):
            message = f"{one_line(name, 60)} is one name to edgeHub, {strange[0]} and all"
            remedy = "Put blanks around the operator."
            if strange[0] == "'":
                remedy = "Put a blank behind the text, and write a quote in it as \\'."
            elif strange[0] > "~":
                remedy = "A text program has bent the quotes: write ' or \"."
            self.problems.append(RouteProblem(offset, "warning", message, remedy))
        elif name.lower() in ("true", "false", "null", "undefined"):
            message = f"{name} with capitals is the name of a property to edgeHub"
            self.problems.append(RouteProblem(offset, "warning", message, f"Write {name.lower()}."))
        if name[:6].lower() == "$body.":
            path = name[6:]
            if not _is_body_path(path):
                remedy = "Write names with dots between, and numbers in brackets for lists: $body.a.list[0]."
                return self.error(offset, f'"{one_line(name, 60)}" is no path into the body', remedy)
            return "body"
        return "undefined" if "[" in name or "]" in name else "text"

    def call(self, node: Call) -> str:
        name, offset = node.token.text.lower(), node.token.offset
        function = _FUNCTIONS.get(name)
        if function is None:
            text = one_line(node.token.text, 40)
            if name == "twin_change_includes":
                return self.error(offset, f"{text} works in no route of edgeHub", "Compare $body.properties… instead.")
            close = difflib.get_close_matches(name, _FUNCTIONS, 1, 0.6)
            remedy = f"Did you mean {close[0]}?" if close else f"It knows {', '.join(sorted(_FUNCTIONS))}."
            return self.error(offset, f"edgeHub knows no function {text}", remedy)
        types = [self.type_of(argument) for argument in node.arguments]
        if "wrong" in types or any(_matches(form, types, function.more) for form in function.forms):
            return function.result
        forms = " or ".join(f"{name}({', '.join(form)}{', …' * function.more})" for form in function.forms)
        words = ", ".join(_WORDS[kind] for kind in types) or "nothing"
        hint = ""
        if len(types) in map(len, function.forms) and "text" in types and "number" in function.forms[0]:
            hint = " A property is a text: as_number(…) makes a number of it."
        return self.error(offset, f"{name} is given {words}", f"It is {forms}.{hint}")

    def unary(self, node: Unary) -> str:
        kind, offset = self.type_of(node.operand), node.token.offset
        if kind == "wrong":
            return kind
        if node.token.kind == "NOT":
            if kind in ("truth", "body", "null"):
                return "truth"
            return self.error(
                offset, f"NOT is given {_WORDS[kind]}; it binds tighter than =", "Write NOT (…) around the comparison."
            )
        if kind == "number":
            return kind
        remedy = "Write 0 - …." if kind == "body" else "A property is a text: as_number(…) makes a number of it."
        return self.error(offset, f"- is given {_WORDS[kind]}", remedy)

    def binary(self, node: Binary, left: str, right: str) -> str:
        operator, offset = node.token.kind, node.token.offset
        result = "number" if operator in "*/%+-" else "text" if operator == "||" else "truth"
        if "wrong" in (left, right) or operator == "unknown":
            return "wrong"
        if operator in ("AND", "OR"):
            return self.logical(node, left, right)
        if operator == "%" and "body" in (left, right):
            return self.error(offset, "edgeHub divides no value of the body by %", "Write as_number(…) around it.")
        if operator in ("*", "/", "%", "+", "-", "||"):
            operand_kind = "text" if operator == "||" else "number"
            if not (_fits(operand_kind, left) and _fits(operand_kind, right)):
                return self.operands(node, left, right, f"It takes {_WORDS[operand_kind]} on both sides.")
            return "body" if "body" in (left, right) and operator != "||" else result
        if not (left == right or (_fits(left, right) and _fits(right, left))):
            return self.operands(node, left, right, "Both sides have to be of one kind.")
        return ("body" if "body" in (left, right) else left) if operator == "??" else "truth"

    def logical(self, node: Binary, left: str, right: str) -> str:
        """Translate AND and OR.

        edgeHub looks at the left side twice: a value of the body stands on the right only with one on the left
        (ConditionVisitor.cs, CheckBooleanOperands).
        """
        sound = ("truth", "null", "undefined")
        if left == "body" or (left in sound and right in sound):
            return "truth"
        if left in sound and right == "body":
            remedy = "Compare it: … = true, or let it stand on the left."
            return self.error(node.token.offset, f"{node.token.kind} takes no bare value of the body on its right", remedy)
        return self.operands(node, left, right, "It takes comparisons and tests, such as a = 'x' or is_defined(a).")

    def operands(self, node: Binary, left: str, right: str, remedy: str) -> str:
        if {left, right} == {"text", "number"}:
            remedy = "A property is a text: as_number(…) makes a number of it, quotes make a text of a number."
        elif "null" in (left, right) and node.token.kind in ("=", "!=", "<>"):
            remedy = "Write is_null(…) or is_defined(…)."
        elif {left, right} == {"text", "truth"}:
            remedy = "A property is a text: compare it with 'true'; true and false themselves are in lower case."
        message = f"{node.token.text} stands between {_WORDS[left]} and {_WORDS[right]}"
        return self.error(node.token.offset, message, remedy)


def _type_of_literal(node: Value) -> str:
    kind = node.token.kind
    if kind in ("true", "false"):
        return "truth"
    if kind in ("string", "unterminated"):
        return "text"
    if kind in ("null", "undefined"):
        return kind
    too_long = kind == "hex" and len(node.token.text) > 18  # over 64 bits edgeHub reads none
    return "wrong" if kind == "unknown" else "undefined" if too_long else "number"


def _fits(expected_kind: str, kind: str) -> bool:
    return expected_kind == kind or (kind == "body" and expected_kind in _FITS) or (expected_kind == "body" and kind in _FITS)


def _matches(form: tuple[str, ...], types: list[str], more: bool) -> bool:
    whole = form + (form[-1],) * (len(types) - len(form)) if more else form
    return len(whole) == len(types) and all(
        expected_kind in ("any", kind) or _fits(expected_kind, kind) for expected_kind, kind in zip(whole, types, strict=True)
    )


def _is_body_path(path: str) -> bool:
    """Return whether edgeHub takes a path into the body (jsonpath/JsonPath.g4); what follows a whole step unread is passed over."""
    offset = 0
    while match := _STEP.match(path, offset):
        name = match[0].partition("[")[0]
        if _NUMBERS_ONLY.match(name) or (path[match.end() : match.end() + 1] == "[" and "[" not in match[0]):
            return False
        if path[match.end() : match.end() + 1] != ".":
            return True
        offset = match.end() + 1
    return False


def _first(node: Expression) -> int:
    return _first(node.left) if isinstance(node, Binary) else node.token.offset
