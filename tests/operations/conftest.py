"""The lab's context, its hub, and one fault switched on for a while."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timezone

import pytest

DEVICE, HOST, CLIENT = "databox-edge-1", "azureml-host", "azureml-client"


@pytest.fixture
def context(lab_home):
    from services.contexts.store import ContextStore

    return ContextStore().resolve(None)


@pytest.fixture
def hub(context):
    from services.hub.client import Hub

    return Hub.open(context)


@pytest.fixture
def fault(lab, control):
    """``with fault(name, device=…, module=…, **parameters):`` the session's lab has that fault."""

    @contextmanager
    def switched(name, device="", module="", **parameters):
        where = {"name": name, "device": device, "module": module}
        control(lab, "faults", {**where, "on": True, **parameters})
        try:
            yield
        finally:
            control(lab, "faults", {**where, "on": False})

    return switched


@pytest.fixture
def checked_steps():
    """``checked_steps(context, "seat", "messages")``: these checks of the doctor, with those that they need, by name."""
    from services.operations.doctor.checks.check import SharedFacts
    from services.operations.doctor.checks.checklist import CHECKS
    from services.operations.doctor.doctor import schedule
    from services.operations.doctor.examination import Gathering

    def run(context, *names, message_seconds=3.0):
        wanted, waiting = set(), set(names)
        while waiting:
            wanted |= waiting
            waiting = {name for check in CHECKS if check.name in wanted for name in check.needs} - wanted
        gathering = Gathering(context)
        for step in schedule([c for c in CHECKS if c.name in wanted], SharedFacts(context, context.device, message_seconds), 50):
            gathering.add(step)
        return {step.name: step for step in gathering.steps}

    return run


@pytest.fixture
def checked(checked_steps):
    """``checked(context, "seat", "messages")``: the states that these checks of the doctor name."""

    def run(context, *names, message_seconds=3.0):
        steps = checked_steps(context, *names, message_seconds=message_seconds).values()
        return {step.finding.state for step in steps if step.finding and step.finding.severity != "ok"}

    return run


@pytest.fixture(scope="session")
def _device_lab(tmp_path_factory, running):
    """A lab whose first device runs a host and a client; faults change it as they like."""
    with running(tmp_path_factory.mktemp("labs") / "device") as info, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBE_CONSOLE_HOME", info["config_home"])
        from services.contexts.store import ContextStore
        from services.hub.client import Hub
        from services.operations.rollout import Rollout
        from services.operations.rollout_steps import Watch, failed

        context = ContextStore().resolve(None)
        hub = Hub.open(context)
        deployed = deploy(hub, info)
        steps = None
        for steps in Rollout(hub, context, Watch(DEVICE, (HOST, CLIENT), *deployed), every=0.5).steps(60):
            assert failed(steps) is None, failed(steps)
        assert steps is not None and {step.name: step.state for step in steps}["answers"] == "done"
        patch.undo()
        yield info, context, hub


@pytest.fixture
def device_lab(_device_lab, monkeypatch):
    """LabInfo, context and hub of a lab that is shared by this folder's tests; its home is the current one."""
    monkeypatch.setenv("DBE_CONSOLE_HOME", _device_lab[0]["config_home"])
    return _device_lab


def deploy(hub, info):
    from services.deployment.history import History
    from services.deployment.manifest.changes import SetModule, SetRegistry
    from services.deployment.options.presets import preset, render
    from services.deployment.routes.hub import apply_plan, plan_changes
    from services.records import RegistryCredentials, Secret

    started = datetime.now(timezone.utc)
    server = info["registry_server"]
    credentials = RegistryCredentials(server, info["registry_username"], Secret(info["registry_password"]))
    changes = [
        SetRegistry(credentials),
        SetModule(HOST, image=f"{server}/accel-resnet50:1", create_options=render(preset("fpga-host"), {}), status="running"),
        SetModule(
            CLIENT,
            image=f"{server}/sample-client:1.0",
            create_options=render(preset("client-resnet50"), {"host": HOST, "wait": "2"}),
            status="running",
        ),
    ]
    applied = apply_plan(hub, plan_changes(hub, DEVICE, changes), History())
    return applied.version, started


@pytest.fixture
def device_fault(device_lab, control, eventually):
    info, _, hub = device_lab
    switched = []

    def switch(name, module="", everywhere=False, **parameters):
        where = {"name": name, "device": "" if everywhere else DEVICE, "module": module}
        control(info, "faults", {**where, "on": True, **parameters})
        switched.append(where)

    yield switch
    for where in switched:
        control(info, "faults", {**where, "on": False})
    # Crashed modules wait for their back-off: they are started anew.
    from services.hub.methods import restart_module

    def well():
        state = hub.device_state(DEVICE)
        down = [
            module.name
            for module in state.modules
            if not module.system and module.reported and module.reported.runtime_status != "running"
        ]
        if state.last_desired_code == 200:
            for name in down:
                restart_module(hub, DEVICE, name)
        return state.last_desired_code == 200 and not down and len([m for m in state.modules if m.reported and not m.system]) == 2

    eventually(well)
