"""A client whose results no route takes to the hub is named before it is deployed, whichever plan brings it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from services.deployment.manifest.changes import MergeContent, ReplaceContent, SendUpstream
from services.deployment.options.presets import preset, render
from services.deployment.routes.hub import _planned
from services.records import Device, DeviceState

OPTIONS = render(preset("client-resnet50"), {"host": "azureml-host"})
SILENT = '{"Cmd": ["-a", "azureml-host", "-s"]}'


def manifest(options: str = "", route: str = "", status: str = "running", **fields: Any) -> dict[str, Any]:
    modules = {}
    if options:
        settings = {"image": "r.io/sample-client:1.0", "createOptions": options}
        modules["eye"] = {"type": "docker", "status": status, "restartPolicy": "always", "settings": settings, **fields}
    return {
        "modulesContent": {
            "$edgeAgent": {"properties.desired": {"schemaVersion": "1.1", "modules": modules}},
            "$edgeHub": {"properties.desired": {"schemaVersion": "1.1", "routes": {"r": route} if route else {}}},
        }
    }


def warnings(*changes: Any, before: dict[str, Any] | None = None) -> list[str]:
    state = DeviceState(Device("edge", True))
    plan = _planned(SimpleNamespace(host="h"), state, before or manifest(), changes)  # type: ignore[arg-type]
    return [problem.place for problem in plan.problems if "no route takes its results" in problem.message]


@pytest.mark.parametrize("change", [MergeContent, ReplaceContent])
def test_a_file_with_a_client_and_no_route_for_it_is_warned_of(change: Any):
    assert warnings(change(manifest(OPTIONS))) == ["eye"]
    assert warnings(change(manifest(OPTIONS, "FROM /messages/modules/other/* INTO $upstream"))) == ["eye"]


@pytest.mark.parametrize(
    "route", ["FROM /messages/* INTO $upstream", "FROM /messages/modules/eye/outputs/* INTO $upstream", "FROM /* INTO $upstream"]
)
def test_a_route_that_carries_it_is_enough(route: str):
    assert warnings(MergeContent(manifest(OPTIONS, route))) == []
    assert warnings(MergeContent(manifest(OPTIONS)), before=manifest(route=route)) == []
    assert warnings(MergeContent(manifest(OPTIONS)), SendUpstream("eye")) == []


def test_a_client_that_sends_nothing_by_the_edge_hub_needs_none():
    assert warnings(MergeContent(manifest(SILENT))) == []
    assert warnings(MergeContent(manifest(OPTIONS, status="stopped"))) == []
    assert warnings(MergeContent(manifest(OPTIONS, env={"DEVICE_CONNECTION_STRING": {"value": "•••(a1b2c3)"}}))) == []
