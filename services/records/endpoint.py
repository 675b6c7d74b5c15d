"""Where a hub's messages are received: its built-in Event Hub-compatible endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.records.secret import Secret


@dataclass(frozen=True, slots=True)
class EventEndpoint:
    """An Event Hub-compatible endpoint and how it is reached.

    ``namespace`` is the host of the Event Hubs namespace, ``entity`` the Event Hub's name; together they are the identity under
    which a journal keeps messages. ``connection_string`` is ``Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…;EntityPath=…``.
    """

    namespace: str
    entity: str
    connection_string: Secret
    consumer_group: str = "$Default"
    ca_file: str = ""  # a private CA, PEM
    transport: Literal["amqp", "websocket"] = "amqp"
    proxy: str = ""  # http://[user:password@]host:port, for websockets
