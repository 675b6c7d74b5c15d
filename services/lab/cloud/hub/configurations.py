"""Deployments: content applied to one device, and configurations at scale that win over it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.lab.cloud.hub.configuration_contents import (
    SYSTEM,
    desired_of,
    is_layer,
    kind_of,
    layer_of,
    modules_of,
    overlaid,
    patch_of,
    removal_of,
)
from services.lab.cloud.hub.errors import HubError, section
from services.lab.cloud.hub.query import condition, select
from services.lab.cloud.hub.twins import Section, etag_of, kept_of, merge

if TYPE_CHECKING:
    from services.lab.cloud.hub.identity import Identity
    from services.lab.cloud.hub.model import Hub

Json = dict[str, Any]


@dataclass
class Configuration:
    """A deployment at scale. ``body`` is what its author sent."""

    id: str
    body: Json
    created: str
    updated: str
    edits: int = 1

    @property
    def etag(self) -> str:
        """Changes with every edit."""
        return etag_of(self.edits)

    @property
    def content(self) -> Json:
        """What it puts on devices: ``modulesContent``, ``deviceContent`` or ``moduleContent``."""
        return section(self.body, "content")

    @property
    def kind(self) -> str:
        """Which of the three its content is."""
        return kind_of(self.content)

    @property
    def priority(self) -> int:
        """Its rank: the higher wins."""
        return int(self.body.get("priority") or 0)

    def targets(self, row: Json) -> bool:
        """Return whether a device's or module's twin meets the target condition; an empty one targets nobody."""
        text = _target_of(self.kind, str(self.body.get("targetCondition") or ""))
        return bool(text.strip()) and condition(text)(row)

    @property
    def system_queries(self) -> dict[str, str]:
        """The queries that a hub counts it by."""
        target = str(self.body.get("targetCondition") or "")
        if self.kind == "moduleContent":
            return {
                "targetedCount": f"select deviceId, moduleId {target}" if target else "",
                "appliedCount": f"select deviceId, moduleId from devices.modules where configurations.[[{self.id}]].status = 'Applied'",
            }
        if self.kind != "modulesContent":
            return {
                "targetedCount": f"select deviceId from devices{'' if target == '*' else f' where {target}'}" if target else "",
                "appliedCount": f"select deviceId from devices where configurations.[[{self.id}]].status = 'Applied'",
            }
        agents = "select deviceId from devices.modules where moduleId = '$edgeAgent'"
        applied = f"{agents} and configurations.[[{self.id}]].status = 'Applied'"
        reported = f"{applied} and properties.desired.$version = properties.reported.lastDesiredVersion"
        where = f" and ({target})" if target not in ("", "*") else ""
        return {
            "targetedCount": f"select deviceId from devices where capabilities.iotEdge = true{where}" if target else "",
            "appliedCount": applied,
            "reportedSuccessfulCount": f"{reported} and properties.reported.lastDesiredStatus.code = 200",
            "reportedFailedCount": f"{reported} and properties.reported.lastDesiredStatus.code != 200",
        }

    def view(self, count: Callable[[str], int]) -> Json:
        """Return the configuration as ``GET /configurations/ID`` gives it; ``count`` tells how many rows a query finds."""
        queries = section(self.body, "metrics").get("queries") or {}
        return {
            "id": self.id,
            "schemaVersion": self.body.get("schemaVersion", "1.0"),
            "labels": self.body.get("labels") or {},
            "content": self.content,
            "targetCondition": self.body.get("targetCondition", ""),
            "createdTimeUtc": self.created,
            "lastUpdatedTimeUtc": self.updated,
            "priority": self.body.get("priority") or 0,
            "systemMetrics": {
                "results": {name: count(text) if text else 0 for name, text in self.system_queries.items()},
                "queries": self.system_queries,
            },
            "metrics": {"results": {name: count(text) for name, text in queries.items()}, "queries": queries},
            "etag": self.etag,
        }


_MODULES = re.compile(r"\s*from\s+devices\.modules\s+where\s+(?P<where>.+)", re.IGNORECASE | re.DOTALL)


def _target_of(kind: str, text: str) -> str:
    """Return the condition in a target condition; that of module content begins with ``from devices.modules where``."""
    if kind != "moduleContent" or not text.strip():
        return text
    match = _MODULES.fullmatch(text)
    if match is None:
        raise HubError(400401, "The target condition of module content begins with 'from devices.modules where'.")
    return match["where"]


class Configurations:
    """The hub's configurations and what they do to devices."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.all: dict[str, Configuration] = {}
        self._settings: dict[tuple[str, str], Json] = {}  # what device and module content put into which twin

    def put(self, name: str, body: Json, if_match: str | None) -> tuple[Configuration, bool]:
        """Make or change one; returns it and whether it is new."""
        if not re.fullmatch(r"[a-z0-9\-+%_*!']{1,128}", name):
            raise HubError(400004, f"Configuration id '{name}' is not valid.")
        metrics = section(body, "metrics")
        for place, key in ((metrics, "queries"), (metrics, "results"), (body, "labels")):
            section(place, key)
        content = section(body, "content")
        kind = kind_of(content)
        if kind != "modulesContent":
            sections = {"": patch_of(content)}
        elif is_layer(content):
            sections = layer_of(content)
        else:
            sections = desired_of(content)
        for properties in sections.values():
            Section("Desired", self.hub.clock).replace(properties)  # refuses what no twin could take
        try:
            condition(_target_of(kind, str(body.get("targetCondition") or "")))
        except HubError as error:
            raise HubError(400401, error.message) from error
        for query in section(metrics, "queries").values():
            try:
                select(self.hub, str(query))
            except HubError as error:
                raise HubError(400404, error.message) from error
        priority = body.get("priority")
        if priority is not None and (not isinstance(priority, int) or isinstance(priority, bool)):
            raise HubError(400004, "'priority' must be a whole number.")
        current = self.all.get(name)
        now = self.hub.clock.text()
        if current is None:
            current = self.all[name] = Configuration(name, body, now, now)
            self.reconcile()
            return current, True
        if if_match is None:
            raise HubError(409401, f"Configuration '{name}' already exists.")
        if if_match.strip('"') not in ("*", current.etag):
            raise HubError(412001, f"Precondition failed: Configuration version did not match, existingVersion:{current.etag}")
        if content and content != current.content:
            raise HubError(400403, "The content of a configuration cannot be changed; make another one.")
        current.body = {**current.body, **body, "content": current.body.get("content")}
        current.updated, current.edits = now, current.edits + 1
        self.reconcile()
        return current, False

    def view(self, configuration: Configuration) -> Json:
        """Return the configuration as the hub gives it, its metrics counted now."""
        return configuration.view(lambda query: len(select(self.hub, query)))

    def remove(self, name: str) -> None:
        """Delete one; what it applied stays on the devices."""
        if self.all.pop(name, None) is None:
            raise HubError(404301, f"Configuration '{name}' is not found.")
        self.reconcile()

    def apply(self, device: str, content: Json) -> None:
        """Set a device's modules: replaces every module's desired properties, all or nothing."""
        if not self.hub.registered(device).edge:
            raise HubError(400003, f"Device {device} is not an IoT Edge device.")
        self._write(device, desired_of(content))

    def _write(self, device: str, desired: dict[str, Json]) -> None:
        agent = self.hub.registered(device, "$edgeAgent")
        before = {name: copy.deepcopy(self.hub.registered(device, name).twin) for name in desired if self.hub.has(device, name)}
        new_modules = [name for name in desired if not self.hub.has(device, name)]
        try:
            for name, properties in desired.items():
                module = self.hub.ensure_module(device, name)
                module.twin.desired.replace(properties)
                module.twin.touched(edited=True)
        except HubError:
            for name, twin in before.items():
                self.hub.registered(device, name).twin = twin
            for name in new_modules:
                self.hub.remove_module(device, name)
            raise
        for name, properties in desired.items():
            self.hub.desired_changed(device, name, properties)
        self.hub.log(f"deployment applied to {device}, version {agent.twin.desired.version}")

    # At scale

    def reconcile(self) -> None:
        """Give every device and module what the configurations that target it make of it.

        Of whole edge deployments, and of each other kind, the highest priority wins, at a tie the newest; layers of a higher
        priority than the winner's come over it (docs/facts/fleets.md, 1d to 1g).
        """
        ranked = sorted(self.all.values(), key=lambda one: (one.priority, one.created), reverse=True)
        for device in self.hub.devices():
            row = device.twin_view()
            matching = [one for one in ranked if one.kind != "moduleContent" and one.targets(row)]
            settings = self._configure(device, [one for one in matching if one.kind == "deviceContent"])
            edge = [one for one in matching if one.kind == "modulesContent"] if device.edge else []
            statuses = self._deploy(device.device, edge)
            device.twin.configurations = {**{one.id: _of_device(one.id, statuses) for one in edge}, **settings}
            for module in self.hub.modules(device.device):
                row = module.twin_view()
                own = [one for one in ranked if one.kind == "moduleContent" and module.module not in SYSTEM and one.targets(row)]
                module.twin.configurations = {**statuses.get(module.module, {}), **self._configure(module, own)}

    def _deploy(self, device: str, ranked: list[Configuration]) -> dict[str, dict[str, str]]:
        """Carry out a base with its layers; module → configuration → Applied, or Targeted where it has no part in it."""
        base = next((one for one in ranked if not is_layer(one.content)), None)
        layers = [one for one in ranked if base is not None and one.priority > base.priority and is_layer(one.content)]
        parts = [] if base is None else [base, *layers]
        if base is not None:
            try:
                desired = desired_of(base.content, [one.content for one in reversed(layers)])
                if any(
                    not self.hub.has(device, name)
                    or self.hub.registered(device, name).twin.desired.content != kept_of(properties)
                    for name, properties in desired.items()
                ):
                    self._write(device, desired)
            except HubError as error:
                self.hub.log(f"configuration {base.id} cannot be carried out on {device}: {error}")
                parts = []
        statuses: dict[str, dict[str, str]] = {name: {} for name in SYSTEM}
        for one in ranked:
            names = modules_of(one.content)
            for name in {*names, *SYSTEM}:
                applied = one in parts and name in names
                statuses.setdefault(name, {})[one.id] = "Applied" if applied else "Targeted"
        return statuses

    def _configure(self, identity: Identity, ranked: list[Configuration]) -> dict[str, str]:
        """Put the winner's settings into a twin, and take those of one that no longer wins away."""
        place = (identity.device, identity.module)
        winner = ranked[0] if ranked else None
        patch = patch_of(winner.content) if winner is not None else {}
        statuses = {one.id: "Targeted" for one in ranked}
        before = self._settings.get(place, {})
        change = removal_of(before) if before != patch else {}
        change = overlaid(change, patch)
        merged = copy.deepcopy(identity.twin.desired.content)
        merge(merged, change)
        try:
            if merged != identity.twin.desired.content:
                identity.twin.desired.patch(change)
                identity.twin.touched(edited=True)
                self.hub.desired_changed(identity.device, identity.module, change)
        except HubError as error:
            self.hub.log(f"settings of {identity.path}: {error}")
            return statuses
        self._settings[place] = patch
        return {**statuses, winner.id: "Applied"} if winner is not None else statuses


def _of_device(name: str, statuses: dict[str, dict[str, str]]) -> str:
    """Return a configuration's status on the device's own twin: that on its modules' twins."""
    return "Applied" if any(entries.get(name) == "Applied" for entries in statuses.values()) else "Targeted"
