"""One connected device or module."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from services.lab.background_tasks import in_background
from services.lab.cloud.hub import Hub, HubError, device_twin
from services.lab.cloud.hub.events import auth_method
from services.lab.cloud.hub.mailbox import CloudMessage
from services.lab.cloud.hub.method_calls import MethodCalls
from services.lab.wire.listener import Pipe

from . import packets, topics
from .gateway import Gateway

_INFLIGHT = 65_535
# Bytes for a client that does not read: from the first on it is read from no more, at the second it is given up.
_BACKLOG, _OVERFLOW = 1024 * 1024, 16 * 1024 * 1024


class DeviceSession:
    """Carries what the device publishes to the hub, and what the hub has for it to the device.

    ``filters`` are its subscriptions, which outlive the connection: azure-iot-device asks for a session that does. ``scope``
    is whose key signed its token (hub, device or module); ``versioned`` whether its user name has an api-version. Messages go
    to the hub, or to the ``gateway`` that the device is connected to.
    """

    def __init__(
        self,
        hub: Hub,
        who: topics.Who,
        pipe: Pipe,
        filters: set[str],
        generation: str,
        scope: str,
        versioned: bool,
        gateway: Gateway | None,
    ) -> None:
        self.who = who
        self._method = auth_method(scope)
        self._versioned = versioned
        self._gateway = gateway
        self._hub = hub
        self._pipe = pipe
        self._filters = filters
        self._generation = generation
        self._methods = MethodCalls(self._request)
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._backlog = 0
        self._room = asyncio.Event()
        self._room.set()
        self._stops: dict[str, Callable[[], None]] = {}
        self._packet = 0
        self._unacknowledged: dict[int, CloudMessage] = {}
        self._ended = False
        self._sender = in_background(self._send_all())
        hub.set_connected(who.device, who.module, True)
        if gateway is not None:
            gateway.connected(who.module, True)
        for topic in sorted(filters):
            self._listen(topic)

    def end(self) -> None:
        """Leave the hub; the connection is broken if it still stands. May be called again."""
        if self._ended:
            return
        self._ended = True
        for stop in self._stops.values():
            stop()
        self._methods.gone()
        self._room.set()
        self._sender.cancel()
        self._pipe.abort()
        self._hub.set_connected(self.who.device, self.who.module, False)
        if self._gateway is not None:
            self._gateway.connected(self.who.module, False)

    # To the device

    def send(self, message: packets.Publish) -> None:
        """Queue a message for the device."""
        self._put(packets.publish(message))

    def _put(self, data: bytes) -> None:
        if self._ended:
            return
        self._backlog += len(data)
        if self._backlog > _OVERFLOW:
            self._hub.log(f"MQTT {self.who.base}: reads nothing, and is given up")
            self.end()
            return
        if self._backlog > _BACKLOG:
            self._room.clear()
        self._outbox.put_nowait(data)

    async def room(self) -> None:
        """Wait until the client has read so much of what it asked for that it may ask for more."""
        await self._room.wait()

    async def _send_all(self) -> None:
        try:
            while True:
                parts = [await self._outbox.get()]
                while not self._outbox.empty():
                    parts.append(self._outbox.get_nowait())
                data = b"".join(parts)
                await self._pipe.send(data)
                self._backlog -= len(data)
                self._room.set()
        except ConnectionError:
            return  # the reading side meets the same end

    def _listen(self, topic: str) -> None:
        hub, device, module = self._hub, self.who.device, self.who.module
        if topic in self._stops:
            return
        if topic == topics.METHODS:
            hub.register_method_handler(device, module, self._methods.call)
            self._stops[topic] = lambda: hub.register_method_handler(device, module, None)
        elif topic == topics.DESIRED:
            self._stops[topic] = hub.on_desired(device, module, self._desired)
        elif topic == topics.inputs(self.who) and self._gateway is not None:
            inputs = self._gateway.inputs
            inputs[module] = self._to_input
            self._stops[topic] = lambda: inputs.pop(module, None) and None
        elif topic == self.who.to_device and not module:
            self._stops[topic] = hub.identity(device).mailbox.listen(self._to_device)

    def _desired(self, patch: dict[str, Any], version: int) -> None:
        body = device_twin.desired_patch(patch, version)
        self.send(packets.Publish(f"$iothub/twin/PATCH/properties/desired/?$version={version}", body))

    def _request(self, number: int, name: str, payload: bytes) -> None:
        self.send(packets.Publish(f"$iothub/methods/POST/{quote(name, safe='')}/?$rid={number:x}", payload))

    def _to_input(self, name: str, body: bytes, properties: Mapping[str, Any]) -> None:
        self.send(packets.Publish(topics.to_input(self.who, name, properties), body))

    def _to_device(self, message: CloudMessage) -> None:
        self._packet = self._packet % _INFLIGHT + 1
        self._unacknowledged[self._packet] = message
        topic = topics.to_device(self.who, message.application, message.system, message.expires)
        self.send(packets.Publish(topic, message.body, 1, self._packet))

    def _acknowledged(self, packet: int) -> None:
        message = self._unacknowledged.pop(packet, None)
        if message is not None and self._hub.has(self.who.device):
            self._hub.identity(self.who.device).mailbox.done(message)

    # From the device

    def packet(self, packet: packets.Packet) -> None:
        """Take what the device sent; raise PacketError where the hub would close the connection."""
        if isinstance(packet, packets.Publish):
            self._published(packet)
        elif isinstance(packet, packets.PubAck):
            self._acknowledged(packet.packet)
        elif isinstance(packet, packets.Subscribe):
            topics = self.who.subscriptions()
            granted = [min(qos, 1) if topic in topics else 0x80 for topic, qos in packet.filters]
            self._put(packets.suback(packet.packet, granted))  # before what the subscriptions bring
            for topic in (topic for topic, _ in packet.filters if topic in topics):
                self._filters.add(topic)
                self._listen(topic)
        elif isinstance(packet, packets.Unsubscribe):
            for topic in packet.filters:
                self._filters.discard(topic)
                if stop := self._stops.pop(topic, None):
                    stop()
            self._put(packets.unsuback(packet.packet))
        elif isinstance(packet, packets.Ping):
            self._put(packets.pingresp())
        elif isinstance(packet, packets.Connect):
            raise packets.PacketError("a second connect")

    def _published(self, message: packets.Publish) -> None:
        topic, events = message.topic, f"{self.who.base}/messages/events/"
        if topic.startswith(events):
            self._telemetry(topic[len(events) :], message)
        elif topic.startswith("$iothub/twin/") and not self._versioned:
            # Reported by clients without one: telemetry works, twins are 400 (docs/facts/lab-answers.md, devices).
            self._answer(topic, device_twin.refused(HubError(400001, "The user name has no api-version.")))
        elif topic.startswith("$iothub/twin/GET/"):
            self._answer(topic, device_twin.read(self._hub, self.who.device, self.who.module))
        elif topic.startswith("$iothub/twin/PATCH/properties/reported/"):
            self._answer(topic, device_twin.report(self._hub, self.who.device, self.who.module, message.payload))
        elif topic.startswith("$iothub/methods/res/"):
            self._methods.reply(topics.method_number(topic), topics.method_status(topic), message.payload)
        else:
            raise packets.PacketError(f"no such topic for {self.who.base}: {topic[:200]}")
        if message.packet is not None:
            self._put(packets.puback(message.packet))

    def leave(self, will: packets.Publish) -> None:
        """Send the will of a client that went without a word: a message like any other."""
        events = f"{self.who.base}/messages/events/"
        if not will.topic.startswith(events):
            return
        try:
            self._telemetry(will.topic[len(events) :], will, {"iothub-MessageType": "Will"})
        except packets.PacketError as error:
            self._hub.log(f"MQTT {self.who.base}: its will: {error}")

    def _telemetry(self, text: str, message: packets.Publish, more: dict[str, str] | None = None) -> None:
        application, system = topics.message_properties(text.rstrip("/"))
        application |= more or {}
        if message.retain:
            application["mqtt-retain"] = "true"
        system["iothub-connection-auth-generation-id"] = self._generation
        system["iothub-connection-auth-method"] = self._method
        try:
            if self._gateway is not None:
                self._gateway.message(self.who.module, topics.output(text), message.payload, application, system)
            else:
                self._hub.device_message(self.who.device, self.who.module or None, message.payload, application, system)
        except HubError as error:
            # MQTT 3.1.1 has no way to refuse a message: the hub closes the connection without acknowledging it.
            raise packets.PacketError(str(error)) from error

    def _answer(self, topic: str, answer: device_twin.Answer) -> None:
        version = "" if answer.version is None else f"&$version={answer.version}"
        reply = f"$iothub/twin/res/{answer.status}/?$rid={topics.request_id(topic)}{version}"
        self.send(packets.Publish(reply, answer.body))
