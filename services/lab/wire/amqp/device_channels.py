"""Twins and direct methods of devices over AMQP: two links that name the same channel, one for each way.

Source: azure-iot-device-amqp's twin and method clients, the .NET device SDK (docs/facts/lab-answers.md, devices over AMQP).
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from services.lab.background_tasks import in_background
from services.lab.cloud.hub import Hub, HubError, device_twin
from services.lab.cloud.hub.method_calls import MethodCalls

from .device_links import text_of
from .links import Link
from .messages import channel_message_bytes, read_message
from .types import Int

if TYPE_CHECKING:
    from .session import Session

_CHANNEL = "com.microsoft:channel-correlation-id"
_DESIRED = "/notifications/twin/properties/desired"


class ChannelLink(Link):
    """The client's receiving half: what the other half, or the hub, has for it leaves as credit allows."""

    def __init__(self, session: Session, attach: dict[str, Any], address: str, hub: Hub, device: str, module: str) -> None:
        super().__init__(session, attach, address)
        self.channel = channel_of(attach)
        self._hub, self._device, self._module = hub, device, module
        self._waiting: deque[bytes] = deque()

    def put(self, message: bytes) -> None:
        """Send a message, soon."""
        self._waiting.append(message)
        self.stir()

    def stir(self) -> None:
        """See Link."""
        if self._waiting and self.credit > 0:
            in_background(self._flush())

    async def _flush(self) -> None:
        try:
            while self._waiting and self.credit > 0 and self.session.remote_window > 0:
                await self.session.send_message(self, self._waiting.popleft())
        except ConnectionError:
            return  # the connection's own reading meets the same end


class MethodChannelLink(ChannelLink):
    """Takes the identity's direct methods for as long as it is attached."""

    async def opened(self) -> None:
        """See Link."""
        self.calls = MethodCalls(self._request)
        self._hub.register_method_handler(self._device, self._module, self.calls.call)

    def closed(self) -> None:
        """See Link."""
        self._hub.register_method_handler(self._device, self._module, None)
        self.calls.gone()

    def _request(self, number: int, name: str, payload: bytes) -> None:
        self.put(channel_message_bytes(uuid.UUID(int=number), {}, {"IoThub-methodname": name}, payload))


class ChannelRequestLink(Link):
    """The client's sending half: requests for its twin, replies to methods."""

    role = True

    def __init__(self, session: Session, attach: dict[str, Any], address: str, hub: Hub, device: str, module: str) -> None:
        super().__init__(session, attach, address)
        self._channel = channel_of(attach)
        self._hub, self._device, self._module = hub, device, module
        self._stop: Callable[[], None] | None = None

    async def opened(self) -> None:
        """See Link."""
        self.credit = 100
        await self.session.send_flow(self)

    def closed(self) -> None:
        """See Link."""
        if self._stop is not None:
            self._stop()

    def _other(self) -> ChannelLink | None:
        links = self.session.links.values()
        return next((link for link in links if isinstance(link, ChannelLink) and link.channel == self._channel), None)

    async def message(self, payload: bytes) -> None:
        """See Link."""
        message, other = read_message(payload), self._other()
        body = message.body if isinstance(message.body, bytes) else text_of(message.body).encode()
        request = message.properties.get("correlation_id")
        if isinstance(other, MethodChannelLink):
            try:
                number = uuid.UUID(text_of(request)).int
            except ValueError:
                return
            other.calls.reply(number, message.application_properties.get("IoThub-status"), body)
        elif other is not None:
            answer = self._twin(other, str(message.annotations.get("operation")), str(message.annotations.get("resource")), body)
            annotations = {"status": Int(answer.status)} | ({} if answer.version is None else {"version": answer.version})
            other.put(channel_message_bytes(request, annotations, {}, answer.body))

    def _twin(self, other: ChannelLink, operation: str, resource: str, body: bytes) -> device_twin.Answer:
        if operation == "GET":
            return device_twin.read(self._hub, self._device, self._module)
        if operation == "PATCH":
            return device_twin.report(self._hub, self._device, self._module, body)
        if resource != _DESIRED or operation not in ("PUT", "DELETE"):
            return device_twin.refused(HubError(400003, f"There is no {operation} of {resource}."))
        if self._stop is not None:
            self._stop()
            self._stop = None
        if operation == "PUT":

            def changed(patch: dict[str, Any], version: int) -> None:
                other.put(channel_message_bytes(None, {}, {}, device_twin.desired_patch(patch, version)))

            self._stop = self._hub.on_desired(self._device, self._module, changed)
        return device_twin.Answer(200)


def channel_of(attach: dict[str, Any]) -> str:
    """Return the name that both links of a channel give."""
    properties = {str(key): value for key, value in (attach["properties"] or {}).items()}
    return text_of(properties.get(_CHANNEL, ""))
