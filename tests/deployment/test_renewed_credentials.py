"""A plan that changes credentials alone watches the modules whose images they open: they are pulled anew."""

from __future__ import annotations

import copy
from typing import Any

from services.deployment.manifest.content import agent_of
from services.deployment.plan import Plan
from services.lab.cloud.manifests import content, module
from services.records import Device, DeviceState


def manifest(password: str) -> dict[str, Any]:
    modules = {"host": module("reg.io/accel:1"), "other": module("mcr.microsoft.com/x:1")}
    return content(modules, {"r": {"username": "u", "password": password, "address": "reg.io"}})


def plan(before: dict[str, Any], after: dict[str, Any]) -> Plan:
    state = DeviceState(Device("edge", True))
    return Plan("hub", "h", "edge", (), "", 1, before, after, (), (), (), (), state)


def test_the_modules_of_the_registry_are_watched() -> None:
    assert plan(manifest("old"), manifest("new")).modules == ("host",)


def test_without_a_change_nothing_is() -> None:
    assert plan(manifest("old"), manifest("old")).modules == ()


def test_a_module_that_changes_is_watched_alone() -> None:
    after = copy.deepcopy(manifest("new"))
    agent_of(after)["modules"]["other"]["settings"]["image"] = "mcr.microsoft.com/x:2"
    assert plan(manifest("old"), after).modules == ("other",)
