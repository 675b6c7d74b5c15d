"""The session's character set: what it lacks is written by a readable stand-in of as many cells, on the screen and by verbs.

In a locale such as ISO-8859-1 Python's standard output raises at the first character that it lacks, and standard error, where
Textual draws, writes ``\\u2713`` for a check mark, six cells instead of one. In the C locale Python takes UTF-8 for its own (PEP 540),
of which an eight-bit terminal obeys some bytes: 0x9b begins a control sequence. Textual reads keys as strict UTF-8
(``textual/drivers/linux_driver.py``, ``run_input_thread``; docs/facts/textual.md), and draws on ``sys.__stderr__``.

Upstream: Textualize/textual#6456 (open; a byte that is no UTF-8 ends the input thread), with a mend offered in #6498.
Delete when Textual reads and writes in the character set of the locale.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Callable

_HANDLER = "dbe-console.stand-in"


def locale_charset() -> str:
    """Return the charset that the session's locale names, as Python calls it: ``utf-8`` where none is named, ``ascii`` for C.

    The environment is read, not Python's locale, which is UTF-8 in the C locale (PEP 538 sets LC_CTYPE, too).
    """
    named = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    if os.environ.get("LC_CTYPE") == "C.UTF-8" and not os.environ.get("LC_ALL"):
        named = os.environ.get("LANG") or named  # it may be Python's own doing
    if not named or "utf" in named.lower():
        return "utf-8"
    name = named.partition("@")[0].partition(".")[2]
    try:
        return codecs.lookup(name).name if name else "ascii"
    except LookupError:
        return "ascii"


def configure_streams() -> None:
    """Let standard output and standard error replace what their character set lacks; on a terminal it is that of the locale."""
    codecs.register_error(_HANDLER, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        own = codecs.lookup(stream.encoding).name
        charset = locale_charset() if own == "utf-8" and stream.isatty() else own
        stream.reconfigure(encoding=charset, errors=_HANDLER)


def configure_keyboard() -> None:
    """Let Textual read keys in the session's character set: it takes all for UTF-8, and ends at the first byte that is not."""
    from textual.drivers import linux_driver

    charset = locale_charset()
    decoder = codecs.getincrementaldecoder("utf-8" if charset == "ascii" else charset)

    def replacing(name: str) -> Callable[[], codecs.IncrementalDecoder]:
        return lambda: decoder("replace")

    linux_driver.getincrementaldecoder = replacing  # type: ignore[attr-defined,assignment]  # textual 8.2 has no option for it


def lacks_unicode(encoding: str | None) -> bool:
    """Return whether text for programs has to be escaped, by the stream's charset or the locale's."""
    return codecs.lookup(encoding or "ascii").name != "utf-8" or locale_charset() != "utf-8"


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(stand_in, error.object[error.start : error.end])), error.end


def stand_in(character: str) -> str:
    """Return ASCII for a character, of as many cells: our own signs', a letter without its accent, else question marks."""
    from rich.cells import cell_len

    from widgets.symbols import ascii_sign

    cells = cell_len(character)
    plain = ascii_sign(character) or unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain if len(plain) == cells and plain.isprintable() else "?" * cells
