"""The MQTTS port of the lab: devices and modules, with IoT Hub's rules (SAS token as password, one connection an identity)."""

from __future__ import annotations

import asyncio
import ssl

from services.lab.cloud.hub import HubError
from services.lab.faults import Fault
from services.lab.wire.link_faults import carry_out
from services.lab.wire.listener import Listener, Pipe
from services.lab.world import World

from . import packets, topics
from .gateway import Gateway
from .session import DeviceSession

PORT = 8883
_PATIENCE = 30.0
# The longest that a hub waits for a client's next word, whatever its keep-alive (docs/facts/lab-answers.md, devices).
_LONGEST = 1767.0
# How often the fault "duplicates" pushes an identity out.
_PUSH = 2.0


class MqttServer(Listener):
    """Serves ``world.hub``, or an edgeHub's clients for their ``gateway``.

    ``cut()``, ``freeze(bool)``, ``refuse(bool)`` and ``slow(seconds)`` are its faults.
    """

    def __init__(
        self, world: World, context: ssl.SSLContext, address: str, port: int = PORT, gateway: Gateway | None = None
    ) -> None:
        super().__init__(address, port, context, self.serve)
        self._gateway = gateway
        self._world = world
        self._sessions: dict[topics.Who, DeviceSession] = {}
        self._filters: dict[topics.Who, set[str]] = {}
        self._tokens: dict[topics.Who, str] = {}
        world.faults.watch(self._fault)
        world.hub.on_barred(self._bar)

    async def serve(self, pipe: Pipe) -> None:
        """Serve one connection from its connect packet on."""
        buffer = bytearray()
        try:
            first = await self._next(pipe, buffer, _PATIENCE)
            if not isinstance(first, packets.Connect):
                return
            session = await self._connect(pipe, first)
        except packets.PacketError as error:
            self._world.hub.log(f"MQTT: {error}")
            return
        if session is None:
            return
        patience = min(first.keep_alive * 1.5, _LONGEST) or _LONGEST
        will = first.will
        try:
            while True:
                packet = await self._next(pipe, buffer, patience)
                if isinstance(packet, packets.Disconnect):
                    will = None
                if packet is None or isinstance(packet, packets.Disconnect):
                    return
                session.packet(packet)
                await asyncio.wait_for(session.room(), _PATIENCE)
        except asyncio.TimeoutError:
            self._world.hub.log(f"MQTT {session.who.base}: asks and does not read the answers")
        except (packets.PacketError, HubError) as error:  # the identity may have been deleted meanwhile
            self._world.hub.log(f"MQTT {session.who.base}: {error}")
        finally:
            session.end()
            if self._sessions.get(session.who) is session:
                del self._sessions[session.who]
            if will is not None and not self._away(session.who):
                session.leave(will)

    @staticmethod
    async def _next(pipe: Pipe, buffer: bytearray, patience: float | None) -> packets.Packet | None:
        """Return the next packet; None at the end of the connection or of its patience."""
        while (packet := packets.take(buffer)) is None:
            try:
                data = await asyncio.wait_for(pipe.read(), patience)
            except asyncio.TimeoutError:
                return None
            if not data:
                return None
            buffer += data
        return packet

    async def _connect(self, pipe: Pipe, connect: packets.Connect) -> DeviceSession | None:
        who = topics.client(connect.client_id)
        code = packets.BAD_VERSION if connect.level != 4 else packets.BAD_IDENTIFIER
        admission = None
        if connect.level == 4 and who is not None:
            if self._away(who) or not self._serves(who):
                return None
            code, admission = self._admit(who, connect)
        if admission is None or who is None:
            await pipe.send(packets.connack(code))
            return None
        if older := self._sessions.get(who):
            # An identity has one connection: the newer pushes the older out.
            older.end()
        session_present = who in self._filters and not connect.clean
        filters = self._filters[who] = self._filters[who] if session_present else set()
        self._tokens[who] = connect.password
        # The answer leaves before anything that the subscriptions bring.
        await pipe.send(packets.connack(packets.ACCEPTED, session_present))
        generation, scope = admission
        versioned = "api-version=" in connect.username.partition("?")[2]
        session = self._sessions[who] = DeviceSession(
            self._world.hub, who, pipe, filters, generation, scope, versioned, self._gateway
        )
        return session

    def _admit(self, who: topics.Who, connect: packets.Connect) -> tuple[int, tuple[str, str] | None]:
        """Return the connack's code, and for one that is let in the identity's generation and whose key its token is signed with."""
        hub = self._world.hub
        # {hub}/{client id}/?api-version=…; the hub's name is not looked at, for a gateway's clients name the hub behind it.
        if connect.username.split("/?")[0].partition("/")[2].rstrip("/") != connect.client_id:
            return packets.BAD_CREDENTIALS, None
        try:
            identity = hub.admit(who.device, who.module)
            grant = hub.authorize(connect.password, f"{hub.host}/{who.base}", "DeviceConnect")
        except HubError as error:
            hub.log(f"MQTT {who.base}: {error}")
            return packets.NOT_AUTHORIZED, None
        if not grant.policy and (grant.device, grant.module) != (who.device, who.module):
            return packets.NOT_AUTHORIZED, None
        if grant.expires:
            loop, clock = asyncio.get_running_loop(), hub.clock
            loop.call_later(max(0.0, grant.expires - clock.now()) + 0.5, self._recheck, who)
        return packets.ACCEPTED, (identity.generation, "hub" if grant.policy else "module" if who.module else "device")

    def _serves(self, who: topics.Who) -> bool:
        """Return whether it is a client of this listener's; an edgeHub takes its own device's modules, while it runs."""
        return self._gateway is None or (self._gateway.running and self._gateway.device == who.device)

    def _away(self, who: topics.Who) -> bool:
        """Return whether a fault keeps the client away; those of an edgeHub stay connected to it."""
        faults = self._world.faults
        if self._gateway is not None:
            return False
        return faults.active("offline", who.device) is not None or faults.active("offline-closed", who.device) is not None

    def _recheck(self, who: topics.Who) -> None:
        """End the identity's connection unless its token still holds."""
        session = self._sessions.get(who)
        if session is None:
            return
        try:
            hub = self._world.hub
            hub.admit(who.device, who.module)
            hub.authorize(self._tokens[who], f"{hub.host}/{who.base}", "DeviceConnect")
        except HubError as error:
            self._world.hub.log(f"MQTT {who.base}: {error}")
            session.end()

    def _bar(self, device: str) -> None:
        for who in [who for who in self._sessions if who.device == device]:
            self._recheck(who)

    def _fault(self, fault: Fault, on: bool) -> None:
        name = fault.kind.name
        if not on:
            return
        if name in ("offline", "offline-closed"):
            for who, session in list(self._sessions.items()):
                if self._away(who):
                    session.end()
        elif name in ("expire", "unauthorized", "skew", "device-missing", "module-missing"):
            for who in list(self._sessions):
                self._recheck(who)
        elif name == "duplicates":
            self._push()

    def _push(self) -> None:
        """Push the fault "duplicates": as if the identity's other client had connected."""
        on = False
        for fault in self._world.faults.on:
            if fault.kind.name == "duplicates":
                on = True
                for who, session in list(self._sessions.items()):
                    if fault.device in ("", who.device) and fault.module in ("", who.module):
                        self._world.hub.log(f"MQTT {who.base}: {HubError(400027)}")
                        session.end()
        if on:
            asyncio.get_running_loop().call_later(_PUSH, self._push)


async def start_mqtt(
    world: World, ssl_context: ssl.SSLContext, address: str, port: int = PORT, gateway: Gateway | None = None
) -> MqttServer:
    """Listen on ``address``:8883, for the hub or an edgeHub.

    OSError when that is taken. End it with ``await server.close()``.
    """
    server = MqttServer(world, ssl_context, address, port, gateway)
    await server.start()
    carry_out(world.faults, server)
    return server
