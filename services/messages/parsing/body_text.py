"""A body's text: unpacked and decoded as its sender declared it, and as it shows itself where it was packed without a word."""

from __future__ import annotations

import codecs
import zlib
from typing import NamedTuple

_UNPACKED_LIMIT = 1024 * 1024  # of what a packed body may unpack to
_GZIP, _ZLIB, _BARE = 31, 15, -15  # zlib's windows
# Python's names. Its others (idna, unicode_escape, …) are no charsets of messages, and some take quadratic time.
_CHARSETS = frozenset((
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "ascii", "iso8859-1", "iso8859-2",
    "iso8859-5", "iso8859-9", "iso8859-15", "cp1250", "cp1251", "cp1252", "cp1254", "koi8-r", "shift_jis", "cp932", "euc_jp",
    "euc_kr", "gbk", "gb2312", "gb18030", "big5",
))  # fmt: skip


class _Unpacked(NamedTuple):
    """The first MiB of what a packed body holds, and whether that is all."""

    body: bytes
    whole: bool


def decode(body: bytes, content_type: str = "", content_encoding: str = "") -> str | None:
    """Return the body's text by its declared charset and compression, UTF-8 where none is declared; None where it is not text.

    A body that is declared as packed and is not is read as it stands. UTF-16 is never guessed.
    """
    charset, whole = "utf-8", True
    for name in (content_encoding, _charset(content_type)):
        for part in name.lower().replace(" ", "").split(","):
            if part in ("gzip", "x-gzip", "deflate"):
                unpacked = _unpack(body, (_GZIP,) if part != "deflate" else (_ZLIB, _BARE))
                if unpacked is not None:
                    body, whole = unpacked
            elif part:
                charset = _charset_name(part) or charset
    if not whole:
        return body.decode(charset, "replace") + " …"
    try:
        return body.decode(charset)
    except UnicodeDecodeError:
        if charset == "utf-8":
            return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def unpacked_text(body: bytes) -> str | None:
    """Return the text of a body that begins as gzip or zlib does, or is a whole deflate stream; None where it is none of them."""
    if body[:3] == b"\x1f\x8b\x08":
        windows: tuple[int, ...] = (_GZIP,)
    elif body[:1] == b"\x78" and len(body) > 1 and int.from_bytes(body[:2], "big") % 31 == 0:
        windows = (_ZLIB,)
    else:
        windows = (_BARE,)
    unpacked = _unpack(body, windows)
    if unpacked is None or not unpacked.body or (windows == (_BARE,) and not unpacked.whole):
        return None
    if not unpacked.whole:
        return unpacked.body.decode("utf-8", "replace") + " …"
    try:
        return unpacked.body.decode()
    except UnicodeDecodeError:
        return None


def _charset(content_type: str) -> str:
    _, charset, rest = content_type.lower().partition("charset=")
    return rest.split(";")[0].strip("\"' ") if charset else ""


def _charset_name(charset: str) -> str | None:
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    return name if name in _CHARSETS else None


def _unpack(body: bytes, windows: tuple[int, ...]) -> _Unpacked | None:
    """Unpack with the first of zlib's ``windows`` that fits; None where none does."""
    for window in windows:
        unpacking = zlib.decompressobj(window)
        try:
            return _Unpacked(unpacking.decompress(body, _UNPACKED_LIMIT), unpacking.eof)
        except zlib.error:
            continue
    return None
