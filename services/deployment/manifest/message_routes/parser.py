"""A parser of message routes, after edgeHub's grammar.

Source: Azure/iotedge, Routing.Core/grammar/Route.g4 and Condition.g4. There ``-`` and NOT bind tighter than any other operator,
so that ``NOT a = b`` is ``(NOT a) = b``; a parenthesis too many or too few and characters outside the language still parse, and
fail later (ConditionVisitor.cs); what follows the sink is passed over.
"""

from __future__ import annotations

import re

from services.deployment.manifest.message_routes.expressions import (
    Binary,
    Call,
    Expression,
    MessageRoute,
    Property,
    RouteProblem,
    Unary,
    Value,
)
from services.deployment.manifest.message_routes.tokens import END, SKIPPED, Token, is_keyword, tokens
from services.text import one_line

_LEVELS = {
    "*": 7, "/": 7, "%": 7, "+": 6, "-": 6, "||": 6, "<": 5, "<=": 5, ">": 5, ">=": 5,
    "=": 4, "!=": 4, "<>": 4, "AND": 3, "OR": 2, "??": 1, "unknown": 0,
}  # fmt: skip
_PREFIX_LEVEL = 8
_DEEPEST = 60
_LITERALS = ("true", "false", "string", "unterminated", "integer", "hex", "real", "null", "undefined")
_NUMBERS = ("integer", "hex", "real")
_FIRST = (*_LITERALS, "-", "NOT", "(", "system", "name", "{", "unknown")  # what a value can begin with
FORM = 'FROM SOURCE [WHERE CONDITION] INTO $upstream, or INTO BrokeredEndpoint("/modules/M/inputs/I").'
# What other languages write, and how edgeHub has it.
_ELSEWHERE = {
    "&&": "Write AND.", "&": "Write AND.", "in": "There is no IN: write a = 'x' OR a = 'y'.",
    "like": "There is no LIKE: use starts_with, ends_with or contains.", "is": "Write is_null(…) or is_defined(…).",
    "between": "There is no BETWEEN: write a >= 1 AND a <= 2.",
}  # fmt: skip


class RouteSyntaxError(ValueError):
    """A text that edgeHub does not parse; ``problem`` says where and why."""

    def __init__(self, problem: RouteProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def parse(text: str) -> MessageRoute:
    """Return the route that ``text`` holds. Raises RouteSyntaxError for what edgeHub refuses to parse."""
    return _Parser(text).route()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        every = list(tokens(text))
        self.comments = [token for token in every if token.kind == "comment"]
        self.tokens = [token for token in every if token.kind not in SKIPPED]
        self.index = 0
        self.depth = 0  # of the parentheses that are open
        self.nested = 0  # parentheses that were closed, those of functions aside
        self.nesting = 0
        self.problems: list[RouteProblem] = []

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def take(self) -> Token:
        token = self.token
        if token.kind != END:
            self.index += 1
        return token

    def fail(self, token: Token, message: str, remedy: str) -> RouteSyntaxError:
        return RouteSyntaxError(RouteProblem(token.offset, "error", message, remedy))

    def late(self, token: Token, message: str, remedy: str) -> None:
        self.problems.append(RouteProblem(token.offset, "error", message, remedy, late=True))

    def route(self) -> MessageRoute:
        if self.token.kind == "SELECT":
            self.take()
            star = self.take()
            if star.kind != "*":
                raise self.fail(
                    star, f"SELECT is followed by {_quote_token(star)}", "Write SELECT * FROM …, or leave SELECT * out."
                )
        if self.token.kind != "FROM":
            raise self.fail(self.token, f"{_quote_token(self.token)} stands where FROM should", FORM)
        self.take()
        source = self.source()
        condition = None
        if self.token.kind == "WHERE":
            self.take()
            condition = self.expression(0)
        if self.token.kind != "INTO":
            raise self.unexpected("INTO")
        self.take()
        sink, path = self.sink()
        self.check_rest()
        return MessageRoute(tuple(source), condition, sink, path, tuple(self.problems))

    def source(self) -> list[Token]:
        start = self.token
        if start.kind != "/":
            text = "nothing" if start.kind in ("INTO", "WHERE", END) else _quote_token(start)
            raise self.fail(start, f"the source is {text}, and does not begin with /", "For example /messages/*.")
        parts: list[Token] = []
        while self.token.kind == "/":
            slash = self.take()
            part = self.token
            if part.kind in ("*", "name"):
                parts.append(self.take())
            elif part.kind in ("INTO", "WHERE", END) and parts:
                raise self.fail(slash, "the source ends with /", "Take the last / away, or write /*.")
            else:
                raise self.bad_part(part)
        if self.token.kind in ("<", "{"):
            raise self.bad_part(parts[-1])
        for comment in self.comments:
            inside = start.offset < comment.offset < self.token.offset
            if inside and not self.text[comment.offset - 1].isspace():
                self.problems.append(
                    RouteProblem(
                        comment.offset, "warning", f"{one_line(comment.text, 40)} in the source is a comment to edgeHub",
                        "A * counts at the end of a source only; write WHERE for the rest.",
                    )
                )  # fmt: skip
        return parts

    def bad_part(self, part: Token) -> RouteSyntaxError:
        text = _quote_token(part)
        whole = re.split(r"[/\s]", self.text[part.offset :], maxsplit=1)[0]
        if re.search(r"[<{]|\A\$", whole):
            remedy = "Put the module's name in its place; it has no $, < or {."
            return self.fail(part, f'"{one_line(whole, 60)}" in the source was never filled in', remedy)
        if is_keyword(part.kind) or part.kind in _NUMBERS:
            what = "a number" if part.kind in _NUMBERS else "a word of its own"
            remedy = f"Rename it, or write FROM /messages/* WHERE $connectionModuleId = '{one_line(part.text, 60)}'."
            return self.fail(part, f"edgeHub takes {text} in a source for {what}", remedy)
        remedy = 'A name there has none of ( ) < > @ , ; : \\ " / [ ] ? = { } and no blank.'
        return self.fail(part, f"{text} in the source is no name", remedy)

    def sink(self) -> tuple[Token, str | None]:
        sink = self.take()
        if sink.kind == "system":
            return sink, None
        if sink.kind == END:
            raise self.fail(sink, "it has no sink behind INTO", "Write INTO $upstream.")
        if sink.kind != "name":
            raise self.fail(sink, f"{_quote_token(sink)} behind INTO is no sink", FORM)
        if self.token.kind != "(":
            if sink.text.lower() == "upstream":
                raise self.fail(sink, "upstream lacks its $", "Write INTO $upstream.")
            raise self.fail(self.token, f"{_quote_token(sink)} behind INTO is no sink", FORM)
        self.take()
        path = self.take()
        if path.kind != "string":
            remedy = f'Write {one_line(sink.text, 40)}("/modules/M/inputs/I"), with one kind of quotes.'
            raise self.fail(path, f"{_quote_token(path)} stands where the sink's path in quotes should", remedy)
        if self.token.kind != ")":
            raise self.fail(self.token, "the sink's parenthesis is not closed", "Close it with ).")
        self.take()
        return sink, path.text[1:-1]

    def check_rest(self) -> None:
        rest = self.token
        if rest.kind == "WHERE":
            message = "the condition stands behind the sink, where edgeHub passes over it: every message goes through"
            self.problems.append(RouteProblem(rest.offset, "error", message, "Write it before INTO."))
        elif rest.kind != END:
            message = f"edgeHub passes over everything behind the sink, from {_quote_token(rest)} on"
            self.problems.append(RouteProblem(rest.offset, "warning", message, "Delete it."))

    def expression(self, level: int) -> Expression:
        self.nesting += 1
        if self.nesting > _DEEPEST:
            raise self.fail(self.token, f"the condition is nested deeper than {_DEEPEST} levels", "Write it shorter.")
        left = self.operand()
        while (operator := self.token).kind in _LEVELS and _LEVELS[operator.kind] >= level:
            self.take()
            if operator.kind == "unknown":
                self.late_unknown(operator)
            left = Binary(operator, left, self.expression(_LEVELS[operator.kind] + 1))
        self.nesting -= 1
        return left

    def operand(self) -> Expression:
        token = self.take()
        if token.kind in ("-", "NOT"):
            return Unary(token, self.expression(_PREFIX_LEVEL))
        if token.kind == "(":
            return self.parenthesis(token)
        if token.kind in _LITERALS:
            if token.kind == "unterminated":
                self.late(token, f"the text {one_line(token.text, 40)} is not closed", "Close it with the quote it begins with.")
            return Value(token)
        if token.kind == "system":
            return Property(token)
        if token.kind == "name":
            return self.call(token) if self.token.kind == "(" else Property(token)
        if token.kind == "{":
            name = self.take()
            if name.kind != "system" or self.token.kind != "}":
                raise self.fail(name, f"{_quote_token(name)} in braces is no system property", "Write {$name}.")
            self.take()
            return Property(name, escaped=True)
        if token.kind == "unknown":
            self.late_unknown(token)
            return self.expression(0) if self.token.kind in _FIRST else Value(token)
        self.index -= token.kind != END
        raise self.unexpected("a value")

    def parenthesis(self, opening: Token) -> Expression:
        self.depth += 1
        inside = self.expression(0)
        self.depth -= 1
        if self.token.kind == ")":
            self.take()
            self.nested += 1
            self.check_closing()
        else:
            self.late(opening, "this parenthesis is not closed", "Close it with ).")
        return inside

    def call(self, name: Token) -> Expression:
        self.take()
        arguments: list[Expression] = []
        nested = self.nested
        self.depth += 1
        while self.token.kind != ")" or arguments:
            arguments.append(self.expression(0))
            if self.token.kind != ",":
                break
            self.take()
        self.depth -= 1
        if self.token.kind == ")":
            self.take()
            self.check_closing()
        elif self.nested > nested:  # the grammar gives the function the inner one's, and lets that one stand open
            self.late(name, f"a parenthesis of {one_line(name.text, 40)}(…) is not closed", "Close it with ).")
        else:
            raise self.unexpected(f'")" or a comma in {one_line(name.text, 40)}(…)')
        return Call(name, tuple(arguments))

    def check_closing(self) -> None:
        if self.token.kind == ")" and not self.depth:
            self.late(self.take(), "this parenthesis closes none", "Delete it, or open one.")

    def late_unknown(self, token: Token) -> None:
        self.late(token, f"edgeHub's conditions know no {_quote_token(token)}", "Delete it, or put it into quotes.")

    def unexpected(self, instead: str) -> RouteSyntaxError:
        token, before = self.token, self.tokens[self.index - 1]
        if before.kind == "unterminated":
            return self.fail(
                before, f"the text {one_line(before.text, 40)} is not closed", "Close it with the quote it begins with."
            )
        if token.kind == "=" and before.kind == "=":
            return self.fail(before, "== is no operator of edgeHub", "Write = once.")
        if token.kind == END:
            return self.fail(token, f"the route ends where {instead} should stand", FORM)
        remedy = _ELSEWHERE.get(token.text.lower(), FORM)
        if token.kind == "path":
            remedy = "Only $body takes an index: $body.list[0]."
        elif token.kind in ("integer", "real") and token.text.startswith("-"):
            remedy = "Put a blank behind the minus: a - 1."
        return self.fail(token, f"{_quote_token(token)} stands where {instead} should", remedy)


def _quote_token(token: Token) -> str:
    if token.kind == END:
        return "its end"
    strange = next((letter for letter in token.text if not letter.isprintable() or letter.isspace()), "")
    if strange and token.kind != "string":
        return f'"{one_line(token.text, 40)}", which holds the unseen character U+{ord(strange):04X},'
    return f"the text {one_line(token.text, 60)}" if token.kind == "string" else f'"{one_line(token.text, 60)}"'
