"""Why a client failed, out of what it says of that: the part of a message that is never cut."""

from __future__ import annotations

import re
from typing import Any

from services.messages.parsing.loose_json import embedded

_BECAUSE = "Unable to inference because "
_LOOKED_THROUGH = 65_536  # characters
# How gRPC's Python client prints an error: status, then details in quotes.
_STATUS = re.compile(r"status = StatusCode\.([A-Z_]{1,40})")
_DETAILS = re.compile(r"details = \"([^\"\n]{1,400})\"")
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]{0,100}: \S")
# The time and the level that a log's line begins with: the row has them already.
_LOG_HEAD = re.compile(r"[-\d\s:.,TZ+\[\]|/]{0,64}(?:ERROR|FATAL|CRITICAL|Error|error)\b[\]:\s|-]*")
_NAMES = ("message", "errorMessage", "error", "exception", "err", "reason", "detail", "details", "description")


def error_reason(text: str) -> str:
    """Return the reason in what a client says of an error; empty where no part of it stands out."""
    text = text[:_LOOKED_THROUGH]
    if text.startswith(_BECAUSE):
        return text[len(_BECAUSE) :].partition("\n")[0].partition(". ")[0]
    value = embedded(text)
    if value is not None:
        return _named(value)
    if "Traceback (most recent call last)" in text or "See stack trace below" in text:
        return _of_trace(text)
    head = _LOG_HEAD.match(text)
    return text[head.end() :] if head and head.end() < len(text) else ""


def _of_trace(text: str) -> str:
    """Return the status that gRPC gives with its details, else the exception: it stands in the last line that names one."""
    status, details = _STATUS.search(text), _DETAILS.search(text)
    if status:
        return f"{status.group(1)}: {details.group(1)}" if details else status.group(1)
    lines = [line for line in text.splitlines()[1:] if line.strip()]
    return next((line for line in reversed(lines) if _EXCEPTION.match(line)), lines[-1].strip() if lines else "")


def _named(value: Any) -> str:
    """Return the text under a name of errors, or in the object that stands under one."""
    if not isinstance(value, dict):
        return ""
    for name in _NAMES:
        item = value.get(name)
        if isinstance(item, str) and item.strip():
            return item
        if isinstance(item, dict) and (inner := _named(item)):
            return inner
    return ""
