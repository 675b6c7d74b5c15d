"""Filters of the message stream, typed by an operator.

``device:NAME module:NAME class:TEXT picture:TEXT kind:NAME partition:N confidence>0.9 ms>100 size>1000 offset>=N since:10m until:5m marked: text
"two words" /regular expression/``; all have to hold, and ``!`` before one turns it round. Names may hold ``*``; ``class:`` and
text are parts, whatever their case; ``/…/`` minds the case and ``/…/i`` does not. Regular expressions are RE2's: they take time
in proportion to the text, whatever they say, so that none can stall the console. A module's filter keeps what a client sent as
the device itself, as the sample client does (docs/facts/iot-hub.md); ``module:-`` keeps only that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.errors import UsageError
from services.expressions import compile_expression
from services.messages.parsing.parse import KINDS
from services.messages.start import parse_time
from services.records import CLIENT_KINDS

_TOKEN = re.compile(r'(?<!\s)\s*(!?)(/(?:[^/\\]|\\.)*/i?(?=\s|$)|(?:[a-z]+:)?"(?:[^"\\]|\\.)*"|\S+)')
_LONGEST = 4_000
_COMPARED = re.compile(r"(confidence|conf|ms|size|bytes|offset)(>=|<=|>|<|=|:)(.*)")
_NUMBER = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)(%|ms|s)?")
_FIELDS = ("device", "module", "class", "label", "picture", "kind", "partition", "since", "until", "marked", "text")
_FROM_CLIENT = tuple(number for number, kind in enumerate(KINDS) if kind in CLIENT_KINDS)
# The cast is free, and some builds of SQLite let LIKE match no blobs. The unary plus keeps the planner off the indexes: rows
# are wanted in their order, newest first, and few of them.
_SHOWN = "CAST(coalesce(message.text, message.body) AS TEXT)"
# What a regular expression sees of a message: 64 KiB. Bytes: of a text that is no UTF-8, a function in SQL is never called.
SEARCHED = "CAST(coalesce(substr(coalesce(message.text, message.body), 1, 65536), '') AS BLOB)"  # of nothing, substr gives NULL
# Anchors to the whole text, and flags that are switched off: with them, what is found in one body need not be found in many.
_ONE_ONLY = re.compile(r"\\[AzZ]|\(\?[a-zA-Z]*-")
_COLUMN = {
    "confidence": "message.confidence",
    "conf": "message.confidence",
    "ms": "message.ms",
    "size": "length(message.body)",
    "bytes": "length(message.body)",
    "offset": "CAST(message.offset AS INTEGER)",
}


@dataclass(frozen=True, slots=True)
class Term:
    """One condition as SQL over ``message`` (with its parameters), or a compiled regular expression.

    ``loose`` is found in several bodies joined by line feeds wherever ``expression`` is found in one of them; None where that
    cannot be said.
    """

    sql: str = ""
    values: tuple[object, ...] = ()
    expression: Any = None
    loose: Any = None
    inverse: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as typed, and its terms. An empty one lets everything through."""

    text: str = ""
    terms: tuple[Term, ...] = ()

    @classmethod
    def parse(cls, text: str, now: datetime | None = None) -> Filter:
        """Return the filter that ``text`` says; raises UsageError that names the part that is wrong."""
        if len(text) > _LONGEST:
            raise UsageError(
                f"A filter has {_LONGEST:,} characters at most; this one has {len(text):,}.",
                remedy="Look for a part of the text.",
                code="filter.syntax",
            )
        terms = []
        for match in _TOKEN.finditer(text):
            inverse, word = bool(match.group(1)), match.group(2)
            if word == "!":  # as it is while somebody types
                continue
            terms.append(_term(word, inverse, now))
        return cls(text.strip(), tuple(terms))

    def of_device(self, device: str) -> Filter:
        """Return the filter that lets through only this device's messages besides; the same filter where ``device`` is empty."""
        if not device:
            return self
        term = Term("message.origin IN (SELECT id FROM origin WHERE device = ?)", (device,))
        return replace(self, terms=(term, *self.terms))

    @property
    def empty(self) -> bool:
        """Whether everything passes."""
        return not self.terms

    def where(self) -> tuple[str, list[object]]:
        """Return a condition over ``message`` and its parameters.

        Regular expressions call the SQL function ``matches(number, shown)``.
        """
        return self._join_parts({number: f"matches({number}, {SEARCHED})" for number in self.expressions})

    def where_without_expressions(self) -> tuple[str, list[object]]:
        """Return the condition of ``where`` without its regular expressions."""
        return self._join_parts({})

    def _join_parts(self, calls: dict[int, str]) -> tuple[str, list[object]]:
        parts, values = [], []
        for number, term in enumerate(self.terms):
            sql = term.sql or calls.get(number)
            if sql:
                parts.append(f"NOT coalesce(({sql}), 0)" if term.inverse else f"({sql})")
                values += list(term.values)
        return (" AND ".join(parts) or "1"), values

    @property
    def expressions(self) -> dict[int, Any]:
        """The regular expressions by their terms' numbers."""
        return {number: term.expression for number, term in enumerate(self.terms) if term.expression is not None}

    @property
    def loose(self) -> list[Any]:
        """Expressions that are all found in bodies joined by line feeds if one of these bodies passes."""
        return [term.loose for term in self.terms if term.loose is not None and not term.inverse]


def _term(word: str, inverse: bool, now: datetime | None) -> Term:
    if len(word) > 1 and word.startswith("/") and word.endswith(("/", "/i")):
        return _expression(word, inverse)
    compared = _COMPARED.fullmatch(word.lower())
    if compared:
        name, sign, number = compared.groups()
        return _compare(name, sign, number, word, inverse)
    name, colon, value = word.partition(":")
    if colon and name.lower() in _FIELDS:
        return _field(name.lower(), _unquoted(value), word, inverse, now)
    return _contains(_unquoted(word), inverse)


def _expression(word: str, inverse: bool) -> Term:
    inner = word[1 : word.rindex("/")].replace("\\/", "/")
    any_case = word.endswith("/i")
    expression = compile_expression(inner, ignore_case=any_case)
    loose = None if _ONE_ONLY.search(inner) else compile_expression(f"(?m){inner}", ignore_case=any_case)
    return Term(expression=expression, loose=loose, inverse=inverse)


def _compare(name: str, sign: str, number: str, word: str, inverse: bool) -> Term:
    match = _NUMBER.fullmatch(number)
    if match is None:
        raise UsageError(
            f"{word} compares with no number.",
            remedy=f'Write {name}>20; to search for the text itself, write "{word}".',
            code="filter.syntax",
        )
    value, unit = float(match.group(1)), match.group(2)
    if name == "ms" and unit == "s":
        value *= 1000
    if name.startswith("conf") and (unit == "%" or value > 1):
        value /= 100
    return Term(f"{_COLUMN[name]} {_sign(sign)} ?", (value,), inverse=inverse)


def _sign(sign: str) -> str:
    return "=" if sign == ":" else sign


def _field(name: str, value: str, word: str, inverse: bool, now: datetime | None) -> Term:
    if name == "marked":
        return Term("message.row IN (SELECT row FROM mark)", inverse=inverse)
    if not value:
        raise UsageError(f"{word} says nothing to look for.", remedy=f"Write {name}:VALUE.", code="filter.syntax")
    if name == "device":
        return Term("message.origin IN (SELECT id FROM origin WHERE lower(device) GLOB ?)", (value.lower(),), inverse=inverse)
    if name == "module":
        if value == "-":
            return Term("message.origin IN (SELECT id FROM origin WHERE module = '')", inverse=inverse)
        own = f"message.kind IN {_FROM_CLIENT} AND message.origin IN (SELECT id FROM origin WHERE module = '')"
        named = "message.origin IN (SELECT id FROM origin WHERE lower(module) GLOB ?)"
        return Term(named if inverse else f"{named} OR {own}", (value.lower(),), inverse=inverse)
    if name in ("class", "label"):
        return Term("message.label LIKE ? ESCAPE '\\'", (_like(value),), inverse=inverse)
    if name == "kind":
        kinds = [number for number, kind in enumerate(KINDS) if kind.startswith(value.lower())]
        if not kinds:
            raise UsageError(f"There is no kind {value!r}.", remedy=f"Kinds are {', '.join(KINDS)}.", code="filter.kind")
        return Term(f"message.kind IN ({', '.join(map(str, kinds))})", inverse=inverse)
    if name == "partition":
        return Term("+message.part IN (SELECT id FROM part WHERE partition = ?)", (value,), inverse=inverse)
    if name in ("since", "until"):
        return Term(f"+message.enqueued {'>=' if name == 'since' else '<'} ?", (parse_time(value, now),), inverse=inverse)
    return _contains(value, inverse)  # picture: and text:, which stand in the body


def _contains(text: str, inverse: bool) -> Term:
    return Term(f"{_SHOWN} LIKE ? ESCAPE '\\'", (_like(text),), inverse=inverse)


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _unquoted(word: str) -> str:
    if len(word) >= 2 and word.startswith('"') and word.endswith('"'):
        return re.sub(r"\\(.)", r"\1", word[1:-1])
    return word
