"""AMQPS and MQTTS of a lab's world in a thread with its own event loop, so that blocking SDKs can talk to it."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import web

from services.lab.address import Claim
from services.lab.authority import Authority
from services.lab.wire.amqp import AmqpServer, start_amqp
from services.lab.wire.mqtt import MqttServer, start_mqtt
from services.lab.wire.websocket import routes
from services.lab.world import World

T = TypeVar("T")


class Wire:
    """The world and its two ports; ``do`` runs a function, ``run`` a coroutine, in the world's loop."""

    world: World
    amqp: AmqpServer
    mqtt: MqttServer

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.claim = Claim()
        self.run(self._start())

    async def _start(self) -> None:
        claim = self.claim
        host = claim.address if claim.port == 443 else f"{claim.address}:{claim.port}"
        self.world = World(claim.address, host, self.folder)
        authority = Authority(self.folder, self.world.nonce)
        self.ca = str(authority.ca_file)
        self.context: ssl.SSLContext = authority.server_context("wire", [claim.address], [])
        self.amqp = await start_amqp(self.world, self.context, claim.address)
        self.mqtt = await start_mqtt(self.world, self.context, claim.address)

    def run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(wait(), self.loop).result(30)

    def do(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        async def call() -> T:
            return function(*arguments, **named)

        return self.run(call())

    def close(self) -> None:
        self.do(self.world.faults.clear)
        self.run(self.amqp.close())
        self.run(self.mqtt.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()
        self.claim.https.close()

    # What tests say often

    @property
    def hub(self) -> Any:
        return self.world.hub

    @property
    def events(self) -> str:
        return str(self.hub.event_hub_connection_string())

    def append(self, device: str, bodies: list[bytes], **named: Any) -> list[tuple[int, int]]:
        return self.do(lambda: [self.hub.events.append(device, named.get("module"), body, **_rest(named)) for body in bodies])


def _rest(named: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in named.items() if key != "module"}


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    wire = Wire(tmp_path_factory.mktemp("wire"))
    yield wire
    wire.close()


@pytest.fixture
def wire(ports: Wire) -> Iterator[Wire]:
    """The ports with every fault off again at the end of the test."""
    yield ports
    ports.do(ports.world.faults.clear)
    ports.amqp.slow(0)


@pytest.fixture(scope="module")
def websocket_port(ports: Wire) -> Iterator[int]:
    """The claim's HTTPS port, which serves AMQP's and MQTT's websockets, as the lab's does."""

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_routes(routes(ports.amqp, ports.mqtt))
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.SockSite(runner, ports.claim.https, ssl_context=ports.context).start()
        return runner

    runner = ports.run(start())
    yield ports.claim.port
    ports.run(runner.cleanup())
