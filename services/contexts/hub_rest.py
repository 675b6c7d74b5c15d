"""A hub's service API by its REST, for machines without azure-iot-hub.

Source of paths, headers and the signature: azure-iot-hub 2.7.0, protocol/operations and sastoken.py, which this agrees with
call by call (tests/contexts/test_hub_api.py).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from services.contexts.connection_string import fields_of
from services.contexts.hub_api import CONNECT_SECONDS, REPLY_CODE, SUBJECT, TOKEN_SCOPE, HubCredential, HubUnreached
from services.contexts.secrets import ca_path
from services.records import Secret
from services.replies.bounds import Bounds

if TYPE_CHECKING:
    from requests import Response, Session

_API_VERSION = "2021-04-12"
_SIGNATURE_SECONDS = 3600
_RENEW_SECONDS = 300  # before a token expires, as azure-core does


class HubRest:
    """Our own requests to one ``host``, as a HubApi."""

    def __init__(self, host: str, access: Secret | HubCredential, ca_file: str, bounds: Bounds) -> None:
        self.host = host
        self.by_token = not isinstance(access, Secret)
        self._access = access
        self._token = ("", 0.0)  # and when it expires, in Unix seconds
        self._bounds = bounds
        self._verify = ca_path(ca_file) if ca_file else True
        self._sessions = threading.local()

    def devices(self, top: int) -> Response:
        return self._send("GET", "/devices", parameters={"top": str(top)})

    def device(self, device: str) -> Response:
        return self._send("GET", f"/devices/{_quoted(device)}")

    def modules(self, device: str) -> Response:
        return self._send("GET", f"/devices/{_quoted(device)}/modules")

    def module_twin(self, device: str, module: str) -> Response:
        return self._send("GET", _twin(device, module))

    def patch_module_twin(self, device: str, module: str, desired: Mapping[str, Any], etag: str) -> Response:
        quoted_etag = etag if len(etag) > 1 and etag[0] == etag[-1] == '"' else f'"{etag}"'
        body = {"properties": {"desired": dict(desired)}}
        return self._send("PATCH", _twin(device, module), body, {"If-Match": quoted_etag})

    def invoke(
        self, device: str, module: str | None, method: str, payload: Any, response_timeout: int, connect_timeout: int
    ) -> Response:
        body = {
            "methodName": method,
            **({} if payload is None else {"payload": payload}),
            "responseTimeoutInSeconds": response_timeout,
            "connectTimeoutInSeconds": connect_timeout,
        }
        # The read must outlast the method.
        return self._send("POST", f"{_twin(device, module)}/methods", body, seconds=response_timeout + connect_timeout + 10)

    def query(self, text: str, continuation: str | None, top: int) -> Response:
        headers = {"x-ms-max-item-count": str(top), **({"x-ms-continuation": continuation} if continuation else {})}
        return self._send("POST", "/devices/query", {"query": text}, headers)

    def apply(self, device: str, modules_content: Mapping[str, Any]) -> Response:
        body = {"modulesContent": dict(modules_content)}
        return self._send("POST", f"/devices/{_quoted(device)}/applyConfigurationContent", body)

    def configurations(self, top: int) -> Response:
        return self._send("GET", "/configurations", parameters={"top": str(top)})

    def device_statistics(self) -> Response:
        return self._send("GET", "/statistics/devices")

    def service_statistics(self) -> Response:
        return self._send("GET", "/statistics/service")

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        parameters: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> Response:
        from requests import RequestException

        content = {} if body is None else {"Content-Type": "application/json; charset=utf-8"}
        try:
            return self._session().request(
                method,
                f"https://{self.host}{path}",
                params={**(parameters or {}), "api-version": _API_VERSION},
                data=None if body is None else json.dumps(body),
                headers={"Accept": "application/json", "Authorization": self._authorization(), **content, **(headers or {})},
                timeout=(CONNECT_SECONDS, seconds or self._bounds.read_seconds),
                verify=self._verify,
                allow_redirects=False,
            )
        except RequestException as error:
            raise HubUnreached(error) from error

    def _session(self) -> Session:
        from services.replies.session import Service, open_session

        if not hasattr(self._sessions, "own"):
            self._sessions.own = open_session(Service(SUBJECT, REPLY_CODE, (f"https://{self.host}",), self._bounds))
            self._sessions.own.headers["User-Agent"] = "dbe-console"
        session: Session = self._sessions.own
        return session

    def _authorization(self) -> str:
        if isinstance(self._access, Secret):
            return _signature(fields_of(self._access), int(time.time()) + _SIGNATURE_SECONDS)
        text, expiry = self._token
        if expiry - time.time() < _RENEW_SECONDS:
            text, expiry = self._access.get_token(TOKEN_SCOPE)[:2]
            self._token = text, expiry
        return f"Bearer {text}"


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _twin(device: str, module: str | None) -> str:
    return f"/twins/{_quoted(device)}" + ("" if module is None else f"/modules/{_quoted(module)}")


def _signature(fields: Mapping[str, str], expiry: int) -> str:
    """Return a shared access signature for the whole hub, by a policy's key."""
    resource = quote_plus(fields["HostName"])
    digest = hmac.digest(base64.b64decode(fields["SharedAccessKey"]), f"{resource}\n{expiry}".encode(), hashlib.sha256)
    signature = quote(base64.b64encode(digest))
    return f"SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn={fields['SharedAccessKeyName']}"
