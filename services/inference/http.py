"""Scores on a CPU host.

The classic scoring endpoint of Azure ML, ``POST /score`` with the input as the body, ``GET /`` for its health.
"""

from __future__ import annotations

from typing import Any

from services.inference.failures import explain_http
from services.json_reader import JsonError, read_json
from services.replies.bounds import Bounds
from services.replies.faults import reply_fault

_BOUNDS = Bounds(seconds=5.0)
_CODE = "http.reply"


class HttpScorer:
    """Asks a CPU host at ``address:port``.

    Failures are OperatorErrors. ``ca_file`` names a private CA in PEM; ``key`` the service's key.
    """

    def __init__(
        self, address: str, port: int = 80, *, use_ssl: bool = False, ca_file: str = "", key: str = "", bounds: Bounds = _BOUNDS
    ) -> None:
        from services.replies.session import Service, open_session

        host = f"[{address}]" if address.count(":") > 1 and not address.startswith("[") else address
        self.base = f"{'https' if use_ssl else 'http'}://{host}:{port}"
        self._subject = f"The host at {self.base}"
        self._session = open_session(Service(self._subject, _CODE, (self.base,), bounds))
        self._session.trust_env = False  # a corporate proxy of this machine does not lead to a device beside it
        self._session.verify = ca_file or True
        if key:
            self._session.headers["Authorization"] = f"Bearer {key}"

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def __enter__(self) -> HttpScorer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def healthy(self, timeout: float = 5.0) -> str:
        """Return the text that ``GET /`` answers with 200 (the image's own says ``Healthy``)."""
        return self._ask("GET", "/", None, "", timeout).decode("utf-8", "replace")

    def score(self, body: bytes, content_type: str, timeout: float = 10.0) -> Any:
        """Return the decoded answer.

        Scripts often return JSON inside a JSON string: that is decoded too; plain text comes back as text. A web page, an empty
        answer and JSON that is broken are none.
        """
        content = self._ask("POST", "/score", body, content_type, timeout)
        text = content.decode("utf-8", "replace").strip()
        if not text:
            raise reply_fault("empty", self._subject, _CODE)
        if text.startswith("<"):
            raise reply_fault("page", self._subject, _CODE, body=content)
        try:
            value = read_json(content)
        except JsonError as error:
            if text.startswith(("{", "[", '"')) or "\ufffd" in text:
                raise reply_fault("garbled", self._subject, _CODE, str(error), content) from None
            return text
        return _inner(value) if isinstance(value, str) else value

    def _ask(self, method: str, path: str, body: bytes | None, content_type: str, timeout: float) -> bytes:
        import requests

        headers = {"Content-Type": content_type} if body is not None else {}
        try:
            response = self._session.request(method, self.base + path, data=body, headers=headers, timeout=timeout)
        except (requests.RequestException, OSError) as error:
            raise explain_http(None, type(error).__name__, f"{self.base}: {error}") from error
        content = bytes(response.content)
        if response.status_code != 200:
            text = content[:4096].decode("utf-8", "replace")
            raise explain_http(response.status_code, "", f"{self.base}{path}: {text}")
        return content


def _inner(text: str) -> Any:
    try:
        return read_json(text)
    except JsonError:
        return text
