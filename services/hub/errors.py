"""A hub's error replies, and no reply at all, made into evidence and explained by the diagnosis room's rules."""

from __future__ import annotations

import json
import re
import socket
import ssl

from services.diagnosis import explain
from services.diagnosis.mask import mask
from services.errors import OperatorError
from services.records import Evidence
from services.text import clean

_NUMBER = re.compile(r'errorCode\\*"?\s*[:=]\s*\\*"?(\d{6})', re.IGNORECASE)
_NAME = re.compile(r"ErrorCode:\s*([A-Za-z]\w*)")


def reply_error(status: int, body: str) -> OperatorError:
    """The error for an HTTP reply of status 400 and above.

    Bodies come as ``{"Message": "ErrorCode:DeviceNotOnline;…", "ExceptionMessage": …}``, where Message may itself hold JSON
    with a
    six-figure ``errorCode``; a proxy may answer with anything.
    """
    message = body
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        parsed = None
    if isinstance(parsed, dict):
        message = str(parsed.get("Message") or parsed.get("message") or body)
    number = _NUMBER.search(body)
    name = _NAME.search(body)
    code = number.group(1) if number else name.group(1) if name else ""
    return explain(Evidence(source="hub", status=status, code=code, text=clean(mask(message), 2000)))


def network_error(host: str, error: BaseException) -> OperatorError:
    """The error for a conversation that broke before a reply was there: name, refused, TLS, timeout or cut, told apart by
    the chain of causes."""
    chain = _chain(error)
    text = clean(mask(f"{host}: {chain[0]}"), 500)
    return explain(Evidence(source="network", code=_kind(chain), text=text))


def _kind(chain: list[BaseException]) -> str:
    names = {type(link).__name__ for link in chain}
    if any(isinstance(link, ssl.SSLError) for link in chain) or "SSLError" in names:
        return "SSLError"
    if any(isinstance(link, socket.gaierror) for link in chain) or "NameResolutionError" in names:
        return "gaierror"
    if "ProxyError" in names:
        return "ProxyError"
    if any(isinstance(link, ConnectionRefusedError) for link in chain):
        return "ECONNREFUSED"
    if names & {"ReadTimeout", "ReadTimeoutError"}:
        return "ReadTimeout"
    if any(isinstance(link, TimeoutError) for link in chain) or "ConnectTimeout" in names:
        return "ETIMEDOUT"
    return "ECONNRESET"


def _chain(error: BaseException | None) -> list[BaseException]:
    """``error`` and what is below it: causes, contexts, and the exceptions that requests and urllib3 keep as arguments or
    reasons."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        link = waiting.pop(0)
        if link is None or any(link is known for known in seen):
            continue
        seen.append(link)
        below = [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
        waiting += [item for item in below if isinstance(item, BaseException)]
    return seen
