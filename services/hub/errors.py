"""A hub's error replies, made into evidence and explained by the diagnosis room's rules."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from services.diagnosis import explain
from services.errors import OperatorError
from services.masking import mask
from services.records import Evidence
from services.text import clean

_NAME = re.compile(r"\s*ErrorCode:\s*(\w{1,80})")
_CODE = re.compile(r"\w{1,80}")
_NESTED = 4  # texts within texts; two are known


def reply_error(
    status: int,
    body: str,
    headers: Mapping[str, str] | None = None,
    now: datetime | None = None,
    *,
    token: bool = False,
) -> OperatorError:
    """Return the error for an HTTP reply of status 400 and above.

    Bodies are ``{"Message": "ErrorCode:DeviceNotOnline;…", "ExceptionMessage": …}``, where Message may itself be the text of a
    JSON object with a number under ``errorCode`` and ``message``; the header ``iothub-errorcode`` has the name again
    (ExceptionHandlingHelper.cs of azure-iot-sdk-csharp). A proxy may answer with anything. ``Date`` among the headers is compared
    with ``now``: of a refused token that tells whether the clock is to blame. ``token``: the sign-in's was shown, and no key's.
    """
    headers = headers or {}
    codes, message = _codes(body)
    name = _CODE.fullmatch(str(headers.get("iothub-errorcode", "")).strip())
    if name and name[0] not in codes:
        codes.append(name[0])
    return explain(
        Evidence(
            source="hub",
            status=status,
            code=" ".join(codes),
            text=clean(mask(message or body), 2000),
            skew=_skew(headers, now or datetime.now(timezone.utc)),
            token=token,
        )
    )


def _codes(body: str) -> tuple[list[str], str]:
    """Return the reply's own codes, names and numbers, and its message as it came.

    Only from where the hub writes its codes, never from what a message quotes.
    """
    codes: list[str] = []
    message = ""
    value: Any = body
    for _ in range(_NESTED):
        if isinstance(value, str):
            match = _NAME.match(value)
            if match:
                codes.append(match[1])
            value = _object(value)
        if not isinstance(value, dict):
            break
        fields = {str(key).lower(): item for key, item in value.items()}
        inner = fields.get("error")
        fields |= {str(key).lower(): item for key, item in inner.items()} if isinstance(inner, dict) else {}
        for key in ("errorcode", "code"):
            code = fields.get(key)
            if isinstance(code, (str, int)) and not isinstance(code, bool) and _CODE.fullmatch(str(code)):
                codes.append(str(code))
        value = fields.get("message")
        if not message and value:
            message = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return list(dict.fromkeys(codes)), message


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _skew(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that ``now`` is ahead of the reply's Date; None where it has none that can be read."""
    try:
        date = parsedate_to_datetime(str(headers.get("Date", "")))
        return (now - (date if date.tzinfo else date.replace(tzinfo=timezone.utc))).total_seconds()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
