"""Deployments: content applied to one device, and configurations at scale that win over it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.lab.hub.errors import HubError, section
from services.lab.hub.query import condition, select
from services.lab.hub.twins import Section, etag_of, kept_of, merge

if TYPE_CHECKING:
    from services.lab.hub.model import Hub

Json = dict[str, Any]
SYSTEM = ("$edgeAgent", "$edgeHub")


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
        """What it puts on devices: ``modulesContent`` or ``deviceContent``."""
        return section(self.body, "content")

    def targets(self, row: Json) -> bool:
        """Whether a device's twin meets the target condition."""
        text = str(self.body.get("targetCondition") or "")
        return bool(text) and condition(text)(row)

    @property
    def system_queries(self) -> dict[str, str]:
        """The queries that a hub counts it by."""
        target = str(self.body.get("targetCondition") or "")
        if "modulesContent" not in self.content:
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
        """The configuration as ``GET /configurations/ID`` gives it; ``count`` tells how many rows a query finds."""
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


def _invalid(why: str) -> HubError:
    error = HubError(400004, f"The content provided for configuration is invalid. Please check and try again. {why}".strip())
    error.name = "InvalidConfigurationContent"
    return error


def desired_of(content: Json) -> dict[str, Json]:
    """Module → desired properties of a ``modulesContent``; HubError where a hub refuses it."""
    modules = content.get("modulesContent")
    if not isinstance(modules, dict) or not modules or content.get("deviceContent"):
        raise _invalid("")
    if not all(name in modules for name in SYSTEM):
        raise _invalid("$edgeAgent and $edgeHub must both be present.")
    desired: dict[str, Json] = {}
    for name, sections in modules.items():
        if name not in SYSTEM and not re.fullmatch(r"[A-Za-z0-9\-._:]{1,128}", name):
            raise _invalid(f"Module id '{name}' is not valid.")
        if not isinstance(sections, dict) or not all(key.startswith("properties.desired") for key in sections):
            raise _invalid(f"The content of '{name}' must be 'properties.desired'.")
        whole = sections.get("properties.desired", {})
        if not isinstance(whole, dict):
            raise _invalid(f"'properties.desired' of '{name}' must be an object.")
        desired[name] = whole
    for name in SYSTEM:
        if not isinstance(desired[name].get("schemaVersion"), str):
            raise _invalid(f"{name} has no schemaVersion.")
    return desired


def patch_of(content: Json) -> Json:
    """The desired properties that a ``deviceContent`` sets: its keys are paths, ``properties.desired.a.b``."""
    patch: Json = {}
    for path, value in section(content, "deviceContent").items():
        if not re.match(r"properties\.desired(\.|$)", path):
            raise _invalid(f"'{path}' is not below 'properties.desired'.")
        for step in reversed(path.split(".")[2:]):
            value = {step: value}
        if not isinstance(value, dict):
            raise _invalid("'properties.desired' must be an object.")
        merge(patch, value)
    return patch


class Configurations:
    """The hub's configurations and what they do to devices."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.all: dict[str, Configuration] = {}

    def put(self, name: str, body: Json, if_match: str | None) -> tuple[Configuration, bool]:
        """Make or change one; returns it and whether it is new."""
        if not re.fullmatch(r"[a-z0-9\-+%_*!']{1,128}", name):
            raise HubError(400004, f"Configuration id '{name}' is not valid.")
        condition(str(body.get("targetCondition") or ""))
        metrics = section(body, "metrics")
        for place, key in ((metrics, "queries"), (metrics, "results"), (body, "labels")):
            section(place, key)
        content = section(body, "content")
        if "modulesContent" in content:
            for properties in desired_of(content).values():
                Section("Desired", self.hub.clock).replace(properties)  # refuses what no twin could take
        elif "deviceContent" in content:
            Section("Desired", self.hub.clock).replace(patch_of(content))
        elif content:
            raise HubError(400004, "The lab carries out modulesContent and deviceContent alone.")
        for query in section(metrics, "queries").values():
            select(self.hub, str(query))
        priority = body.get("priority")
        if priority is not None and (not isinstance(priority, int) or isinstance(priority, bool)):
            raise HubError(400004, "'priority' must be a whole number.")
        known = self.all.get(name)
        now = self.hub.clock.text()
        if known is None:
            known = self.all[name] = Configuration(name, body, now, now)
            self.reconcile()
            return known, True
        if if_match is None:
            raise HubError(409401, f"Configuration '{name}' already exists.")
        if if_match.strip('"') not in ("*", known.etag):
            raise HubError(412001, f"Precondition failed: Configuration version did not match, existingVersion:{known.etag}")
        known.body = {**known.body, **body, "content": known.body.get("content")}
        known.updated, known.edits = now, known.edits + 1
        self.reconcile()
        return known, False

    def view(self, configuration: Configuration) -> Json:
        """One as the hub gives it, its metrics counted now."""
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
        agent = self.hub.registered(device, "$edgeAgent")
        desired = desired_of(content)
        before = {name: copy.deepcopy(self.hub.registered(device, name).twin) for name in desired if self.hub.has(device, name)}
        made = [name for name in desired if not self.hub.has(device, name)]
        try:
            for name, properties in desired.items():
                module = self.hub.ensure_module(device, name)
                module.twin.desired.replace(properties)
                module.twin.touched(edited=True)
        except HubError:
            for name, twin in before.items():
                self.hub.registered(device, name).twin = twin
            for name in made:
                self.hub.remove_module(device, name)
            raise
        for name, properties in desired.items():
            self.hub.desired_changed(device, name, properties)
        self.hub.log(f"deployment applied to {device}, version {agent.twin.desired.version}")

    def reconcile(self) -> None:
        """Let the configuration of highest priority win on every device that it targets, of each kind one."""
        ranked = sorted(self.all.values(), key=lambda one: (-(one.body.get("priority") or 0), one.created))
        for device in self.hub.devices():
            row = device.twin_view()
            matching = [one for one in ranked if one.targets(row)]
            statuses: dict[str, str] = {}
            if device.edge:
                self._win([one for one in matching if "modulesContent" in one.content], self._deploy, device.device, statuses)
            self._win([one for one in matching if "deviceContent" in one.content], self._configure, device.device, statuses)
            system = [self.hub.registered(device.device, name) for name in SYSTEM] if device.edge else []
            for owner in (device, *system):
                owner.twin.configurations = dict(statuses)

    def _win(
        self, ranked: list[Configuration], carry_out: Callable[[str, Json], None], device: str, statuses: dict[str, str]
    ) -> None:
        for position, one in enumerate(ranked):
            statuses[one.id] = "Targeted"
            if position == 0:
                try:
                    carry_out(device, one.content)
                except HubError as error:
                    self.hub.log(f"configuration {one.id} cannot be carried out on {device}: {error}")
                else:
                    statuses[one.id] = "Applied"

    def _deploy(self, device: str, content: Json) -> None:
        if any(
            not self.hub.has(device, name) or self.hub.registered(device, name).twin.desired.content != kept_of(properties)
            for name, properties in desired_of(content).items()
        ):
            self.apply(device, content)

    def _configure(self, device: str, content: Json) -> None:
        twin, patch = self.hub.registered(device).twin, patch_of(content)
        wanted = copy.deepcopy(twin.desired.content)
        merge(wanted, patch)
        if wanted != twin.desired.content:
            twin.desired.patch(patch)
            twin.touched(edited=True)
            self.hub.desired_changed(device, "", patch)
