"""The words of a message route, cut as edgeHub's lexer cuts them: the longest match, of equals the first in the list.

Source: Azure/iotedge, Routing.Core/grammar/GrammarLexer.g4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ESCAPE = r"""\\(?:["'\\]|u[0-9a-fA-F]{4})"""
_DOUBLE, _SINGLE = rf'"(?:{_ESCAPE}|[^"\\])*', rf"'(?:{_ESCAPE}|[^'\\])*"
_NAME_CHARACTERS = r'[^()<>@,;:\\"/\[\]?={} \t\n\r]'
_PATH_CHARACTERS = r'[^()<>@,;:\\"/?={} \t\n\r]'  # with [ and ], for the indexes of $body
_KEYWORDS = ("SELECT", "FROM", "WHERE", "INTO", "AND", "OR", "NOT")
_SYMBOLS = ("{", "}", "(", ")", ",", "+", "-", "*", "/", "%", "=", "!=", "<>", "<=", ">=", ">", "<", "||", "??")
SKIPPED = ("space", "comment")

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    *((keyword, re.compile(keyword, re.IGNORECASE)) for keyword in _KEYWORDS),
    ("string", re.compile(rf"""{_DOUBLE}"|{_SINGLE}'""")),
    ("unterminated", re.compile(f"{_DOUBLE}|{_SINGLE}")),
    ("integer", re.compile(r"-?[0-9]+")),
    ("hex", re.compile(r"0[xX][0-9a-fA-F]+")),
    ("real", re.compile(r"-?[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|-?[0-9]*[eE][+-]?[0-9]+")),
    *((word, re.compile(word)) for word in ("true", "false", "null", "undefined")),
    *((symbol, re.compile(re.escape(symbol))) for symbol in _SYMBOLS),
    ("system", re.compile(rf"\${_PATH_CHARACTERS}+")),
    ("name", re.compile(f"{_NAME_CHARACTERS}+")),
    ("path", re.compile(f"{_PATH_CHARACTERS}+")),
    ("space", re.compile(r"[ \t\r\n]+")),
    ("comment", re.compile(r"/\*.*?\*/", re.DOTALL)),
    ("unknown", re.compile(".", re.DOTALL)),
)
END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a route; ``kind`` is a keyword, a symbol, or a kind of literal or name."""

    kind: str
    text: str
    offset: int


def tokens(text: str) -> Iterator[Token]:
    """Cut ``text`` into tokens, white space and comments included; the last is of kind END."""
    offset = 0
    while offset < len(text):
        kind, end = "", offset
        for name, pattern in _PATTERNS:
            match = pattern.match(text, offset)
            if match and match.end() > end:
                kind, end = name, match.end()
        yield Token(kind, text[offset:end], offset)
        offset = end
    yield Token(END, "", offset)


def is_keyword(kind: str) -> bool:
    """Return whether a token of this kind is a word that no path can hold."""
    return kind in (*_KEYWORDS, "true", "false", "null", "undefined")
