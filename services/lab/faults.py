"""Faults that can be switched on: who carries each one out, and what it does. The states are those of docs/facts/iot-hub.md."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Literal

Place = Literal["hub", "wire", "agent", "client", "workspace", "registry"]
Cure = Literal[
    "elsewhere",
    "wait",
    "deployment",
    "image",
    "options",
    "port",
    "password",
    "routes",
    "restart",
    "group",
    "transport",
    "model",
    "token",
]
# What cures a fault that is on, as its remedy says: the lab does not let practice teach what helps nobody.
CURES: dict[Cure, str] = {
    "elsewhere": "switch it off: that stands for whoever mends network, Azure, clock or device",
    "wait": "it passes by itself, or with the next try",
    "deployment": "the next deployment or a rollback",
    "image": "another image of that name or another version, or a rollback to one",
    "options": "other create options",
    "port": "another HostPort",
    "password": "a deployment with the registry's new password (the workspace has it)",
    "routes": "other routes in the deployment",
    "restart": "a restart of the module",
    "group": "another consumer group in the context",
    "transport": 'transport = "websocket" in the context\'s events',
    "model": "another model",
    "token": "a context that signs in with a token instead of a key",
}


@dataclass(frozen=True)
class FaultKind:
    """A fault that the lab can make; ``parameters`` are the names it takes with their defaults, ``cure`` what ends it beside the switch."""

    name: str
    place: Place
    text: str
    parameters: dict[str, Any] = field(default_factory=dict)
    cure: Cure = "elsewhere"
    lasts: float = 0.0  # seconds, then it passes by itself; 0 is for ever


_LASTS = 300.0  # seconds after which those pass that pass by themselves

_KINDS = (
    # the hub's HTTPS
    FaultKind("hub-refuse", "hub", "Connections to the hub's HTTPS are closed without an answer."),
    FaultKind("hub-freeze", "hub", "The hub takes requests and never answers.", cure="wait", lasts=_LASTS),
    FaultKind("hub-slow", "hub", "Every answer of the hub is late.", {"seconds": 3.0}),
    FaultKind("hub-500", "hub", "The hub answers 500.", cure="wait", lasts=_LASTS),
    FaultKind("hub-503", "hub", "The hub answers 503.", cure="wait", lasts=_LASTS),
    FaultKind("hub-error", "hub", "The hub refuses with a code of your choice.", {"code": 500001, "path": ""}),
    FaultKind("throttle", "hub", "The hub throttles (429001).", cure="wait", lasts=_LASTS),
    FaultKind("throttle-backlog", "hub", "The hub throttles (429002).", cure="wait", lasts=_LASTS),
    FaultKind("throttle-timeout", "hub", "The hub throttles (429003).", cure="wait", lasts=_LASTS),
    FaultKind("quota", "hub", "The day's messages are used up (403002)."),
    FaultKind("basic-tier", "hub", "The hub is of a basic tier: no twins, methods, deployments (403010)."),
    FaultKind("unauthorized", "hub", "Every key is refused (401003)."),
    FaultKind("expire", "hub", "Every token counts as expired."),
    FaultKind("short-tokens", "hub", "Azure AD's tokens live for seconds only.", {"seconds": 20}),
    FaultKind("local-auth-off", "hub", "Local authentication is switched off: no key is let in (401003).", cure="token"),
    FaultKind("role-missing", "hub", "The sign-in has no role on the hub: its token is refused (401003).", {"kept": ""}),
    FaultKind("no-listkeys", "workspace", "The sign-in may not list the hub's keys (403).", cure="token"),
    FaultKind("hub-read-only", "workspace", "The sign-in may not change the hub in Azure Resource Manager (403)."),
    FaultKind("ip-rule", "hub", "The hub's IP rules keep this machine out (401002)."),
    FaultKind("public-access-off", "hub", "The hub lets nobody in by the public network (401002)."),
    FaultKind("receiver-role-missing", "wire", "The sign-in has not the role Azure Event Hubs Data Receiver."),
    FaultKind("skew", "hub", "The hub's clock runs ahead: tokens expire, Date disagrees.", {"seconds": 7200.0}),
    FaultKind("concurrent-apply", "hub", "Another configuration is being applied (409402).", {"count": 1}, cure="wait"),
    FaultKind(
        "reply-lost", "hub", "The hub takes a deployment, and the connection breaks before it answers.", {"count": 1}, cure="wait"
    ),
    FaultKind("changed-meanwhile", "hub", "Somebody else changes the deployment now.", cure="wait"),
    FaultKind("at-scale", "hub", "A deployment at scale targets the device and overwrites what is applied."),
    FaultKind("device-missing", "hub", "The device's identity is gone (404001)."),
    FaultKind("module-missing", "hub", "The module's identity is gone (404010).", cure="deployment"),
    FaultKind("offline", "hub", "The device is not connected (404103)."),
    FaultKind("offline-closed", "hub", "The device is not online (404102)."),
    FaultKind("method-timeout", "hub", "The device takes a method and never replies (504101)."),
    FaultKind("not-json", "hub", "The hub answers with HTML where JSON is due (a captive proxy)."),
    # AMQP and MQTT
    FaultKind("cut", "wire", "Connections for events and devices are cut, again and again.", {"every": 3.0}, cure="transport"),
    FaultKind("freeze", "wire", "AMQP and MQTT stay open and say nothing.", cure="transport"),
    FaultKind("refuse", "wire", "AMQP and MQTT connections are refused.", cure="transport"),
    FaultKind("slow", "wire", "AMQP deliveries are late.", {"seconds": 1.0}, cure="transport"),
    FaultKind(
        "too-many-readers", "wire", "Five other readers hold the consumer group (amqp:resource-limit-exceeded).", cure="group"
    ),
    FaultKind("link-stolen", "wire", "A reader with a higher epoch takes the link (amqp:link:stolen).", cure="group"),
    FaultKind("retention", "wire", "The hub forgets all but the newest events.", {"keep": 10}),
    FaultKind("duplicates", "wire", "One identity in two clients: each pushes the other out (400027)."),
    # the edge agent and what runs on the device
    FaultKind("not-applied", "agent", "The agent does not take up a new deployment."),
    FaultKind("agent-stopped", "agent", "The agent is not running: 406, every module unknown."),
    FaultKind("empty", "agent", "The agent finds an empty deployment (417).", cure="deployment"),
    FaultKind("bad-format", "agent", "The agent finds the deployment's format invalid (400).", cure="deployment"),
    FaultKind("schema", "agent", "The agent refuses the schema version (412).", cure="deployment"),
    FaultKind(
        "pull-unauthorized",
        "agent",
        "The registry's password was renewed: the pull is refused (500).",
        {"wording": ""},
        cure="password",
    ),
    FaultKind("pull-denied", "agent", "The registry denies the image (500).", {"wording": ""}, cure="image"),
    FaultKind(
        "slow-pull", "agent", "The pull takes longer than the agent waits (500).", {"wording": "", "seconds": 0.0}, cure="wait"
    ),
    FaultKind("port-taken", "agent", "The host port is allocated already (500).", {"wording": "docker"}, cure="port"),
    FaultKind(
        "step-waits",
        "agent",
        "A step waits for its next try; an agent to 1.0.9 says so without a word (406).",
        cure="wait",
        lasts=_LASTS,
    ),
    FaultKind("engine-gone", "agent", "The agent cannot list its containers: 500, and no module is reported."),
    FaultKind("routes-refused", "agent", "edgeHub refuses its configuration: a route that does not parse (400).", cure="routes"),
    FaultKind("no-fpga", "agent", "The device has no /dev/catapult0 (500)."),
    FaultKind("crash", "agent", "The module dies again and again: backoff.", {"exit_code": 139}, cure="image"),
    FaultKind("stuck", "agent", "The module failed 20 times; the agent gave up.", {"exit_code": 139}, cure="restart"),
    FaultKind("unhealthy", "agent", "The module's health check fails.", cure="restart"),
    FaultKind("dead", "agent", "The module's container is dead.", cure="options"),
    FaultKind("flashing", "agent", "The FPGA is being flashed; the host answers UNAVAILABLE.", {"seconds": 60.0}, cure="wait"),
    FaultKind("flashing-forever", "agent", "The FPGA never finishes flashing.", cure="restart"),
    FaultKind("host-gone", "agent", "The host's port is closed.", cure="restart"),
    FaultKind("host-slow", "agent", "The host answers after the client's deadline.", {"seconds": 20.0}, cure="restart"),
    FaultKind("wrong-tensors", "agent", "The host knows other tensor names than the client.", cure="image"),
    FaultKind("network", "agent", "The device's own network drops connections between modules."),
    FaultKind("stale-report", "agent", "The agent reports no more, and answers no ping."),
    FaultKind("odd-report", "agent", "Reported properties with missing, extra and wrongly typed fields."),
    FaultKind(
        "logs-too-large",
        "agent",
        "Module logs of more than a few lines are too large for a method's reply (400).",
        {"lines": 2},
        cure="wait",
    ),
    # workspace and registry
    FaultKind("workspace-freeze", "workspace", "Azure ML takes requests and never answers.", cure="wait", lasts=_LASTS),
    FaultKind("workspace-slow", "workspace", "Azure ML is slow.", {"seconds": 3.0}),
    FaultKind("workspace-500", "workspace", "Azure ML answers 500.", cure="wait", lasts=_LASTS),
    FaultKind("workspace-forbidden", "workspace", "The sign-in has no role on the workspace (403)."),
    FaultKind("v1-gone", "workspace", "Azure ML's v1 service for models and images is gone (410)."),
    FaultKind("sign-in", "workspace", "Azure AD refuses the sign-in.", {"number": 7000222}),
    FaultKind("making-slow", "workspace", "Conversions and builds do not come to their end."),
    FaultKind("convert-fails", "workspace", "Conversions fail.", cure="model"),
    FaultKind("build-fails", "workspace", "Image builds fail.", cure="model"),
    FaultKind(
        "registry-unauthorized", "registry", "The registry's password was renewed: it refuses the one of before.", cure="password"
    ),
    FaultKind("registry-freeze", "registry", "The registry never answers.", cure="wait", lasts=_LASTS),
    FaultKind("image-missing", "registry", "The registry has lost the image that is asked for.", cure="image"),
    FaultKind(
        "image-architecture", "registry", "The image is for another architecture.", {"architecture": "arm64"}, cure="image"
    ),
)
# How a fault is written on a command line.
FAULT = "NAME[@DEVICE[/MODULE]][:KEY=VALUE,…]"
KINDS = {kind.name: kind for kind in _KINDS}
CURED_BY_RESTART = frozenset(kind.name for kind in _KINDS if kind.cure == "restart")


@dataclass
class Fault:
    """A fault that is on. No device or module: all of them."""

    kind: FaultKind
    device: str = ""
    module: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    signs: dict[tuple[str, ...], Hashable] = field(default_factory=dict, repr=False)
    tries: Counter[tuple[str, ...]] = field(default_factory=Counter, repr=False)
    cured: set[tuple[str, ...]] = field(default_factory=set, repr=False)
    since: float = field(default_factory=time.monotonic, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether it has passed by itself."""
        return bool(self.kind.lasts) and time.monotonic() - self.since > self.kind.lasts

    def bites(self, place: tuple[str, ...], sign: Hashable, tries: int) -> bool:
        """Return whether its remedy has not been carried out at ``place``.

        ``sign`` is what the remedy changes (the host ports, the image): as long as it is what it was at first, the fault bites. With
        ``tries`` it passes by itself after so many.
        """
        if place[:2] in self.cured:
            return False
        if tries:
            self.tries[place] += 1
            return self.tries[place] <= tries
        return sign is None or self.signs.setdefault(place, sign) == sign

    def as_dict(self) -> dict[str, Any]:
        """Return the fault for the control API."""
        return {"name": self.kind.name, "device": self.device, "module": self.module, **self.parameters}


class Faults:
    """The faults that are on. ``watch(callback)`` is told of every change: callback(fault, on)."""

    def __init__(self) -> None:
        self.on: list[Fault] = []
        self._watchers: list[Callable[[Fault, bool], None]] = []

    def watch(self, callback: Callable[[Fault, bool], None]) -> None:
        """Tell ``callback`` when a fault is switched on or off."""
        self._watchers.append(callback)

    def switch(self, name: str, on: bool = True, device: str = "", module: str = "", **parameters: Any) -> None:
        """Switch a fault; KeyError when there is none of that name, ValueError for a parameter that it does not take."""
        kind = KINDS[name]
        unknown = set(parameters) - set(kind.parameters)
        if unknown:
            raise ValueError(
                f"{name} does not take {', '.join(sorted(unknown))}; it takes {', '.join(kind.parameters) or 'nothing'}"
            )
        for fault in [f for f in self.on if f.kind is kind and (f.device, f.module) == (device, module)]:
            self.on.remove(fault)
            if not on:
                self._tell(fault, False)
        if on:
            fault = Fault(kind, device, module, {**kind.parameters, **parameters})
            self.on.append(fault)
            self._tell(fault, True)

    def switch_text(self, text: str) -> None:
        """Switch on what FAULT-shaped text says; ValueError in words when it says nothing that there is."""
        head, _, tail = text.partition(":")
        name, _, where = head.partition("@")
        device, _, module = where.partition("/")
        if name not in KINDS:
            raise ValueError(f"there is no fault named {name}")
        parameters: dict[str, Any] = {}
        for pair in filter(None, tail.split(",")):
            key, _, value = pair.partition("=")
            default = KINDS[name].parameters.get(key, "")
            try:
                parameters[key] = type(default)(value)
            except ValueError as error:
                raise ValueError(f"{key}={value} is not {type(default).__name__}") from error
        self.switch(name, True, device, module, **parameters)

    def clear(self) -> None:
        """Switch every fault off."""
        for fault in list(self.on):
            self.on.remove(fault)
            self._tell(fault, False)

    def _tell(self, fault: Fault, on: bool) -> None:
        for watcher in self._watchers:
            watcher(fault, on)

    def cure(self, device: str, module: str) -> None:
        """Take the faults that a restart cures off one module: somebody restarted it."""
        for fault in self.on:
            if fault.kind.name in CURED_BY_RESTART:
                fault.cured.add((device, module))

    def active(
        self,
        name: str,
        device: str | None = None,
        module: str | None = None,
        *,
        subject: str = "",
        sign: Hashable = None,
        tries: int = 0,
    ) -> dict[str, Any] | None:
        """Return the fault's parameters (at least ``{}``) where it is on for that device and module, else None.

        A fault switched on without a device or module is on for every one. ``sign`` and ``tries`` as for ``Fault.bites``, of the
        ``subject`` (a repository, a consumer group's reader) where it is no module's.
        """
        for fault in list(self.on):
            if fault.is_over:
                self.on.remove(fault)
                self._tell(fault, False)
                continue
            here = not fault.device or device is None or fault.device == device
            if fault.kind.name != name or not here or not (not fault.module or module is None or fault.module == module):
                continue
            if fault.bites((device or "", module or "", subject), sign, tries):
                return fault.parameters
        return None

    def take(self, name: str, device: str | None = None) -> bool:
        """Return whether the fault is on; one with a ``count`` counts down and goes off at zero."""
        parameters = self.active(name, device)
        if parameters is None:
            return False
        if "count" in parameters:
            parameters["count"] -= 1
            if parameters["count"] <= 0:
                for fault in [f for f in self.on if f.parameters is parameters]:
                    self.on.remove(fault)
                    self._tell(fault, False)
        return True
