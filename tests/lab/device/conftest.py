"""A device of the lab in this process: a world without listeners, and an agent that does not wait as long as the real one."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from services.lab.cloud.manifests import content, module
from services.lab.device.agent import EdgeAgent
from services.lab.world import World

FPGA_OPTIONS = {
    "HostConfig": {
        "Binds": ["/etc/hosts:/etc/hosts"],
        "Privileged": True,
        "Devices": [{"PathOnHost": f"/dev/catapult{n}", "PathInContainer": f"/dev/catapult{n}"} for n in (0, 1)],
        "PortBindings": {"50051/tcp": [{"HostPort": "50051"}]},
    }
}


class Bench:
    """A device, what it is told, and what it reports."""

    def __init__(self, folder: Path) -> None:
        self.id = "databox-edge-1"
        draw = random.SystemRandom().randint
        self.address = f"127.{draw(192, 250)}.{draw(0, 255)}.{draw(1, 250)}"
        self.world = World("127.0.0.1", "127.0.0.1", folder)
        self.agent = EdgeAgent(self.world, self.id, self.address, folder / "device", pace=0.01)
        registry = self.world.registry
        self.credentials = {"r": {"username": registry.username, "password": registry.passwords[0], "address": registry.server}}

    def image(self, repository: str, tag: str = "1") -> str:
        return self.world.registry.location(repository, tag)

    def host(self, **more: Any) -> dict[str, Any]:
        return module(self.image("accel-resnet50"), json.dumps(FPGA_OPTIONS), **more)

    def idle(self, options: Any = None, **more: Any) -> dict[str, Any]:
        return module(self.image("shop-counter", "2.3"), json.dumps(options or {}), **more)

    def deploy(self, modules: dict[str, Any], credentials: dict[str, Any] | None = None, **more: Any) -> int:
        self.world.hub.configurations.apply(
            self.id, content(modules, self.credentials if credentials is None else credentials, **more)
        )
        return self.world.hub.identity(self.id, "$edgeAgent").twin.desired.version

    @property
    def report(self) -> dict[str, Any]:
        return self.world.hub.identity(self.id, "$edgeAgent").twin.reported.content

    @property
    def status(self) -> dict[str, Any]:
        return self.report.get("lastDesiredStatus", {})

    def runtime(self, name: str) -> str:
        return self.report.get("modules", {}).get(name, {}).get("runtimeStatus", "")

    async def until(self, condition: Callable[[], Any], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, json.dumps(self.report, indent=1)[-3000:]
            await asyncio.sleep(0.02)

    async def method(self, name: str, payload: Any) -> tuple[int, Any]:
        return await self.world.hub.invoke(self.id, "$edgeAgent", name, payload)

    def switch(self, name: str, on: bool = True, **parameters: Any) -> None:
        self.world.faults.switch(name, on, self.id, **parameters)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    one = Bench(tmp_path)
    await one.agent.start()
    yield one
    await one.agent.stop()
