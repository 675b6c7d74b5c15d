"""Every error code of IoT Hub that public sources name, one row each: docs/facts/hub-codes-and-routes.md, section 1.

The lists contradict each other (section 1c), so a name that came with the reply decides before its number.
"""

from __future__ import annotations

import re
from functools import lru_cache

from services.diagnosis.hub_codes import identities, requests, rights, service
from services.diagnosis.hub_codes.row import HubCode

CODES: tuple[HubCode, ...] = rights.CODES + identities.CODES + requests.CODES + service.CODES
_CODES = frozenset(code.lower() for row in CODES for code in row.codes)
# Where a reply's own code stands: at its head, never further in, where the hub may quote a device or a message.
_HEAD = re.compile(r"\A[\s{\"\\]*(?:Message[\s\"\\:]*)?[\s{\"\\]*ErrorCode[\s\"\\:=]*(\w{1,80})", re.IGNORECASE)
_WORD = re.compile(r"\w+")


def deciding_code(code: str, text: str) -> str:
    """Return the one code of the catalogue, in lower case, that a reply's codes or the head of its text name.

    Codes stand with blanks between them. A name goes before a number; empty where none is known.
    """
    return _deciding(code[:200], text[:200])


@lru_cache(maxsize=256)
def _deciding(code: str, head: str) -> str:
    match = _HEAD.search(head)
    words: list[str] = [word.lower() for word in (*_WORD.findall(code), *([match[1]] if match else []))]
    codes = [word for word in words if word in _CODES]
    names = [code for code in codes if not code.isdecimal()]
    return (names or codes or [""])[0]
