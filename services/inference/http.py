"""Scores on a CPU host.

The classic scoring endpoint of Azure ML, ``POST /score`` with the input as the body, ``GET /`` for its health.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from services.errors import OperatorError
from services.inference.failures import explain_http

_LIMIT = 16 * 1024 * 1024  # bytes of an answer that are read


class HttpScorer:
    """Asks a CPU host at ``address:port``.

    Failures are OperatorErrors. ``ca_file`` names a private CA in PEM; ``key`` the service's key.
    """

    def __init__(self, address: str, port: int = 80, *, use_ssl: bool = False, ca_file: str = "", key: str = "") -> None:
        import requests

        host = f"[{address}]" if address.count(":") > 1 and not address.startswith("[") else address
        self.base = f"{'https' if use_ssl else 'http'}://{host}:{port}"
        self._session = requests.Session()
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
        """The text that ``GET /`` answers with 200 (the image's own says ``Healthy``)."""
        return self._ask("GET", "/", None, "", timeout).decode("utf-8", "replace")

    def score_file(self, path: str | Path, timeout: float = 10.0) -> Any:
        """The answer to a file's bytes, sent as ``application/octet-stream``."""
        return self.score(Path(path).read_bytes(), "application/octet-stream", timeout)

    def score(self, body: bytes, content_type: str, timeout: float = 10.0) -> Any:
        """The decoded answer.

        Scripts often return JSON inside a JSON string: that is decoded too; what is no JSON comes back as text.
        """
        text = self._ask("POST", "/score", body, content_type, timeout).decode("utf-8", "replace")
        try:
            value = json.loads(text)
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            return text

    def _ask(self, method: str, path: str, body: bytes | None, content_type: str, timeout: float) -> bytes:
        import requests

        headers = {"Content-Type": content_type} if body is not None else {}
        try:
            with self._session.request(
                method, self.base + path, data=body, headers=headers, timeout=timeout, stream=True, allow_redirects=False
            ) as response:
                content = response.raw.read(_LIMIT + 1, decode_content=True) or b""
                status = response.status_code
        except (requests.RequestException, OSError) as error:
            raise explain_http(None, type(error).__name__, f"{self.base}: {error}") from error
        if status != 200:
            raise explain_http(status, "", f"{self.base}{path}: {content[:4096].decode('utf-8', 'replace')}")
        if len(content) > _LIMIT:
            raise OperatorError(
                f"The answer of {self.base} is larger than {_LIMIT} bytes.",
                cause="What listens there is no scoring endpoint.",
                remedy="Check the port in the host's create options.",
                code="http.too-large",
            )
        return content
