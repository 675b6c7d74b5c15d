"""The body of a reply, read and unpacked within bounds of bytes: a gzip of some megabytes may hold gigabytes."""

from __future__ import annotations

import http.client
import zlib
from typing import Any

import urllib3

from services.replies.faults import Fault

_CHUNK = 16 * 1024
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's wbits


class BodyFault(Exception):
    """A body that is not whole, cannot be unpacked, or is too large: the fault, and a sentence."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault: Fault = fault
        self.detail = detail


def read_body(raw: Any, limit: int, method: str = "GET") -> bytes:
    """Return the unpacked body of a ``urllib3.HTTPResponse``, at most ``limit`` bytes, packed or not. Raises BodyFault.

    ``Content-Length`` is compared with what came: urllib3 does so from version 2 on alone.
    """
    if method == "HEAD" or raw.status in (204, 304):
        return b""  # what is announced is what another request would have brought
    parts: list[bytes] = []
    count = 0
    try:
        while chunk := raw.read(_CHUNK, decode_content=False):
            count += len(chunk)
            if count > limit:
                raise _too_large(limit)
            parts.append(chunk)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise BodyFault("slow", "Nothing came for too long.") from error
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
        raise BodyFault("short", f"It ended after {count:,} bytes.") from error
    length = raw.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit() and not raw.headers.get("Transfer-Encoding") and count < int(length[:18]):
        raise BodyFault("short", f"It announced {length[:18]} bytes and sent {count:,}.")
    if not count and not ("Content-Length" in raw.headers or "Transfer-Encoding" in raw.headers):
        raise BodyFault("short", "It ended with its header, or within it.")
    return unpack(b"".join(parts), raw.headers.get("Content-Encoding", ""), limit)


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """Return ``body`` without the ``Content-Encoding`` it came in. Raises BodyFault."""
    name = encoding.strip().lower()
    if name in ("", "identity") or not body:
        return body
    if name in ("gzip", "x-gzip"):
        return _inflated(body, _GZIP, limit)
    if name == "deflate":
        # RFC 9110 means zlib's format by it; some servers send it bare.
        return _inflated(
            body, _ZLIB if body[0] & 0x0F == 8 and len(body) > 1 and not (body[0] << 8 | body[1]) % 31 else _RAW, limit
        )
    raise BodyFault("garbled", "It is packed in a way that was not asked for.")


def _inflated(body: bytes, wbits: int, limit: int) -> bytes:
    parts: list[bytes] = []
    count = 0
    while body:
        stream = zlib.decompressobj(wbits=wbits)
        try:
            part = stream.decompress(body, limit - count + 1)
        except zlib.error:
            raise BodyFault("garbled", "It is said to be packed, and cannot be unpacked.") from None
        count += len(part)
        if count > limit:
            raise _too_large(limit)
        if not stream.eof:
            raise BodyFault("short", "What is packed in it ends too soon.")
        parts.append(part)
        body = stream.unused_data  # gzip may have several members
    return b"".join(parts)


def _too_large(limit: int) -> BodyFault:
    return BodyFault("large", f"It has more than {limit:,} bytes.")
