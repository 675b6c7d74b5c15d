"""Where a hub's messages are received: its built-in Event Hub-compatible endpoint, or an Event Hub that it routes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from services.records.secret import Secret


@dataclass(frozen=True, slots=True)
class EventEndpoint:
    """An Event Hub-compatible endpoint and how it is reached.

    ``namespace`` is the host of the Event Hubs namespace, ``entity`` the Event Hub's name; together they are the identity under
    which a journal keeps messages. It is opened by ``credential``, azure-core's TokenCredential, or else by its key: ``connection_string`` is ``Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…;EntityPath=…``.
    """

    namespace: str
    entity: str
    connection_string: Secret
    consumer_group: str = "$Default"
    ca_file: str = ""  # a private CA, PEM
    transport: Literal["amqp", "websocket"] = "amqp"
    proxy: str = ""  # http://[user:password@]host:port, for websockets
    credential: Any = field(default=None, repr=False, compare=False)
