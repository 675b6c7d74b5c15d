"""No reply at all: why a conversation broke, told by the chain of causes, in the operator's words."""

from __future__ import annotations

import socket
import ssl

from services.diagnosis import explain
from services.errors import OperatorError
from services.masking import mask
from services.records import Evidence
from services.text import clean

_LINKS = 3  # of the chain that are quoted below the first, where it does not quote them itself


def network_error(host: str, error: BaseException) -> OperatorError:
    """Return the error for a conversation that broke before a reply was there.

    Name, refused, TLS, timeout or cut, told apart by the chain of causes.
    """
    chain = _chain(error)
    below = [f"{type(link).__name__}: {link}" for link in chain[1:] if str(link) not in str(chain[0])]
    text = clean(mask("; ".join((f"{host}: {chain[0]}", *below[:_LINKS]))), 2000)
    return explain(Evidence(source="network", code=_kind(chain), text=text))


def unreachable(subject: str, host: str, error: BaseException, code: str) -> OperatorError:
    """Return the error of a service that cannot be reached: ``subject`` ("The hub"), why, and the SDK's own words in ``raw``."""
    explained = network_error(host, error)
    what = f"{subject} cannot be reached: {explained.what[:1].lower()}{explained.what[1:]}"
    return OperatorError(what, cause=explained.cause, remedy=explained.remedy, code=code, raw=explained.raw)


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
    """Return ``error`` and what is below it: causes, contexts, and what requests and urllib3 keep as arguments or reasons."""
    links: list[BaseException] = []
    waiting = [error]
    while waiting:
        link = waiting.pop(0)
        if link is None or any(link is other for other in links):
            continue
        links.append(link)
        below = [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
        waiting += [item for item in below if isinstance(item, BaseException)]
    return links
