"""A container of the device: a process, its published ports, its log, and what the engine knows of its life."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import sys
from typing import TYPE_CHECKING

from services.lab.background_tasks import in_background
from services.lab.device.logs import Log

if TYPE_CHECKING:
    from services.lab.clock import Clock
    from services.lab.cloud.registry import RegistryImage
    from services.lab.device.deployment import ModuleSpecification
    from services.lab.device.network import PublishedPort
    from services.lab.device.programs import Program

NEVER = "0001-01-01T00:00:00"
_STOP_SECONDS = 5.0
_LONGEST_LINE = 64 * 1024


def _child_setup() -> None:
    """Prepare the child before exec: no core dumps, and it ends when the lab does, however that ends."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        parent_death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL)


class Container:
    """One module's container. ``running`` while its process lives; ``exit_code`` as Docker has it: 128 + signal."""

    def __init__(self, module: ModuleSpecification, image: RegistryImage, clock: Clock) -> None:
        self.module, self.image, self.log = module, image, Log()
        self.ports: list[PublishedPort] = []
        self.inner_ports: tuple[int, ...] = ()
        self.exit_code = 0
        self.started, self.exited = NEVER, NEVER
        self.started_at = self.exited_at = 0.0
        self.restarts, self.restarted = 0, NEVER
        self.stopping = False
        self.starting = asyncio.Lock()
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def mapped(self) -> list[PublishedPort]:
        """Published ports that are bound elsewhere, since this user may not bind them."""
        return [port for port in self.ports if port.bound_port not in (0, port.host_port)]

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._watch is not None and not self._watch.done()

    async def start(self, program: Program, ports: list[PublishedPort]) -> None:
        """Open ``ports`` and start; PortTaken, with nothing left open, when one is held."""
        try:
            for port in ports:
                await port.open()
        except BaseException:
            for port in ports:
                port.close()
            raise
        self.ports, self.inner_ports, self.stopping = ports, program.ports, False
        self._process = await asyncio.create_subprocess_exec(
            *program.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=program.folder,
            env=program.environment,
            start_new_session=True,
            preexec_fn=_child_setup,
            limit=_LONGEST_LINE,
        )
        self.started, self.started_at = self._clock.text(), self._clock.now()
        self._watch = in_background(self._follow(self._process))

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # a line without end: asyncio has dropped what was too long
                continue
            if not line:
                break
            self.log.write(self._clock.now(), line.decode("utf-8", "replace").rstrip("\r\n"))
        code = await process.wait()
        self.exit_code = 128 - code if code < 0 else code
        self.exited, self.exited_at = self._clock.text(), self._clock.now()
        for port in self.ports:
            port.close()
        self.ports = []

    def kill(self, number: int) -> None:
        """Send a signal, as a fault does."""
        if self.running and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    async def stop(self) -> None:
        """Send SIGTERM, and SIGKILL a few seconds later, as ``docker stop`` does."""
        self.stopping = True
        if self._watch is None or self._watch.done():
            return
        self.kill(signal.SIGTERM)
        done, _ = await asyncio.wait({self._watch}, timeout=_STOP_SECONDS)
        if not done:
            self.kill(signal.SIGKILL)
            await self._watch
