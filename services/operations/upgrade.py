"""An upgrade of the IoT Edge runtime from here, one deployment at a time: the image is pulled first, then the module changes.

A side module with the new image and the status ``stopped`` has the agent pull the image and create the container, never start it
(docs/facts/fleets.md, 4). What the device has tells which step comes next, so that nothing is kept here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from services.deployment.manifest.changes import Change, RemoveModule, SetModule
from services.deployment.plan import Plan
from services.diagnosis import diagnose_state
from services.diagnosis.image_names import same_image
from services.diagnosis.lifecycle import supported_runtime
from services.errors import OperatorError, UsageError
from services.operations.deployer import Deployer
from services.records import DeviceState, Module
from services.text import one_line
from services.times import now

AGENT = "edgeAgent"
RUNTIME = ("edgeHub", AGENT)
SIDE = {name: f"{name}-image" for name in RUNTIME}  # the module that holds the new image
_TAGGED = re.compile(r"(?P<name>.+):(?P<version>1(?:\.\d+){1,3})(?P<platform>-[\w-]+)?\Z")
_MINOR = re.compile(r"1\.(\d+)(?!\d)")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The next step of an upgrade: what is deployed for it, and what an operator should know before."""

    module: str
    image: str  # the one that it goes to
    present: str  # the one that the deployment asks for now
    step: Literal["pull", "switch"]
    changes: tuple[Change, ...]
    notices: tuple[str, ...]

    @property
    def title(self) -> str:
        """What the step does, in a line."""
        return {"pull": f"Pull {self.image} first", "switch": f"Upgrade {self.module} to {self.image}"}[self.step]

    @property
    def verb(self) -> str:
        """The word of its button."""
        return {"pull": "Pull", "switch": "Upgrade"}[self.step]


def next_step(state: DeviceState, name: str, version: str = "") -> Upgrade:
    """Return the next step of upgrading edgeHub or edgeAgent to ``version``, else to the newest supported one.

    Raises UsageError for what cannot be upgraded, OperatorError where the device still pulls, or cannot.
    """
    module = _runtime_module(state, name)
    version = version or supported_runtime(now().date())
    present = module.desired.image if module.desired else module.image
    image = _target(name, present, version)
    if same_image(image, present):
        raise UsageError(
            f"{name} of {state.device.id} is deployed from {present} already.",
            remedy="See what it reports: dbe-console modules.",
            code="upgrade.present",
        )
    side = state.module(SIDE[name])
    notices = tuple(_notices(state, name, version))
    if side is None or side.desired is None or not same_image(side.desired.image, image):
        pull = SetModule(SIDE[name], image=image, create_options="{}", status="stopped", restart_policy="never")
        return Upgrade(name, image, present, "pull", (pull,), notices)
    _check_pulled(state, side, image)
    return Upgrade(name, image, present, "switch", (SetModule(name, image=image), RemoveModule(side.name)), notices)


def plan_step(deployer: Deployer, device: str, name: str, version: str = "") -> Plan:
    """Return the plan of the next step. Raises as ``next_step`` does."""
    step = next_step(deployer.session.hub.device_state(device), name, version)
    plan = deployer.change(device, step.changes, step.title, step.verb)
    return replace(plan, notices=(*step.notices, *plan.notices))


def pulls(plan: Plan) -> bool:
    """Return whether a plan of an upgrade only has the image pulled, so that another step comes after it."""
    return any(name in SIDE.values() for name in plan.modules)


def _runtime_module(state: DeviceState, name: str) -> Module:
    module = state.module(name) if name in RUNTIME else None
    if module is None or not module.image:
        raise UsageError(
            f"{one_line(name, 128)} is not a module of the runtime that {state.device.id} has.",
            remedy=f"Give {' or '.join(RUNTIME)}; your own modules get another image by dbe-console deploy.",
            code="upgrade.module",
        )
    return module


def _target(name: str, present: str, version: str) -> str:
    """Return the present image with another version: whichever registry mirrors it; tags of one platform end with 1.4."""
    tagged = _TAGGED.match(present)
    if tagged is None or _MINOR.match(version) is None:
        raise UsageError(
            f"{name} cannot be upgraded to {one_line(version, 40)} from {present}.",
            cause="Both versions have to be told: a tag such as 1.4 or 1.4.20, and --to such as 1.6.",
            remedy="Give another --to; or name the image in a manifest: dbe-console manifest export, import --replace.",
            code="upgrade.version",
        )
    old, new = (tuple(map(int, text.split("."))) for text in (tagged["version"], version))
    if new[:2] < old[:2]:
        raise UsageError(
            f"{name} runs {tagged['version']}, which is newer than {version}.",
            remedy="Going back is: dbe-console rollback.",
            code="upgrade.older",
        )
    return f"{tagged['name']}:{version}"


def _check_pulled(state: DeviceState, side: Module, image: str) -> None:
    """Raise OperatorError unless the side module's container has been created, for which its image was pulled."""
    reported = side.reported
    if reported is not None and same_image(reported.image, image) and reported.runtime_status.lower() == "stopped":
        return
    finding = diagnose_state(state).get(side.name)
    trouble = finding if finding is not None and finding.severity == "error" else None
    raise OperatorError(
        f"The image {image} is not on {state.device.id} yet.",
        cause=trouble.cause if trouble else "The agent pulls it, or has not begun.",
        remedy=trouble.remedy if trouble else "Wait, and run the upgrade again; see: dbe-console modules.",
        code="upgrade.not-pulled",
    )


def _notices(state: DeviceState, name: str, version: str) -> list[str]:
    """Say which parts of the runtime would be of another minor version: Microsoft tests those of one version together."""
    other = next(each for each in RUNTIME if each != name)
    module = state.module(other)
    tagged = _TAGGED.match(module.image) if module is not None else None
    parts = {"the daemon": state.daemon_version, other: tagged["version"] if tagged else ""}
    older = [
        f"{part} is {number}"
        for part, number in parts.items()
        if (minor := _MINOR.match(number)) and int(minor[1]) < int(version.split(".")[1])
    ]
    if not older:
        return []
    return [f"Microsoft tests daemon, edgeAgent and edgeHub of one minor version together: {', '.join(older)}."]


def agent_steps(state: DeviceState, version: str = "") -> tuple[str, ...]:
    """Return the steps of upgrading edgeAgent by somebody at the device: from here nothing could bring a dead agent back."""
    module = _runtime_module(state, AGENT)
    version = version or supported_runtime(now().date())
    image = _target(AGENT, module.image, version)
    return (
        f"edgeAgent of {state.device.id} carries out every deployment: one that does not start cannot be rolled back from here.",
        "1. Have a shell on the device, and the old image there: sudo docker image ls.",
        "2. Upgrade the container engine if it is older than Docker 20.10, then the daemon, where it is of an older minor version: "
        "sudo apt-get update && sudo apt-get install aziot-edge (from 1.1: how-to-update-iot-edge of Microsoft's documentation).",
        f"3. Name {image} under [agent.config] of /etc/aziot/config.toml, then: sudo iotedge config apply.",
        "4. Deploy it: dbe-console upgrade edgeAgent --way-back (the image is pulled first, then the module changes).",
        f"Back: dbe-console rollback; on the device name {module.image} in config.toml again, then "
        "sudo docker rm -f edgeAgent && sudo iotedge system restart: the daemon creates the agent from there. (IoT Edge 1.1: "
        "/etc/iotedge/config.yaml and sudo systemctl restart iotedge.)",
    )
