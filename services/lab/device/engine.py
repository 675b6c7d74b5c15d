"""The container engine of one device.

Images, containers, published ports, devices. What fails, fails with the engine's own words.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Hashable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.lab.cloud.registry import PullError, RegistryImage
from services.lab.device import wordings
from services.lab.device.container import Container
from services.lab.device.network import Connections, ModuleProxy, PortTaken, PublishedPort
from services.lab.device.programs import FLASH_SECONDS, FPGAS, ProgramSetup, program_for
from services.lab.device.versions import Version, error_words, numbers, pull_patience, timeout_names_seconds
from services.lab.device.workload import WorkloadApi

if TYPE_CHECKING:
    from services.lab.device.deployment import Deployment, ModuleSpecification
    from services.lab.world import World

PULL_SECONDS = 0.3
_SLOW_PULLS = 5  # then the layers are there: an engine keeps those that came whole
_SOCKET_PATH = 90  # bytes that a Unix socket's path may have, with room for its name


class StepFailed(Exception):
    """A step of the plan failed; the text goes into lastDesiredStatus."""


class Engine:
    """Containers by module name. ``await open()`` before, ``await close()`` after."""

    def __init__(self, world: World, device: str, address: str, folder: Path, pace: float = 1.0) -> None:
        self.world, self.device, self.address, self.folder, self.pace = world, device, address, folder, pace
        self.containers: dict[str, Container] = {}
        self.connections = Connections()
        self._sockets = folder
        self.version: Version = numbers("")  # the daemon's, which words what fails
        self._numbers = itertools.count()
        self._pulled: set[str] = set()
        self._paths: dict[str, Path] = {}
        self._proxy = ModuleProxy(address, self.find, self.connections)
        self._workload: WorkloadApi | None = None

    async def open(self) -> None:
        """Make the folders, the proxy and the workload API."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if len(str(self.folder).encode()) > _SOCKET_PATH:
            self._sockets = Path(tempfile.mkdtemp(prefix="dbe-"))
        await self._proxy.open()
        self._workload = WorkloadApi(self.world, self.device, self._sockets / "workload.sock")
        self._workload.path.unlink(missing_ok=True)
        await self._workload.open()

    async def close(self) -> None:
        """Stop every container, then the network."""
        await asyncio.gather(*(container.stop() for container in self.containers.values()))
        self.containers.clear()
        self._proxy.close()
        self.connections.cut()
        if self._workload is not None:
            await self._workload.close()
        if self._sockets != self.folder:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def fault(self, name: str, module: str = "", sign: Hashable = None, tries: int = 0) -> dict[str, Any] | None:
        """Return the parameters of a fault that is on for this device and module and not cured (``Fault.bites``)."""
        return self.world.faults.active(name, self.device, module or None, sign=sign, tries=tries)

    def find(self, name: str, port: int) -> Path | None:
        """Return the socket of the module ``name`` where it listens on ``port`` of its inside, for other modules."""
        if self.fault("network") is not None:
            return None
        return self._reach(name, port)

    def _reach(self, name: str, port: int) -> Path | None:
        container = self.containers.get(name)
        if (
            container is None
            or not container.running
            or port not in container.inner_ports
            or self.fault("host-gone", name) is not None
        ):
            return None
        return self._paths[name]

    # Steps of a plan

    async def pull(self, module: ModuleSpecification, deployment: Deployment) -> RegistryImage:
        """Pull a module's image, for a container that is there already or a new one; StepFailed."""
        name = module.name
        update = name in self.containers
        if name != "edgeHub":
            parameters = self.fault("pull-unauthorized", name)
            if parameters is not None and not self.world.registry.is_current(deployment.credentials):
                raise StepFailed(wordings.pull(name, module.image, "unauthorized", self._words(parameters), update))
            if (parameters := self.fault("pull-denied", name, module.image)) is not None:
                raise StepFailed(wordings.pull(name, module.image, "denied", self._words(parameters), update))
            if (parameters := self.fault("slow-pull", name, tries=_SLOW_PULLS)) is not None:
                await asyncio.sleep(float(parameters["seconds"]))
                named = parameters["wording"] == "timeout" if parameters["wording"] else timeout_names_seconds(self.version)
                raise StepFailed(wordings.slow_pull(pull_patience(self.version) if named else 0))
        try:
            image = self.world.registry.pull(module.image, deployment.credentials)
        except PullError as error:
            raise StepFailed(wordings.pull(name, module.image, error.reason, error_words(self.version), update)) from error
        if module.image not in self._pulled:
            await asyncio.sleep(PULL_SECONDS * self.pace)
            self._pulled.add(module.image)
        return image

    def _words(self, parameters: dict[str, Any]) -> Any:
        return parameters["wording"] or error_words(self.version)

    def create(self, module: ModuleSpecification, image: RegistryImage) -> Container:
        """Make the container, which does not run yet."""
        container = self.containers[module.name] = Container(module, image, self.world.clock)
        return container

    async def start(self, name: str) -> None:
        """Start a container, unless it runs; StepFailed for ports and devices.

        A restart that is asked for and the agent's own plan may come at once: the second finds it running.
        """
        container = self.containers[name]
        async with container.starting:
            if not container.running:
                await self._start(name, container)

    async def _start(self, name: str, container: Container) -> None:
        module = container.module
        self._check_ports(module)
        fpga = self._check_devices(module)
        self._paths[name] = socket = self._sockets / f"{next(self._numbers)}.sock"
        folder = self.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        if name != "edgeHub":
            self.world.hub.ensure_module(self.device, name)
        program = program_for(container.image, module, self._setup_of(name, socket, folder, fpga))
        ports = []
        if name != "edgeHub":  # its ports are the hub's own listeners in the lab, and only reserved here
            for inside, outside in module.options.ports:
                ports.append(PublishedPort(self.address, outside, partial(self._reach, name, inside), self.connections))
        try:
            await container.start(program, ports)
        except PortTaken as error:
            container.exit_code = 128
            raise StepFailed(wordings.port_taken(name, error.port, "proxy", error_words(self.version))) from error

    def _setup_of(self, name: str, socket: Path, folder: Path, fpga: str) -> ProgramSetup:
        flashing = self.fault("flashing", name)
        seconds = FLASH_SECONDS * self.pace if flashing is None else float(flashing["seconds"])
        slow = self.fault("host-slow", name)
        assert self._workload is not None
        return ProgramSetup(
            world=self.world,
            device=self.device,
            device_address=self.address,
            socket=socket,
            folder=folder,
            workload=self._workload.path,
            proxy=f"http://{self.address}:{self._proxy.port}",
            fpga=fpga,
            flash_seconds=-1.0 if self.fault("flashing-forever", name) is not None else seconds,
            delay=0.0 if slow is None else float(slow["seconds"]),
            wrong_tensors=self.fault("wrong-tensors", name, self.containers[name].module.image) is not None,
        )

    def _check_ports(self, module: ModuleSpecification) -> None:
        host_ports = [outside for _, outside in module.options.ports]
        if module.name != "edgeHub" and host_ports:
            parameters = self.fault("port-taken", module.name, tuple(host_ports))
            if parameters is not None:
                holder = parameters["wording"]
                raise StepFailed(wordings.port_taken(module.name, host_ports[0], holder, error_words(self.version)))
        for name, other in self.containers.items():
            if name != module.name and other.running:
                for _, outside in other.module.options.ports:
                    if outside in host_ports:
                        self.containers[module.name].exit_code = 128
                        raise StepFailed(wordings.port_taken(module.name, outside, "docker", error_words(self.version)))

    def _check_devices(self, module: ModuleSpecification) -> str:
        """Return whether the FPGA is ready, missing or busy for the module; StepFailed where the engine knows no such device."""
        options = module.options
        for path in options.devices:
            if path not in FPGAS or self.fault("no-fpga", module.name) is not None:
                raise StepFailed(wordings.no_device(module.name, path, error_words(self.version)))
        if not holds_fpga(module):
            return "missing"
        others = [one for name, one in self.containers.items() if name != module.name and one.running]
        return "busy" if any(one.image.kind == "accel-host" and holds_fpga(one.module) for one in others) else "ready"

    async def remove(self, name: str) -> None:
        """Stop and forget a container."""
        container = self.containers.pop(name, None)
        if container is not None:
            await container.stop()

    def mapped_ports(self) -> dict[int, int]:
        """Return the host ports that are bound elsewhere, since this user may not bind them, by the port asked for."""
        mapped = (port for container in self.containers.values() for port in container.mapped)
        return {port.host_port: port.bound_port for port in mapped}


def holds_fpga(module: ModuleSpecification) -> bool:
    """Return whether the create options give it the FPGA: both devices and Privileged, or the Kubernetes resource."""
    options = module.options
    return options.privileged and (set(FPGAS) <= set(options.devices) or options.fpgas > 0)
