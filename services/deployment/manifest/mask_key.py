"""The key of the digests that tell hidden secrets apart: this machine's own, in a private file beside the history, never in it."""

from __future__ import annotations

import functools
import hashlib
import hmac
import os
import re
import secrets
import stat
from pathlib import Path

from services.contexts.paths import state_folder
from services.files import FileError, private_folder, remove, write_new
from services.masking import MASK, Hide

_NAME = "mask.key"
_KEY = re.compile(r"[0-9a-f]{64}")
_DIGITS = 6  # 24 bits: a change goes unseen once in 16 million, and a guess cannot be proved


def hide_with_digest() -> Hide:
    """Return what hides a secret behind ``•••(a1b2c3)``: the same for the same secret on this machine."""
    key = _key_in(state_folder())

    def hide(secret: str) -> str:
        digest = hmac.new(key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        return f"{MASK}({digest[:_DIGITS]})"

    return hide


@functools.lru_cache(maxsize=8)
def _key_in(folder: Path) -> bytes:
    """Return the key of a state folder, made where there is none.

    Where it cannot be kept, the key is this process's alone: what is written with it can still be told from what is missing,
    and compared within one run.
    """
    path = folder / _NAME
    try:
        if key := _read(path):
            return key
        private_folder(folder)
        remove(path)  # cut short, or of somebody else
        write_new(path, secrets.token_hex(32))
    except FileError:
        pass  # another console was first, or nothing can be written: the next look tells which
    except OSError:
        return secrets.token_bytes(32)
    try:
        return _read(path) or secrets.token_bytes(32)
    except OSError:
        return secrets.token_bytes(32)


def _read(path: Path) -> bytes | None:
    """Return the key in a file; None where the file is missing, not the user's own, open to others, or no key."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
        status = os.fstat(file.fileno())
        text = file.read(100).strip()
    private = status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077
    return bytes.fromhex(text) if private and _KEY.fullmatch(text) else None
