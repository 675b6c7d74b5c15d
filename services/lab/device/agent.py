"""The edge agent.

Brings the device to what $edgeAgent's desired properties ask for, keeps it there, and reports (docs/facts/iot-hub.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.lab.background_tasks import in_background
from services.lab.cloud.hub import HubError
from services.lab.device import wordings
from services.lab.device.container import NEVER, Container
from services.lab.device.deployment import Deployment, ModuleSpecification, Refused, bad_format, image_of_agent, parse
from services.lab.device.edge_hub import EdgeHub
from services.lab.device.engine import Engine, StepFailed
from services.lab.device.logs import Log
from services.lab.device.methods import AgentMethods
from services.lab.device.report import containers_unlisted, device_report, difference, make_odd, module_report
from services.lab.device.versions import Version, error_words, numbers, version_text, waits_without_words

if TYPE_CHECKING:
    from services.lab.faults import Fault
    from services.lab.world import World

Json = dict[str, Any]

_TURN = 0.25  # seconds between two looks at the containers
_PASS = 5.0  # seconds between two passes of the real agent
_TRIES = 20
_HEALTHY = 600.0
_NEW_CONTAINER = ("pull-unauthorized", "pull-denied", "slow-pull", "port-taken", "no-fpga")
_NEW_PROCESS = ("flashing", "flashing-forever", "host-slow", "wrong-tensors")

_LOG = logging.getLogger(__name__)


class EdgeAgent:
    """The agent of ``device``, whose compute network has ``address``. ``pace`` scales its waits: 1 is the real agent's."""

    def __init__(self, world: World, device: str, address: str, folder: Path, pace: float = 1.0) -> None:
        self.world, self.device, self.pace = world, device, pace
        self.engine = Engine(world, device, address, folder, pace)
        self.log = Log()
        self._methods = AgentMethods(self)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        self._stop_watching: Any = None
        self._started = NEVER
        self.edge_hub = EdgeHub(world, device, pace)
        self.version: Version = ()  # of the agent that runs; a deployment brings another when it has been taken up
        self.environment: dict[str, str] = {}
        self._deployment: Deployment | None = None
        self._taken_up: tuple[int, str] | None = None
        self._desired_version = 0
        self._version = 0  # of the last deployment that went through a pass: what is reported
        self._status: Json = {"code": 200, "description": ""}
        self._failures = 0
        self._failed_at = 0.0
        self._retry_at = 0.0
        self._renew: set[str] = set()
        self._relaunch: set[str] = set()
        self._reported: Json = {}

    async def start(self) -> None:
        """Connect, and begin to carry out the deployment; returns at once."""
        await self.engine.open()
        self._started = self.world.clock.text()
        self._stop_watching = self.world.hub.on_desired(self.device, "$edgeAgent", lambda patch, version: self._wake.set())
        self.world.faults.watch(self._fault)
        self._task = in_background(self._run())

    async def stop(self) -> None:
        """End the agent and every module."""
        self._ending = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._stop_watching is not None:
            self._stop_watching()
        self._connect(False)
        await self.engine.close()

    @property
    def mapped_ports(self) -> dict[int, int]:
        """Host ports that are bound elsewhere, since this user may not bind them: wanted → bound."""
        return self.engine.mapped_ports()

    def logs(self) -> dict[str, Log]:
        """Return every module's log, the agent's own among them."""
        return {"edgeAgent": self.log, **{name: container.log for name, container in self.engine.containers.items()}}

    async def restart(self, name: str) -> bool:
        """Carry out RestartModule; False where there is no such module. One that the agent had given up starts anew."""
        container = self.engine.containers.get(name)
        if container is None:
            return False
        self._note(f"Restarting module {name}")
        await container.stop()
        container.restarts = 0
        self.world.faults.cure(self.device, name)
        with contextlib.suppress(StepFailed):  # it is tried again with the next plan, and reported then
            await self.engine.start(name)
        self._wake.set()
        return True

    def _note(self, text: str, level: str = "INF") -> None:
        number = {"INF": 6, "WRN": 4, "ERR": 3}[level]
        when = self.world.clock.utc().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        self.log.write(self.world.clock.now(), f"<{number}> {when} +00:00 [{level}] - {text}")

    # Faults

    def _fault(self, fault: Fault, on: bool) -> None:
        if fault.device not in ("", self.device):
            return
        names = [name for name in self.engine.containers if name != "edgeHub" and fault.module in ("", name)]
        if fault.kind.name in _NEW_CONTAINER:
            self._renew.update(names if on else ())
            self._retry_at, self._failures = 0.0, 0
        if fault.kind.name in _NEW_PROCESS:
            self._relaunch.update(name for name in names if self.engine.containers[name].image.kind == "accel-host")
        if fault.kind.name in ("network", "host-gone") and on:
            self.engine.connections.cut()
        if fault.kind.name == "stuck" and not on:
            for name in names:
                self.engine.containers[name].restarts = 0
        self._wake.set()

    def _play_faults(self, now: float) -> None:
        """Play the faults that kill."""
        for name, container in self.engine.containers.items():
            if name == "edgeHub" or not container.running or now - container.started_at < 0.5:
                continue
            for fault in ("crash", "stuck", "dead"):
                sign = container.module.options_text if fault == "dead" else container.module.image
                parameters = self.engine.fault(fault, name, sign)
                if parameters is not None:
                    code = int(parameters.get("exit_code", 137))
                    if fault == "stuck":
                        container.restarts = _TRIES
                    container.kill(code - 128 if 128 < code < 128 + signal.NSIG else signal.SIGTERM)

    # The loop

    async def _run(self) -> None:
        while not self._ending:  # asyncio.wait_for may swallow a cancellation (Python 3.11 and before)
            try:
                await self._turn()
            except (HubError, OSError) as error:
                self._note(f"{type(error).__name__}: {error}", "ERR")
                self.world.hub.log(f"edge agent of {self.device}: {error}")
            except Exception:  # noqa: BLE001 - an agent that is gone without a word would look like a fault of the operator's
                _LOG.exception("the edge agent of %s goes on after a fault of its own", self.device)
                self._note("A fault of the agent itself; it goes on.", "ERR")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _TURN)
            self._wake.clear()

    def _connect(self, on: bool) -> None:
        hub = self.world.hub
        hub.register_method_handler(self.device, "$edgeAgent", self._methods if on else None)
        container = self.engine.containers.get("edgeHub")
        hub.set_connected(self.device, "$edgeHub", on and container is not None and container.running)

    async def _turn(self) -> None:
        silent = self.engine.fault("stale-report") is not None or self.engine.fault("offline") is not None
        stopped = self.engine.fault("agent-stopped") is not None
        self._connect(not silent and not stopped)
        now = self.world.clock.now()
        self._play_faults(now)
        unlisted = self.engine.fault("engine-gone") is not None
        if not silent and not stopped:
            self._take_up()
            if (
                self._deployment is not None and self._status["code"] in (200, 500) and not unlisted
            ):  # a refused one gets no pass at all
                if now >= self._retry_at:
                    await self._carry_out(self._deployment)
                await self._keep_running(now)
        if not silent:  # after the pass, never within it (Agent.cs, ReconcileAsync)
            self._report(stopped, unlisted)
        self.edge_hub.turn(self.engine.containers.get("edgeHub"), silent)

    def _take_up(self) -> None:
        """Read the deployment when it is another one, or when a fault says how it is to be read."""
        desired = self.world.hub.identity(self.device, "$edgeAgent").twin.desired
        refused = ("empty", "bad-format", "schema")
        forced = next((name for name in refused if self.engine.fault(name, sign=desired.version) is not None), "")
        if self._taken_up == (desired.version, forced):
            return
        if self.engine.fault("not-applied") is not None and self._taken_up is not None:
            return
        self._taken_up = (desired.version, forced)
        self._failures, self._retry_at = 0, 0.0
        try:
            if forced == "bad-format":
                raise bad_format()
            content = (
                {**desired.content, "schemaVersion": "2.0"}
                if forced == "schema"
                else {}
                if forced == "empty"
                else desired.content
            )
            self._deployment = deployment = parse(content, self.version or numbers(version_text(image_of_agent(content))))
        except Refused as error:  # the version that is reported stays that of the deployment before
            self._status = {"code": error.code, "description": error.description}
            self._note(error.description, "ERR")
            return
        self._desired_version = desired.version
        self.version = self.engine.version = numbers(version_text(deployment.agent_image))
        self.environment = deployment.agent_environment
        self._status = {"code": 200, "description": ""}
        self._note(f"Plan execution started for deployment {desired.version}")

    async def _carry_out(self, deployment: Deployment) -> None:
        """Make one pass over the plan.

        Steps that fail do not keep the others from being tried; all are tried again at growing intervals.
        """
        failures = []
        for name in [name for name in self.engine.containers if name not in deployment.modules]:
            self._note(f"Removing module {name}")
            await self.engine.remove(name)
            with contextlib.suppress(HubError):  # somebody may have deleted the identity already
                if self.world.hub.identity(self.device, name).managed_by == "IotEdge":
                    self.world.hub.remove_module(self.device, name)
        for module in sorted(deployment.modules.values(), key=lambda one: one.startup_order):
            try:
                await self._bring_about(module, deployment)
            except StepFailed as error:
                failures.append(str(error))
                self._note(str(error), "ERR")
        self._version = self._desired_version
        if not failures:
            self._status, self._failures, self._retry_at = {"code": 200, "description": ""}, 0, 0.0
            return
        self._status = {"code": 500, "description": wordings.together(failures)}
        self._failures += 1
        self._failed_at = self.world.clock.now()
        wait = 10 * 2**self._failures * self.pace if self._failures < _TRIES else float("inf")
        self._retry_at = self.world.clock.now() + wait

    async def _bring_about(self, module: ModuleSpecification, deployment: Deployment) -> None:
        name = module.name
        if name in self._renew:  # a fault: as if the container had been removed from the device
            await self.engine.remove(name)
        self._renew.discard(name)
        container = self.engine.containers.get(name)
        if container is None or not container.module.same_container(module):
            self._note(f"{'Creating' if container is None else 'Updating'} module {name} from image {module.image}")
            if name != "edgeHub":
                self.world.hub.ensure_module(self.device, name)
            image = await self.engine.pull(module, deployment)  # first: where it fails, what runs goes on
            await self.engine.remove(name)
            container = self.engine.create(module, image)
        container.module = module
        if module.status == "stopped" and container.running:
            self._note(f"Stopping module {name}")
            await container.stop()
            self.world.faults.cure(self.device, name)
        elif module.status == "running" and not container.running and (container.stopping or container.started == NEVER):
            self._note(f"Starting module {name}")
            await self.engine.start(name)
            for port in container.mapped:
                self._note(f"Module {name}: {wordings.port_mapped(port.host_port, port.bound_port)}", "WRN")

    async def _keep_running(self, now: float) -> None:
        """Restart policies with their back-off."""
        for name, container in list(self.engine.containers.items()):
            if name in self._relaunch and container.running:
                self._relaunch.discard(name)  # before the first await: a fault that is switched meanwhile asks again
                await container.stop()
                await self._start_again(name)
            elif container.running:
                if container.restarts and now - container.started_at > _HEALTHY * self.pace:
                    container.restarts = 0
            elif self._state(name, container) == "backoff" and now >= self._next_start(container):
                container.restarts += 1
                container.restarted = self.world.clock.text()
                await self._start_again(name)

    async def _start_again(self, name: str) -> None:
        try:
            await self.engine.start(name)
        except StepFailed as error:
            self._status = {"code": 500, "description": str(error)}
            self._note(str(error), "ERR")

    def _next_start(self, container: Container) -> float:
        return container.exited_at + min(10.0 * (1 << container.restarts), 300.0) * self.pace

    def _state(self, name: str, container: Container | None) -> str:
        """Return a module's runtimeStatus."""
        if container is None:
            return "unknown"
        dead = name != "edgeHub" and not container.running
        if dead and self.engine.fault("dead", name, container.module.options_text) is not None:
            return "dead"
        if container.running:
            return "unhealthy" if name != "edgeHub" and self.engine.fault("unhealthy", name) is not None else "running"
        if container.stopping or container.started == NEVER:
            return "stopped"
        policy, code = container.module.restart_policy, container.exit_code
        if container.module.status == "running" and (policy == "always" or (policy in ("on-failure", "on-unhealthy") and code)):
            return "failed" if container.restarts >= _TRIES else "backoff"
        return "failed" if code else "stopped"

    # Reports

    def _report(self, stopped: bool, unlisted: bool) -> None:
        status: Json = {"code": 406, "description": "Agent is not running"} if stopped else self._reported_status()
        if self._deployment is None:
            report: Json = {"lastDesiredVersion": self._version, "lastDesiredStatus": status, "schemaVersion": "1.1"}
        else:
            entries = {
                name: module_report(container.module, container, "unknown" if stopped else self._state(name, container))
                for name, container in self.engine.containers.items()
            }
            report = device_report(self._deployment, self._version, status, self._started, entries)
            if stopped:
                report["systemModules"]["edgeAgent"]["runtimeStatus"] = "unknown"
        if unlisted and not stopped:
            report |= containers_unlisted(wordings.engine_gone(error_words(self.version)))
        if self.engine.fault("odd-report") is not None:
            make_odd(report)
        patch = difference(self._reported, report)
        if patch:
            self.world.hub.patch_reported(self.device, "$edgeAgent", patch)
            self._reported = report

    def _reported_status(self) -> Json:
        """Return lastDesiredStatus; while a failed step waits for its next try, agents to 1.0.9 say 406 and no word."""
        waits = self._status["code"] == 500 and self.world.clock.now() > self._failed_at + _PASS * self.pace
        if self.engine.fault("step-waits") is not None or (waits and waits_without_words(self.version)):
            return {"code": 406, "description": ""}
        return dict(self._status)
