"""azure-eventhub's consumer client for an endpoint: how it is reached, and whom it trusts."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from services.errors import OperatorError
from services.records import EventEndpoint
from services.text import one_line

Client = TypeVar("Client")


def consumer(kind: type[Client], endpoint: EventEndpoint, **options: Any) -> Client:
    """Return a client of ``kind`` (the SDK's EventHubConsumerClient, the synchronous or the aio one) that makes no tries of its own."""
    from azure.eventhub import TransportType

    log = logging.getLogger("azure.eventhub")
    if not log.handlers:  # without one the SDK's warnings would be written over the screen
        log.addHandler(logging.NullHandler())
    if endpoint.ca_file:
        options["connection_verify"] = endpoint.ca_file
    if endpoint.proxy:
        options["http_proxy"] = proxy_settings(endpoint.proxy, with_scheme=".aio" in kind.__module__)
    websocket = endpoint.transport == "websocket" or bool(endpoint.proxy)
    sdk: Any = kind
    options |= {
        "consumer_group": endpoint.consumer_group,
        "eventhub_name": endpoint.entity,
        "transport_type": TransportType.AmqpOverWebsocket if websocket else TransportType.Amqp,
        "retry_total": 0,
    }
    client: Client
    if endpoint.credential is None:
        client = sdk.from_connection_string(endpoint.connection_string.reveal(), **options)
    else:
        credential = endpoint.credential
        if ".aio" in kind.__module__:
            credential = _InThread(credential)
        client = sdk(endpoint.namespace, credential=credential, **options)
    return client


class _InThread:
    """A credential as azure-eventhub's asynchronous client wants it: asking the sign-in must not hold up what is received."""

    def __init__(self, credential: Any) -> None:
        self._credential = credential

    async def get_token(self, *scopes: str, **options: Any) -> Any:
        return await asyncio.to_thread(self._credential.get_token, *scopes, **options)


def proxy_settings(proxy: str, *, with_scheme: bool) -> dict[str, Any]:
    """Return ``http://user:password@host:port`` as azure-eventhub wants it.

    Its asynchronous transport makes a URL of host and port for aiohttp, which takes none without a scheme; its synchronous one
    looks the host up as it is (5.15.1). Raises OperatorError where it is no such URL.
    """
    try:
        parts = urlsplit(proxy if "//" in proxy else f"http://{proxy}")
        host, port = parts.hostname or "", parts.port or 8080
    except ValueError:  # its text may hold the password
        host, port = "", 0
    if not host:
        raise OperatorError(
            f"{one_line(proxy.rpartition('@')[2], 120)} is no proxy's address.",
            remedy="Write it as http://HOST:PORT, in proxy of the context's events.",
            code="context.proxy",
        )
    if with_scheme:
        host = f"http://[{host}]" if ":" in host else f"http://{host}"
    settings: dict[str, Any] = {"proxy_hostname": host, "proxy_port": port}
    if parts.username:
        settings |= {"username": unquote(parts.username), "password": unquote(parts.password or "")}
    return settings
