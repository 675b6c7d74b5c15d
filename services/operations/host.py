"""The host module seen from here: where it listens, what its tensors are called, and whether it answers."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from importlib.resources import files
from typing import Any, Literal

from services.contexts.model import Context
from services.deployment.options.client_arguments import client_arguments, client_role
from services.diagnosis import diagnose, explain
from services.errors import OperatorError
from services.records import DeviceState, Evidence, Finding, Module, states

GRPC_PORT = 50051
HTTP_PORTS = (80, 443, 5001, 8080)
INPUT = "Placeholder:0"
OUTPUT = "classifier/resnet_v1_50/predictions/Softmax:0"


@dataclass(frozen=True, slots=True)
class HostEndpoint:
    """Where a host module is asked. ``address`` is empty where the context does not say how the compute network is reached."""

    module: str
    kind: Literal["grpc", "http"]
    address: str
    port: int
    tls: bool = False
    input: str = INPUT
    outputs: tuple[str, ...] = ()  # all that the model has, where no client names any


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """How a host answered: ``yes``; ``no`` with the error; ``unreachable`` where this machine cannot know."""

    verdict: Literal["yes", "no", "unreachable"]
    milliseconds: float | None = None
    detail: str = ""
    error: OperatorError | None = None


def seen_from_here(context: Context, device: str) -> tuple[str, Mapping[int, int]]:
    """Return the address and ports under which a device's modules are reached from here: known of the context's own device only."""
    return (context.device_address, context.device_ports) if device == context.device else ("", {})


def host_endpoint(
    state: DeviceState, name: str, address: str = "", ports: Mapping[int, int] | None = None
) -> HostEndpoint | None:
    """Return where module ``name`` is asked, by its create options; a client's lead to its host.

    None for a module with no port. ``ports`` are host ports that are reached under another number.
    """
    module = state.module(name)
    if module is None or module.desired is None:
        return None
    options = _options(module)
    bound = _ports(options)
    if not bound:
        client = client_arguments(options)
        target = client.get("-a", "")
        if not target or target == name or state.module(target) is None:
            return None
        return host_endpoint(state, target, address, ports)
    inside, outside = _scoring_port(bound)
    outside = (ports or {}).get(outside, outside)
    kind: Literal["grpc", "http"] = "http" if inside in HTTP_PORTS else "grpc"
    endpoint = HostEndpoint(name, kind, address, outside, tls=kind == "http" and inside == 443)
    return endpoint if kind == "http" else _with_tensors(state, endpoint)


def hosts(state: DeviceState) -> list[Module]:
    """Return the modules that are to run and publish a scoring port."""
    results = []
    for module in state.modules:
        if not module.system and module.desired and module.desired.status == "running":
            ports = _ports(_options(module))
            if any(inside == GRPC_PORT or inside in HTTP_PORTS for inside, _ in ports):
                results.append(module)
    return results


def client_hosts(state: DeviceState) -> list[Module]:
    """Return the modules that a client can ask, those with a port 50051, running ones first."""
    own = [module for module in state.modules if not module.system and module.desired is not None]
    matching = [module for module in own if "50051/tcp" in (module.desired.create_options if module.desired else "")]
    return sorted(matching, key=lambda module: not (module.reported and module.reported.runtime_status == "running"))


def clients(state: DeviceState) -> list[Module]:
    """Return the modules that are sample clients."""
    return [
        module
        for module in state.modules
        if not module.system and module.desired and client_role(module.desired.create_options, module.desired.image)
    ]


def target_of(client: Module) -> str:
    """Return the host that a client module asks (-a); empty where its command line names none."""
    return client_arguments(_options(client)).get("-a", "")


def ask(endpoint: HostEndpoint, timeout: float = 5.0) -> HostAnswer:
    """Ask a host once: score one of the shipped pictures (gRPC) or its health (HTTP).

    Never raises for a host that does not answer.
    """
    unreachable = reach(endpoint, min(timeout, 3.0))
    if unreachable is not None:
        return unreachable
    start = time.perf_counter()
    try:
        if endpoint.kind == "http":
            from services.inference.http import HttpScorer

            with HttpScorer(endpoint.address, endpoint.port, use_ssl=endpoint.tls) as scorer:
                scorer.healthy(timeout)
        else:
            from services.inference.client import PredictionClient

            with PredictionClient(endpoint.address, endpoint.port, attempts=1) as client:
                client.score_image(sample_picture(), endpoint.input, list(endpoint.outputs) or None, timeout)
    except OperatorError as error:
        return HostAnswer("no", detail=error.what, error=error)
    milliseconds = (time.perf_counter() - start) * 1000
    return HostAnswer("yes", milliseconds, f"answers in {milliseconds:.0f} ms")


def reach(endpoint: HostEndpoint, timeout: float) -> HostAnswer | None:
    """Return None where a connection comes about; ``no`` where the device itself refuses it; else ``unreachable``."""
    if not endpoint.address:
        return HostAnswer("unreachable", detail="not reachable from here: the context names no device_address")
    try:
        socket.create_connection((endpoint.address, endpoint.port), timeout=timeout).close()
    except ConnectionRefusedError as error:
        return HostAnswer(
            "no", detail="nothing listens there", error=explain(Evidence(endpoint.kind, text=f"{where(endpoint)}: {error}"))
        )
    except OSError as error:
        return HostAnswer("unreachable", detail=f"not reachable from here ({where(endpoint)}: {error})")
    return None


def flashing(error: OperatorError | None, module: str, seconds: float | None) -> Finding | None:
    """Return the finding of a host that says that it flashes, for as long as it has done so (over five minutes it is a fault)."""
    if error is None or error.state != states.FPGA_FLASHING:
        return None
    return diagnose(Evidence("grpc", code="UNAVAILABLE", text=error.raw, module=module, seconds=seconds))[0]


def running_for(state: DeviceState | None, name: str) -> float | None:
    """Return the seconds since the module's last start, by the device's clock; None where it does not say."""
    module = state.module(name) if state else None
    if state is None or module is None or module.reported is None or module.reported.last_start is None:
        return None
    return max(((state.read_at or datetime.now(timezone.utc)) - module.reported.last_start).total_seconds(), 0.0)


def where(endpoint: HostEndpoint) -> str:
    """Return ``address:port``."""
    return f"{endpoint.address}:{endpoint.port}"


def sample_picture() -> bytes:
    """Return a shipped picture, encoded."""
    return (files("services.client") / "assets" / "cat.jpg").read_bytes()


def _with_tensors(state: DeviceState, endpoint: HostEndpoint) -> HostEndpoint:
    """Add the tensor names, which stand in the options of the client that asks this host; without one the sample's."""
    for module in state.modules:
        if module.desired is None:
            continue
        arguments = client_arguments(_options(module))
        if arguments.get("-a") == endpoint.module:
            outputs = tuple(part.strip() for part in arguments.get("-o", "").split(",") if part.strip())
            return replace(endpoint, input=arguments.get("-i") or INPUT, outputs=outputs or (OUTPUT,))
    return endpoint


def _options(module: Module) -> Any:
    if module.desired is None:
        return {}
    try:
        return json.loads(module.desired.create_options or "{}")
    except (ValueError, RecursionError):
        return {}


def _ports(options: Any) -> list[tuple[int, int]]:
    """Return (port in the container, port on the device) of every TCP binding."""
    host = options.get("HostConfig") if isinstance(options, dict) else None
    bindings = host.get("PortBindings") if isinstance(host, dict) else None
    pairs = []
    for key, entries in bindings.items() if isinstance(bindings, dict) else ():
        inside, _, protocol = str(key).partition("/")
        for entry in entries if isinstance(entries, list) else ():
            outside = str(entry.get("HostPort", "")) if isinstance(entry, dict) else ""
            if protocol in ("", "tcp") and _is_port(inside) and _is_port(outside):
                pairs.append((int(inside), int(outside)))
    return pairs


def _is_port(text: str) -> bool:
    return len(text) < 6 and text.isascii() and text.isdigit() and 0 < int(text) < 65536


def _scoring_port(ports: Sequence[tuple[int, int]]) -> tuple[int, int]:
    for port in (GRPC_PORT, *HTTP_PORTS):
        for inside, outside in ports:
            if inside == port:
                return inside, outside
    return ports[0]
