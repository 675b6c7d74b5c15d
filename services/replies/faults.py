"""What can be wrong with a reply, in an operator's words."""

from __future__ import annotations

from typing import Literal

from services.errors import OperatorError
from services.masking import mask
from services.text import clean, one_line

Fault = Literal["redirect", "short", "garbled", "large", "slow", "page", "empty", "content", "status", "elsewhere", "clear"]

_BETWEEN = "Something between here and there, a proxy or a sign-in page, answers in its place, or the name is another service's."
_CHECK = "Check the host in the context, and the proxies on the way: dbe-console doctor."
_AGAIN = "Try again; where it stays so, look at the network and the proxies on the way: dbe-console doctor."

# What happened (of the service, after its name), the cause, the remedy.
_WORDS: dict[Fault, tuple[str, str, str]] = {
    "redirect": ("sent us to another address instead of answering", _BETWEEN, _CHECK),
    "short": ("sent a reply that is not whole", "The line was cut, or something on the way cut the reply.", _AGAIN),
    "garbled": ("sent a reply that cannot be read", _BETWEEN, _CHECK),
    "large": ("sent a reply that does not end, or is larger than any of its replies may be", _BETWEEN, _CHECK),
    "slow": ("did not finish its reply in time", "The line is very slow, or something on the way holds the reply back.", _AGAIN),
    "page": ("answered with a web page", _BETWEEN, _CHECK),
    "empty": ("sent an empty reply where content is owed", _BETWEEN, _CHECK),
    "content": ("sent a reply of another form than was asked for", _BETWEEN, _CHECK),
    "status": ("answered with a status that does not belong to the question", _BETWEEN, _CHECK),
    "elsewhere": (
        "names an address that our sign-in is not meant for",
        "A reply, or the context, leads to another host; the request was not sent.",
        "Check the hosts in the context; where the service was moved, name its new host there.",
    ),
    "clear": (
        "would be asked without encryption",
        "A key or a password goes over https only; the request was not sent.",
        "Name the service by https.",
    ),
}


def reply_fault(fault: Fault, subject: str, code: str, detail: str = "", body: bytes | str = "") -> OperatorError:
    """Return the error for a reply of ``subject`` ("The hub") that does not count; ``detail`` is a sentence, ``body`` what came."""
    happened, cause, remedy = _WORDS[fault]
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    return OperatorError(
        f"{subject} {happened}.",
        cause=f"{one_line(mask(detail), 300)} {cause}".strip(),
        remedy=remedy,
        code=code,
        raw=clean(mask(text[:8_000]), 2_000),
    )
