"""The language of edgeHub's routes: tokens, and the reader of ``[SELECT *] FROM source [WHERE condition] INTO sink``.

Source: Azure/iotedge edge-hub/core/src/Microsoft.Azure.Devices.Routing.Core/grammar/{Route,Condition,GrammarLexer}.g4 and
RouteFactory.cs (docs/facts/hub-codes-and-routes.md, section 3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# One character that is no other token: edgeHub's grammar takes it as part of a condition, and refuses it when it compiles that.
UNKNOWN = "unknown"
_ID = r"""[^()<>@,;:\\"/\[\]?={} \t\n\r]+"""
_ESCAPE = r"""\\(?:["'\\]|u[0-9a-fA-F]{4})"""
# In the grammar's order: the longest match wins, and among equals the first.
_TOKENS = [
    (kind, re.compile(pattern))
    for kind, pattern in (
        *((word, f"(?i:{word})") for word in ("SELECT", "FROM", "WHERE", "INTO")),
        ("string", rf"""(?s:"(?:{_ESCAPE}|[^"\\])*"|'(?:{_ESCAPE}|[^'\\])*')"""),
        ("unterminated", rf"""(?s:"(?:{_ESCAPE}|[^"\\])*|'(?:{_ESCAPE}|[^'\\])*)"""),
        ("integer", r"-?[0-9]+"),
        ("hex", r"0[xX][0-9a-fA-F]+"),
        ("real", r"-?[0-9]*\.[0-9]+(?:[eE][+\-]?[0-9]+)?|-?[0-9]*[eE][+\-]?[0-9]+"),
        *((word, word) for word in ("true", "false", "null", "undefined")),
        *((sign, re.escape(sign)) for sign in ("(", ")", ",", "+", "-", "*", "/", "%")),
        *((word, f"(?i:{word})") for word in ("AND", "OR", "NOT")),
        *((sign, re.escape(sign)) for sign in ("=", "!=", "<>", "<=", ">=", ">", "<", "||", "??", "{", "}")),
        ("system", r"""\$[^()<>@,;:\\"/?={} \t\n\r]+"""),
        ("name", _ID),
        ("blank", r"[ \t\r\n]+"),
        ("comment", r"(?s:/\*.*?\*/)"),
    )
]
# By falling precedence.
_BINARY = (("*", "/", "%"), ("+", "-", "||"), ("<", "<=", ">", ">="), ("=", "!=", "<>"), ("AND",), ("OR",), ("??",))
_TIGHTEST = len(_BINARY)
_LITERALS = ("string", "unterminated", "integer", "hex", "real", "true", "false", "null", "undefined")


class RouteSyntaxError(Exception):
    """A text that is no route; the position is not in what edgeHub reports."""

    def __init__(self) -> None:
        super().__init__("Exception of type 'Microsoft.Azure.Devices.Routing.Core.Query.RouteCompilationException' was thrown.")


@dataclass(frozen=True)
class Token:
    """``kind`` as in ``_TOKENS``, or "end"."""

    kind: str
    text: str


@dataclass(frozen=True)
class Node:
    """A part of a condition: ``kind`` is a literal's, "name", "system", "escaped", "call", an operator, or "fault"."""

    kind: str
    text: str = ""
    parts: tuple[Node, ...] = field(default=())


@dataclass(frozen=True)
class RouteText:
    """A route as it was read. ``source`` is empty for a text of blanks; ``function`` is empty for a system endpoint."""

    source: str = ""
    condition: Node = Node("true")
    function: str = ""
    sink: str = ""


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of ``text`` without blanks and comments, an "end" last."""
    tokens, position = [], 0
    while position < len(text):
        kind, length = UNKNOWN, 1
        for name, pattern in _TOKENS:
            match = pattern.match(text, position)
            if match is not None and (len(match[0]) > length or (kind == UNKNOWN and len(match[0]) == length)):
                kind, length = name, len(match[0])
        if kind not in ("blank", "comment"):
            tokens.append(Token(kind, text[position : position + length]))
        position += length
    return [*tokens, Token("end", "")]


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = tokens_of(text)
        self._at = 0

    @property
    def kind(self) -> str:
        return self._tokens[self._at].kind

    def take(self, *kinds: str) -> Token:
        """Return the next token, which is of one of ``kinds``."""
        token = self._tokens[self._at]
        if token.kind not in kinds:
            raise RouteSyntaxError
        self._at += 1
        return token

    def route(self) -> RouteText:
        if self.kind == "end":
            return RouteText()
        if self.kind == "SELECT":
            self.take("SELECT")
            self.take("*")
        self.take("FROM")
        source = self.source()
        condition = Node("true")
        if self.kind == "WHERE":
            self.take("WHERE")
            condition = self.expression(0)
        self.take("INTO")
        # What follows the sink is not looked at.
        if self.kind == "system":
            return RouteText(source, condition, "", self.take("system").text)
        function = self.take("name").text
        self.take("(")
        sink = self.take("string").text[1:-1]
        self.take(")")
        return RouteText(source, condition, function, sink)

    def source(self) -> str:
        path = ""
        while True:
            path += self.take("/").text + self.take("*", "name").text
            if self.kind != "/":
                return path

    def expression(self, level: int) -> Node:
        """Return an expression of operators that bind at least as tight as ``_BINARY[len - level]``: 0 takes all of them."""
        left = self.operand()
        while True:
            strength = next((_TIGHTEST - rank for rank, signs in enumerate(_BINARY) if self.kind in signs), 0)
            if self.kind == UNKNOWN and level == 0:
                self.take(UNKNOWN)
                left = Node("fault", parts=(left, self.expression(0)))
            elif not strength or strength < level:
                return left
            else:
                sign = self.take(self.kind).kind
                left = Node(sign, parts=(left, self.expression(strength + 1)))

    def operand(self) -> Node:
        kind = self.kind
        if kind in _LITERALS:
            return Node(kind, self.take(kind).text)
        if kind in ("-", "NOT"):
            self.take(kind)
            return Node("negative" if kind == "-" else "NOT", parts=(self.expression(_TIGHTEST + 1),))
        if kind == "system":
            return Node("system", self.take("system").text)
        if kind == "{":
            self.take("{")
            name = self.take("system").text
            self.take("}")
            return Node("escaped", name)
        if kind == "(":
            return self.nested()
        if kind == UNKNOWN:
            self.take(UNKNOWN)
            return Node("fault", parts=() if self.kind in ("end", "INTO", ")", ",") else (self.expression(0),))
        name = self.take("name").text
        return self.call(name) if self.kind == "(" else Node("name", name)

    def nested(self) -> Node:
        self.take("(")
        inner = self.expression(0)
        if self.kind != ")":  # parses, and is found out when the condition is compiled
            return Node("fault", parts=(inner,))
        self.take(")")
        return self._closed(inner)

    def call(self, name: str) -> Node:
        self.take("(")
        arguments: list[Node] = []
        if self.kind != ")":
            arguments.append(self.expression(0))
            while self.kind == ",":
                self.take(",")
                arguments.append(self.expression(0))
        self.take(")")
        return self._closed(Node("call", name, tuple(arguments)))

    def _closed(self, node: Node) -> Node:
        """Return ``node``, after which one bracket too many is a fault of the condition where nothing else is open."""
        if self.kind == ")" and not self._open():
            self.take(")")
            return Node("fault", parts=(node,))
        return node

    def _open(self) -> bool:
        """Return whether a bracket opened before here is not closed yet."""
        kinds = [token.kind for token in self._tokens[: self._at]]
        return kinds.count("(") > kinds.count(")")


def read_route(text: str) -> RouteText:
    """Return the parts of a route; RouteSyntaxError where the grammar has no such text."""
    try:
        return _Reader(text).route()
    except RecursionError as error:
        raise RouteSyntaxError from error
