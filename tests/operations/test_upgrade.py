"""The steps of an upgrade of the runtime, by what a device has."""

from __future__ import annotations

import pytest

from services.deployment.manifest.changes import RemoveModule, SetModule
from services.errors import OperatorError
from services.operations.upgrade import agent_steps, next_step
from services.records import DesiredModule, Device, DeviceState, Module, ReportedModule

HUB, AGENT = "mcr.microsoft.com/azureiotedge-hub", "mirror.example:5000/azureiotedge-agent"


def state(*modules: Module, hub: str = f"{HUB}:1.4", agent: str = f"{AGENT}:1.4", daemon: str = "1.4.33") -> DeviceState:
    system = (Module("edgeAgent", True, DesiredModule(agent)), Module("edgeHub", True, DesiredModule(hub)))
    return DeviceState(Device("d", True), (*system, *modules), daemon_version=daemon, last_desired_code=200)


def side(status: str = "stopped", image: str = f"{HUB}:1.6") -> Module:
    return Module("edgeHub-image", desired=DesiredModule(f"{HUB}:1.6", "stopped"), reported=ReportedModule(status, image))


def test_first_the_image_is_pulled_by_a_module_that_never_starts():
    step = next_step(state(), "edgeHub")
    assert step.step == "pull"
    assert step.changes == (
        SetModule("edgeHub-image", image=f"{HUB}:1.6", create_options="{}", status="stopped", restart_policy="never"),
    )


def test_then_the_module_changes_and_the_other_one_goes():
    step = next_step(state(side()), "edgeHub")
    assert step.step == "switch"
    assert step.changes == (SetModule("edgeHub", image=f"{HUB}:1.6"), RemoveModule("edgeHub-image"))


def test_a_module_with_another_version_than_the_one_asked_for_pulls_again():
    assert next_step(state(side()), "edgeHub", "1.5").step == "pull"


@pytest.mark.parametrize(
    "waiting",
    [
        Module("edgeHub-image", desired=DesiredModule(f"{HUB}:1.6", "stopped")),
        side("backoff"),
        side("unknown"),
        side(image=f"{HUB}:1.5"),
    ],
)
def test_what_is_not_pulled_is_waited_for(waiting: Module):
    with pytest.raises(OperatorError, match="is not on d yet") as caught:
        next_step(state(waiting), "edgeHub")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("hub", "to", "code"),
    [
        (f"{HUB}:1.6", "", "upgrade.present"),
        (f"{HUB}:1.6", "1.5", "upgrade.older"),
        (f"{HUB}:latest", "", "upgrade.version"),
        (f"{HUB}@sha256:{'a' * 64}", "", "upgrade.version"),
        (f"{HUB}:1.4", "newest", "upgrade.version"),
        (f"{HUB}:1.4", "2.0", "upgrade.version"),
    ],
)
def test_what_cannot_be_upgraded_says_why(hub: str, to: str, code: str):
    with pytest.raises(OperatorError) as caught:
        next_step(state(hub=hub), "edgeHub", to)
    assert caught.value.code == code and caught.value.remedy


@pytest.mark.parametrize("name", ["edgehub", "counter", "", "edgeHub-image"])
def test_only_the_runtime_is_upgraded(name: str):
    with pytest.raises(OperatorError, match="not a module of the runtime"):
        next_step(state(side()), name)


def test_the_mirror_stays_and_the_platform_goes():
    step = next_step(state(agent=f"{AGENT}:1.4.20-linux-arm64v8"), "edgeAgent", "1.6.1")
    assert step.image == f"{AGENT}:1.6.1"


@pytest.mark.parametrize(
    ("daemon", "agent", "named"),
    [("1.4.33", "1.6", ["daemon is 1.4.33"]), ("1.6.0", "1.6.1", []), ("", "1.4", ["edgeAgent is 1.4"]), ("18.09", "1.6", [])],
)
def test_mixed_versions_are_said(daemon: str, agent: str, named: list[str]):
    notices = next_step(state(agent=f"{AGENT}:{agent}", daemon=daemon), "edgeHub").notices
    assert len(notices) == len(named) and all(word in notices[0] for word in named)


def test_the_agents_steps_name_images_and_the_way_back():
    text = "\n".join(agent_steps(state()))
    assert f"{AGENT}:1.6" in text and f"{AGENT}:1.4" in text and "rollback" in text and "config.toml" in text
