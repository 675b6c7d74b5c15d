"""One question to a service and the raw reply, for whoever collects evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

ExchangeSource = Literal["hub", "registry", "workspace", "amqp", "events"]
# Headers that a rule reads or that tell who answered; all others stay out, cookies and tokens among them.
_HEADERS = frozenset(
    {
        "content-type",
        "date",
        "docker-content-digest",
        "etag",
        "iothub-errorcode",
        "retry-after",
        "server",
        "via",
        "www-authenticate",
        "x-ms-error-code",
        "x-ms-item-type",
        "x-ms-request-id",
    }
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its raw reply. It may hold secrets: it leaves the process only masked (services.operations.doctor.capture).

    ``body`` is the reply's text as it came, or fields where the reply is no text (an AMQP condition, a message's properties).
    """

    source: ExchangeSource
    request: str  # "GET /devices/edge-1" of the hub, else with scheme and host; without the query
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | Mapping[str, Any] = ""
    sent: str = ""  # the request's own body

    @classmethod
    def of_response(cls, source: ExchangeSource, response: Any, *, body: bool = True) -> Exchange:
        """Return the exchange that a ``requests.Response`` ends; without its text where ``body`` is false."""
        sent = response.request.body or ""
        address = urlsplit(response.request.url)
        place = unquote(address.path if source == "hub" else f"{address.scheme}://{address.netloc}{address.path}")
        return cls(
            source,
            f"{response.request.method} {place}",
            response.status_code,
            {name: value for name, value in response.headers.items() if name.lower() in _HEADERS},
            response.text if body else "",
            sent.decode("utf-8", "replace") if isinstance(sent, bytes) else str(sent),
        )


Observer = Callable[[Exchange], None]
