"""``/messages/devicebound``: messages from the service to a device, as azure-iot-hub sends them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from services.lab.cloud.hub import Hub, HubError

from .device_links import text_of
from .links import Link, Refusal
from .messages import read_message

if TYPE_CHECKING:
    from .session import Session

_TO = re.compile(r"/devices/(?P<device>[^/]+)/messages/devicebound", re.IGNORECASE)
_CONDITIONS = {404: "amqp:not-found", 413: "amqp:link:message-size-exceeded"}
_SYSTEM = ("message_id", "correlation_id", "user_id", "content_type", "content_encoding")


class CloudToDeviceLink(Link):
    """Takes messages; the hub hands them to the device or refuses."""

    role = True

    def __init__(self, session: Session, attach: dict[str, Any], address: str, hub: Hub) -> None:
        super().__init__(session, attach, address)
        self._hub = hub

    async def opened(self) -> None:
        """See Link."""
        self.credit = 100
        await self.session.send_flow(self)

    async def message(self, payload: bytes) -> None:
        """See Link."""
        message = read_message(payload)
        match = _TO.fullmatch(str(message.properties.get("to") or ""))
        if match is None:
            raise Refusal("amqp:invalid-field", "The message's 'to' names no device.")
        body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
        expires = message.properties.get("absolute_expiry_time")
        system = {name: text_of(message.properties[name]) for name in _SYSTEM if message.properties.get(name) is not None}
        try:
            seconds = int(expires) / 1000 if isinstance(expires, int) and expires > 0 else None
            self._hub.send_to_device(match["device"], body, message.application_properties, system, seconds)
        except HubError as error:
            condition = _CONDITIONS.get(error.status, "amqp:resource-limit-exceeded")
            raise Refusal(condition, f"(condition='{error.name}') {error.message}") from error
