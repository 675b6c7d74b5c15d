"""What devices and modules send over AMQP: messages to the cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.lab.cloud.hub import Hub, HubError
from services.lab.cloud.hub.events import auth_method
from services.lab.cloud.hub.sas import Grant

from .links import Link, Refusal
from .messages import read_message

if TYPE_CHECKING:
    from .session import Session

# AMQP's properties, and annotations of a message, as the event has them.
_PROPERTIES = {
    "message_id": "message-id",
    "correlation_id": "correlation-id",
    "user_id": "user-id",
    "content_type": "content-type",
    "content_encoding": "content-encoding",
}
_ANNOTATIONS = ("iothub-interface-id", "dt-subject", "iothub-creation-time-utc")
_CONDITIONS = {
    404: "amqp:not-found",
    413: "amqp:link:message-size-exceeded",
    403: "amqp:resource-limit-exceeded",
    401: "amqp:unauthorized-access",
}


class TelemetryLink(Link):
    """Takes messages of one device or module. ``grant`` is what it was let in with."""

    role = True

    def __init__(
        self, session: Session, attach: dict[str, Any], address: str, hub: Hub, device: str, module: str, grant: Grant
    ) -> None:
        super().__init__(session, attach, address)
        self._hub, self._device, self._module = hub, device, module
        self._method = auth_method("hub" if grant.policy else "module" if module else "device")

    async def opened(self) -> None:
        """See Link."""
        self.credit = 100
        await self.session.send_flow(self)

    async def message(self, payload: bytes) -> None:
        """See Link."""
        message = read_message(payload)
        body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
        system = {name: text_of(message.properties[key]) for key, name in _PROPERTIES.items() if message.properties.get(key)}
        system |= {name: text_of(message.annotations[name]) for name in _ANNOTATIONS if message.annotations.get(name)}
        try:
            system["iothub-connection-auth-generation-id"] = self._hub.identity(self._device, self._module).generation
            system["iothub-connection-auth-method"] = self._method
            self._hub.device_message(self._device, self._module or None, body, message.application_properties, system)
        except HubError as error:
            raise refusal_of(error) from error


def refusal_of(error: HubError) -> Refusal:
    """Return a hub's refusal as a link tells it: AMQP's condition, and the hub's own error as JSON in its description."""
    return Refusal(_CONDITIONS.get(error.status, "amqp:internal-error"), error.device_text(), {"com.microsoft:is-filtered": True})


def text_of(value: Any) -> str:
    """Return a property as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
