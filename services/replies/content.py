"""What a reply holds, as it is owed: a list of objects, an object, or no more than that the request was accepted."""

from __future__ import annotations

from typing import Any, Literal

from services.json_reader import JsonError, read_json
from services.replies.faults import reply_fault

Owed = Literal["list", "object", "acceptance"]


def content_of(status: int, body: bytes, owed: Owed, subject: str, code: str) -> Any:
    """Return the JSON of a reply of status 200 (of 204 too, where ``acceptance`` is owed: None). Raises OperatorError.

    201 and 202 count for nothing: what they begin has not ended. Of a list those items that are no objects are left out, but a list
    is empty only where it was sent empty.
    """
    if owed == "acceptance" and (status == 204 or (status == 200 and not body)):
        return None
    if status != 200:
        fault = reply_fault("empty" if status == 204 else "status", subject, code, f"The status is {status}.", body)
        if status == 202:
            fault.cause = "It has begun something and does not say that it is done (202)."
        raise fault
    if not body.strip():
        raise reply_fault("empty", subject, code)
    try:
        value = read_json(body)
    except JsonError as error:
        raise reply_fault("page" if body.lstrip()[:1] == b"<" else "garbled", subject, code, str(error), body) from None
    if owed == "list":
        items = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
        if not isinstance(value, list) or (value and not items):
            raise reply_fault("content", subject, code, "It is no list of objects.", body)
        return items
    if not isinstance(value, dict):
        raise reply_fault("content", subject, code, "It is no JSON object.", body)
    return value
