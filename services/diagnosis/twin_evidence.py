"""What can be seen in an edge agent's twin: one piece of evidence for each thing that is worth a rule.

Twins are hostile: every field may be missing, of another type, or huge. Nothing here raises on one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from services.diagnosis.applied import is_behind, is_refused, now_of, of_the_deployment, since_deployed
from services.diagnosis.image_names import same_image
from services.json_reader import JsonError, read_json
from services.records import DeviceState, Evidence, Module
from services.text import counted

RESTARTS_BEFORE_GIVING_UP = 20
FPGA = "/dev/catapult"
_EDGE_HUB = "edgeHub"
_ENDS_WELL = ("never", "on-failure")  # restart policies that leave a module alone that ended without error
_EVERY_ADDRESS = ("0.0.0.0", "::")


def evidence_of(state: DeviceState) -> Iterator[Evidence]:
    """Yield everything that the state shows, of the device first (``module`` empty), then of each module."""
    yield from _of_the_device(state)
    yield from _of_the_edge_hub(state)
    for module in state.modules:
        yield from _of_a_module(module, state)


def _of_the_device(state: DeviceState) -> Iterator[Evidence]:
    if not state.device.enabled:
        yield _evidence(state, "disabled", state.device.status_reason)
    elif state.liveness is not None and state.liveness.word == "offline":
        yield _evidence(state, "disconnected", state.liveness.basis)
    yield from of_the_deployment(state)
    for configuration in state.configurations:
        if configuration.status.lower() == "applied":
            yield _evidence(state, "configuration", f"at scale: {configuration.id}")


def _of_the_edge_hub(state: DeviceState) -> Iterator[Evidence]:
    """Yield what $edgeHub's own twin says, laid to the module edgeHub.

    A refusal moves its lastDesiredVersion (TwinConfigSource.cs); one that does not, but is newer than the configuration, is
    taken for one as well.
    """
    edge_hub = state.edge_hub
    if edge_hub is None:
        return
    if not edge_hub.configured:
        yield _evidence(state, "edge-hub-empty", module=_EDGE_HUB)
        return
    desired_version, last_version = edge_hub.desired_version or 0, edge_hub.last_desired_version or 0
    reported_at, since = edge_hub.reported_at, edge_hub.desired_at
    current = last_version >= desired_version or (reported_at is not None and since is not None and reported_at > since)
    if edge_hub.code not in (None, 200) and current:
        text = edge_hub.description
        yield Evidence("agent", status=edge_hub.code, code="edge-hub", text=text, module=_EDGE_HUB, state=state)
    elif last_version < desired_version:
        seconds = max(((edge_hub.read_at or now_of(state)) - since).total_seconds(), 0.0) if since else None
        text = (
            f"edge hub behind: The hub has version {desired_version} of its configuration, the edge hub reports {last_version}."
        )
        yield Evidence("agent", code="edge-hub-behind", text=text, module=_EDGE_HUB, state=state, seconds=seconds)


def _of_a_module(module: Module, state: DeviceState) -> Iterator[Evidence]:
    desired, reported = module.desired, module.reported
    if desired and not module.system:
        yield from _of_options(module, state)
    if reported is None:
        if not state.modules_listed:
            yield _evidence(state, "unlisted", module=module.name)
        elif desired is not None and state.last_desired_code is not None:
            code = "refused" if is_refused(state) else "first-pass" if is_behind(state) else "not-reported"
            yield Evidence("agent", code=code, module=module.name, state=state, seconds=since_deployed(state))
        return
    if desired is None and not module.system:
        yield _evidence(state, "not-desired", module=module.name)
    runtime = reported.runtime_status.lower()
    desired_status = (desired.status if desired else "running").lower()
    if runtime == "failed" and reported.restart_count >= RESTARTS_BEFORE_GIVING_UP:
        yield _evidence(state, "failed", f"gave up after {reported.restart_count} restarts", module.name)
    exit_code = None if runtime in ("running", "unhealthy") else reported.exit_code  # that of the run before
    code = runtime
    if desired_status == "stopped" and runtime in ("stopped", "failed", "dead", "backoff"):
        code, exit_code = "stopped-asked", None
    elif desired_status == "stopped" and runtime == "running":
        code = "still-running"
    elif runtime == "stopped":
        final = reported.exit_code == 0 and desired is not None and desired.restart_policy.lower() in _ENDS_WELL
        code = "ended-for-good" if final else "stopped-unasked"
    yield Evidence("agent", status=exit_code, code=code, text=reported.description, module=module.name, state=state)
    if runtime == "running" and reported.restart_count > 0:
        yield _evidence(state, "restarts", f"restarted {counted(reported.restart_count, 'time')}", module.name)
    if desired and desired.image and reported.image and not same_image(desired.image, reported.image):
        yield _evidence(state, "image", f"runs {reported.image}", module.name)


def _of_options(module: Module, state: DeviceState) -> Iterator[Evidence]:
    if module.desired is None:
        return
    options = Options.read(module.desired.create_options)
    if not options.valid:
        yield _evidence(state, "options-no-json", module=module.name)
        return
    if options.fpga and not options.privileged:
        yield _evidence(state, "fpga-unprivileged", module=module.name)
    if module.desired.status.lower() != "running":
        return
    claimants, hosts = claims(state)
    for port in options.ports:
        others = [name for name in claimants[port] if name != module.name and options.clash_at(port, _options_of(state, name))]
        if others:
            yield _evidence(state, "port-clash", f"port {port} asked for by {', '.join([module.name, *others])}", module.name)
    if options.fpga and len(hosts) > 1:
        yield _evidence(state, "fpga-clash", f"fpga asked for by {', '.join(hosts)}", module.name)


def _options_of(state: DeviceState, name: str) -> Options:
    module = state.module(name)
    return Options.read(module.desired.create_options) if module and module.desired else Options(True)


def _evidence(state: DeviceState, code: str, text: str = "", module: str = "") -> Evidence:
    return Evidence("agent", code=code, text=text, module=module, state=state)


@dataclass(frozen=True, slots=True)
class Options:
    """What of create options matters here: the host ports they ask for, and whether they take the FPGA."""

    valid: bool
    ports: tuple[int, ...] = ()
    fpga: bool = False
    privileged: bool = False
    bindings: tuple[tuple[int, str, str], ...] = ()  # host port, protocol, address; "" is every address

    def clash_at(self, port: int, other: Options) -> bool:
        """Return whether both ask for ``port`` by the same protocol, at addresses that overlap."""
        return any(
            mine == theirs == port
            and protocol == their_protocol
            and (not address or not their_address or address == their_address)
            for mine, protocol, address in self.bindings
            for theirs, their_protocol, their_address in other.bindings
        )

    @staticmethod
    def read(text: str) -> Options:
        """Read create options as they stand in the twin; empty ones are valid."""
        if not text.strip():
            return Options(True)
        try:
            value = read_json(text)
        except JsonError:
            return Options(False)
        if value is None:
            return Options(True)
        if not isinstance(value, dict):
            return Options(False)
        host = value.get("HostConfig")
        if not isinstance(host, dict):
            return Options(True)
        devices = host.get("Devices")
        fpga = isinstance(devices, list) and any(
            FPGA in str(device.get("PathOnHost", "")) for device in devices if isinstance(device, dict)
        )
        kubernetes = "fpga_catapult" in json.dumps(value.get("k8s-experimental", ""))
        bindings = _bindings(host.get("PortBindings"))
        ports = tuple(sorted({port for port, _, _ in bindings}))
        return Options(True, ports, fpga or kubernetes, host.get("Privileged") is True, bindings)


def _bindings(value: object) -> tuple[tuple[int, str, str], ...]:
    """Return the host ports of PortBindings with their protocol and address."""
    bindings: set[tuple[int, str, str]] = set()
    for key, entries in value.items() if isinstance(value, dict) else ():
        protocol = str(key).partition("/")[2].lower() or "tcp"
        for entry in entries if isinstance(entries, list) else ():
            port = str(entry.get("HostPort", "")) if isinstance(entry, dict) else ""
            if port.isdecimal() and len(port) < 6:
                address = str(entry.get("HostIp") or entry.get("HostIP") or "")
                bindings.add((int(port), protocol, "" if address in _EVERY_ADDRESS else address))
    return tuple(sorted(bindings))


def claims(state: DeviceState) -> tuple[dict[int, list[str]], list[str]]:
    """Return who asks for which host port, and who takes the FPGA, of the modules that are to run."""
    ports: dict[int, list[str]] = defaultdict(list)
    hosts: list[str] = []
    for module in state.modules:
        if module.desired is None or (module.desired.status.lower() != "running" and not module.system):
            continue
        options = Options.read(module.desired.create_options)
        for port in options.ports:
            ports[port].append(module.name)
        if options.fpga:
            hosts.append(module.name)
    return ports, hosts
