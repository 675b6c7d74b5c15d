"""Hostile text made harmless, once, at the service boundary.

Textual hands escape sequences of its content to the terminal (docs/facts/textual.md), so that ESC, C1, DEL and bidi controls in a message would
reach the operator's screen. They are replaced by visible stand-ins here.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u00ad\u180e\u200b-\u200d\u2028\u2029\u2060-\u2064\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_HOSTILE = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}{_INVISIBLE}\ud800-\udfff]")
_BREAKS = re.compile(r"[\t\n]+")


def _stand_in(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def clean(text: object, limit: int | None = None) -> str:
    """Return ``text`` with control, escape, bidi and invisible characters replaced; tabs and line feeds stay (carriage returns of CRLF go).

    ``limit`` shortens to that many characters at most: at the end of a word where one is near, marked by an ellipsis.
    """
    plain = _HOSTILE.sub(_stand_in, str(text).replace("\r\n", "\n"))
    if limit is None or len(plain) <= limit:
        return plain
    end = max(limit - 1, 0)
    if not plain[end].isspace():
        gap = max(plain.rfind(" ", 0, end), plain.rfind("\n", 0, end))
        end = gap if gap >= end * 3 // 4 else end
    return plain[:end].rstrip() + "…"


def end_of(text: str, limit: int) -> str:
    """Return the last ``limit`` characters or fewer, from the beginning of a line on; what is left out before is an ellipsis."""
    if len(text) <= limit:
        return text
    part = text[-limit:]
    _, line_feed, lines = part.partition("\n")
    return f"…\n{lines}" if line_feed else f"…{part}"


def one_line(text: object, limit: int | None = None) -> str:
    """Return ``clean`` text on a single line: tabs and line feeds become spaces."""
    return clean(_BREAKS.sub(" ", str(text).replace("\r\n", "\n")), limit)


def counted(count: int, name: str) -> str:
    """Return ``1 message``, ``2,000 messages``: of a name whose plural takes an s."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def paced(rate: float) -> str:
    """Return a rate given in messages a second, by the unit that tells it: ``5,000/s``, ``1.5/s``, ``6/min``, ``2/h``."""
    if rate >= 10 or rate == 0:
        return f"{rate:,.0f}/s"
    if rate >= 0.95:
        return f"{rate:.1f}/s"
    return f"{rate * 60:.0f}/min" if rate * 60 >= 0.95 else f"{max(rate * 3600, 1):.0f}/h"


def json_text(value: Any, indent: int | None = None, ascii_only: bool = False) -> str:
    """Return ``value`` as JSON, with what ``clean`` replaces escaped: nothing is lost to a program, and a terminal obeys none of it.

    With ``ascii_only`` whatever is not ASCII is escaped, too. NaN and infinity, which JSON does not have (RFC 8259 section 6), are
    text.
    """
    try:
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only, default=str, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), indent=indent, ensure_ascii=ascii_only, default=str)
    return _HOSTILE.sub(_escaped, text)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else json.dumps(value)
    if isinstance(value, dict):
        return {str(_finite(name)) if isinstance(name, float) else name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\u{code:04x}" if code < 0x10000 else json.dumps(match.group())[1:-1]


def indented_json(text: str) -> str:
    """Return JSON indented where it is JSON, else as it is; what no terminal may get stays escaped as it came."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return json_text(value, 2)
