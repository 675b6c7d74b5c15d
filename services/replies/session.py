"""A requests session that takes whole replies only, follows no redirect, and gives credentials to the hosts they are meant for.

One transport adapter does it, so that it holds below every SDK that is built on requests (azure-iot-hub, azure-identity, azureml)
as below our own calls.
"""

from __future__ import annotations

import http.client
import io
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from services.replies.body import BodyFault, read_body
from services.replies.bounds import DEFAULT_BOUNDS, Bounds
from services.replies.deadline import POOLS, Deadline
from services.replies.faults import Fault, reply_fault

# What urllib3 and http.client raise of a header, and requests lets pass.
_UNREADABLE = (urllib3.exceptions.HTTPError, http.client.HTTPException, ValueError)
_ONCE = urllib3.Retry(0, read=False)
_LONGEST_PAUSE = 10.0  # seconds that an SDK may be made to wait before its next attempt
_PAUSES = ("Retry-After", "retry-after-ms", "x-ms-retry-after-ms")


@dataclass(frozen=True, slots=True)
class Service:
    """Who is asked: its name in a sentence ("The hub"), the code of its broken replies, the origins that may be given credentials.

    ``origins`` are URLs of which scheme, host and port count; ``check_host`` raises for another host of https that may not be given
    them, and none may where there is no such check. ``redirects``: a 3xx is handed on to whom it may concern.
    """

    subject: str
    code: str
    origins: Collection[str]
    bounds: Bounds = DEFAULT_BOUNDS
    redirects: bool = False
    check_host: Callable[[str], None] | None = None


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a URL, by which two of them are compared; a port that is none is None."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", None
    return parts.scheme, (parts.hostname or "").rstrip("."), port or {"https": 443, "http": 80}.get(parts.scheme)


class ReplyAdapter(HTTPAdapter):
    """Sends requests to ``service`` and reads their replies whole. Raises OperatorError for a reply that does not count."""

    def __init__(self, service: Service) -> None:
        self._service = service
        super().__init__()

    @property
    def max_retries(self) -> urllib3.Retry:
        """None below us: msrest would have urllib3 repeat every 5xx, and drain a body that does not end."""
        return _ONCE

    @max_retries.setter
    def max_retries(self, value: object) -> None:
        return

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools, of connections that a deadline can end."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = dict(POOLS)

    def proxy_manager_for(self, proxy: str, **options: Any) -> urllib3.ProxyManager:
        """Return the pools of a proxy, of such connections too; those of a SOCKS proxy are urllib3's own."""
        manager: urllib3.ProxyManager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = dict(POOLS)
        return manager

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Send ``request``; the response has its body and leaves neither a stream nor a cookie behind."""
        self._check_destination(request)
        request.headers["Accept-Encoding"] = "gzip, deflate"
        service = self._service
        seconds = _read_timeout(options.get("timeout")) + service.bounds.seconds
        with Deadline(seconds) as deadline:
            try:
                response = super().send(request, *arguments, **{**options, "stream": True})
                try:
                    content = read_body(response.raw, service.bounds.bytes, request.method or "")
                except BodyFault as error:
                    response.raw.close()
                    fault: Fault = "slow" if deadline.over else error.fault
                    raise reply_fault(fault, service.subject, service.code, error.detail) from error
            except (requests.RequestException, *_UNREADABLE) as error:
                if deadline.over:
                    detail = f"It was not there after {seconds:.0f} s."
                    raise reply_fault("slow", service.subject, service.code, detail) from error
                if isinstance(error, requests.RequestException) and not isinstance(error, requests.exceptions.InvalidHeader):
                    raise  # there was no reply
                raise reply_fault("garbled", service.subject, service.code, "Its header contradicts itself.") from error
        _settle(response, content)
        # HEAD asks whether anybody is there, and requests follows it nowhere.
        if 300 <= response.status_code < 400 and not service.redirects and request.method != "HEAD":
            _, host, port = origin_of(response.headers.get("Location", ""))
            detail = f"It answered {response.status_code}" + (f" and named {host}:{port}." if host else ".")
            raise reply_fault("redirect", service.subject, service.code, detail)
        return response

    def _check_destination(self, request: requests.PreparedRequest) -> None:
        if "Authorization" not in request.headers:
            return
        service = self._service
        destination = origin_of(request.url or "")
        if destination[0] != "https":
            raise reply_fault("clear", service.subject, service.code, f"The address is at {destination[1]}.")
        if destination in map(origin_of, service.origins):
            return
        if service.check_host is None:
            raise reply_fault("elsewhere", service.subject, service.code, f"The address is at {destination[1]}:{destination[2]}.")
        service.check_host(destination[1])


def _read_timeout(timeout: Any) -> float:
    seconds = timeout[1] if isinstance(timeout, tuple) else timeout
    return float(seconds) if isinstance(seconds, (int, float)) else 30.0


def _settle(response: requests.Response, content: bytes) -> None:
    """Put the body in the place of the stream; without the stream's own header no cookie is taken from it."""
    response._content = content
    response._content_consumed = True  # type: ignore[attr-defined]
    response.encoding = "utf-8"
    response.raw = urllib3.HTTPResponse(io.BytesIO(content), response.headers, response.status_code, preload_content=False)
    for name in _PAUSES:
        if name in response.headers:
            scale = 1000 if name.endswith("-ms") else 1
            response.headers[name] = f"{pause_of(response.headers, name, scale) * scale:.0f}"


def pause_of(headers: Mapping[str, str], name: str = "Retry-After", scale: int = 1) -> float:
    """Return the seconds for which a reply asks us to wait, 0 to 10; 0 where it names none, or none that can be waited for."""
    try:
        seconds = float(headers.get(name, "")) / scale
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_PAUSE) if math.isfinite(seconds) else 0.0


def guard(session: requests.Session, adapter: ReplyAdapter) -> requests.Session:
    """Make ``session`` send by ``adapter`` alone. Proxies of the environment stay; a netrc does not replace our credentials."""
    if session.adapters.get("https://") is not adapter:
        session.adapters.clear()
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        session.auth = _as_it_is
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def open_session(service: Service) -> requests.Session:
    """Return a session for ``service``; close it at the end."""
    return guard(requests.Session(), ReplyAdapter(service))


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
