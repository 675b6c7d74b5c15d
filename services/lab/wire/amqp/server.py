"""The AMQPS port of the lab: Event Hub-compatible endpoint and IoT Hub's own, as one host."""

from __future__ import annotations

import ssl

from services.lab.wire.link_faults import carry_out
from services.lab.wire.listener import Listener, Pipe
from services.lab.world import World

from .connection import Connection
from .nodes import Nodes
from .readers import Readers

PORT = 5671


class AmqpServer(Listener):
    """Serves ``world.hub``; ``cut()``, ``freeze(bool)``, ``refuse(bool)`` and ``slow(seconds)`` are its faults."""

    def __init__(self, world: World, context: ssl.SSLContext, address: str, port: int = PORT) -> None:
        super().__init__(address, port, context, self.serve)
        self.readers = Readers()
        self._world = world
        self._nodes: set[Nodes] = set()
        world.hub.on_barred(self._bar)
        world.faults.watch(lambda fault, on: self._fault(fault.kind.name, on))

    async def serve(self, pipe: Pipe) -> None:
        """Serve one connection, whatever carries it."""
        nodes = Nodes(self._world.hub, self.readers, self._nodes.discard)
        self._nodes.add(nodes)
        await Connection(pipe, nodes, f"lab-{self._world.nonce}").serve()

    def _bar(self, device: str) -> None:
        for nodes in list(self._nodes):
            nodes.recheck(device)

    def _fault(self, name: str, on: bool) -> None:
        if name == "link-stolen" and on:
            for link in self.readers.all():
                if self._world.faults.active(name, sign=link.group.lower()) is None:
                    continue  # the other reader is in one group
                self.readers.evict(link, "somebody-else", 1 + (link.epoch or 0))
        if name in ("expire", "unauthorized", "skew") and on:
            for nodes in list(self._nodes):
                nodes.recheck()


async def start_amqp(world: World, ssl_context: ssl.SSLContext, address: str, port: int = PORT) -> AmqpServer:
    """Listen on ``address``:5671. Raises OSError when that is taken. End it with ``await server.close()``."""
    server = AmqpServer(world, ssl_context, address, port)
    await server.start()
    carry_out(world.faults, server)
    return server
