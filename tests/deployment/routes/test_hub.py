"""The hub's route against a lab of this file's own."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.contexts.store import ContextStore
from services.deployment.history import History
from services.deployment.interrupted import settle
from services.deployment.manifest.changes import RemoveModule, RemoveRoute, SendUpstream, SetModule, SetRegistry, SetRoute
from services.deployment.manifest.content import modules_of
from services.deployment.options.presets import preset, render
from services.deployment.plan import ChangedMeanwhile, outline
from services.deployment.rollback import plan_rollback, prepare
from services.deployment.routes import hub as hub_route
from services.deployment.routes.azureml import delete, deploy
from services.deployment.routes.hub import apply_plan, export, plan_changes
from services.errors import OperatorError
from services.hub.client import Hub
from services.records import EdgeService, RegistryCredentials, Secret
from services.workspace.client import Workspace
from services.workspace.service_plan import ServiceModule, ServicePlan

DEVICE = "databox-edge-2"


@pytest.fixture(scope="module")
def route_lab(tmp_path_factory, running):
    with running(tmp_path_factory.mktemp("route") / "lab") as info:
        yield info


@pytest.fixture(scope="module")
def running():
    import importlib.util

    specification = importlib.util.spec_from_file_location("labs", Path(__file__).parents[2] / "conftest.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.running_lab


@pytest.fixture
def hub(route_lab, tmp_path, monkeypatch):
    config = tmp_path / "home" / "config"
    config.mkdir(parents=True, mode=0o700)
    contexts = config / "contexts.toml"
    contexts.write_bytes((Path(route_lab["config_home"]) / "config" / "contexts.toml").read_bytes())
    contexts.chmod(0o600)
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(config.parent))
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 5022 192.0.2.1 22")
    return Hub.open(ContextStore().resolve("lab"))


@pytest.fixture
def history(hub):
    return History()


@pytest.fixture
def fault(route_lab, control):
    on = []

    def switch(name, **parameters):
        on.append({"name": name, "device": parameters.get("device", "")})
        control(route_lab, "faults", {"name": name, "on": True, **parameters})

    yield switch
    for entry in on:
        control(route_lab, "faults", {**entry, "on": False})


def host(name="azureml-host", **more):
    return SetModule(
        name, image="acr.azurecr.io/resnet50:1", create_options=render(preset("fpga-host"), {"port": "50061"}), **more
    )


def test_deploy_change_and_remove_beside_other_peoples_modules(hub, history):
    others = modules_of(export(hub, DEVICE))
    assert others
    made = plan_changes(
        hub,
        DEVICE,
        [host(), SetRegistry(RegistryCredentials("acr.azurecr.io", "u", Secret("hidden-1"))), SendUpstream("azureml-host")],
    )
    assert made.errors == () and made.diff and not made.configurations and made.modules == ("azureml-host",)
    assert not any("hidden-1" in line.text for line in made.diff) and "hidden-1" not in repr(made)
    applied = apply_plan(hub, made, history, "lab")
    assert applied.version == made.before_version + 1
    state = hub.device_state(DEVICE)
    assert state.desired_version == applied.version and "50061" in state.module("azureml-host").desired.create_options

    apply_plan(hub, plan_changes(hub, DEVICE, [SetModule("azureml-host", status="stopped")]), history)
    assert hub.device_state(DEVICE).module("azureml-host").desired.status == "stopped"
    apply_plan(hub, plan_changes(hub, DEVICE, [RemoveModule("azureml-host")]), history)
    assert modules_of(export(hub, DEVICE)) == others

    first = history.entry(applied.entry)
    assert (first.origin, first.route, first.outcome, first.device, first.context) == (
        "192.0.2.7",
        "hub",
        "applied",
        DEVICE,
        "lab",
    )
    assert [entry.summary for entry in history.entries()][:2] == ["remove azureml-host", "stop azureml-host"]
    stored = Path(os.environ["DBE_CONSOLE_HOME"], "state", "history.sqlite")
    assert b"hidden-1" not in stored.read_bytes() and stored.stat().st_mode & 0o077 == 0


def test_options_of_the_runtime_are_told_as_a_change_of_it(hub):
    options = '{"HostConfig": {"PortBindings": {"443/tcp": [{"HostPort": "4443"}]}}}'
    made = plan_changes(hub, DEVICE, [SetModule("edgeHub", create_options=options)])
    assert made.errors == () and outline(made).startswith("Changes edgeHub of the runtime; ")


def test_options_of_many_chunks_arrive_whole(hub, history):
    text = json.dumps({"Labels": {f"label{n}": "value " * 20 for n in range(10)}})
    apply_plan(hub, plan_changes(hub, DEVICE, [SetModule("long", image="i:1", create_options=text)]), history)
    assert json.loads(hub.device_state(DEVICE).module("long").desired.create_options) == json.loads(text)
    apply_plan(hub, plan_changes(hub, DEVICE, [RemoveModule("long")]), history)


def test_what_is_there_already_is_not_sent(hub, history):
    made = plan_changes(hub, DEVICE, [SetModule("shop-counter", status="running")])
    assert made.empty and made.diff == ()
    assert apply_plan(hub, made, history).entry is None
    assert history.entries() == [] and hub.device_state(DEVICE).desired_version == made.before_version


def test_errors_are_found_before_anything_is_sent(hub, history):
    made = plan_changes(hub, DEVICE, [SetModule("bad", image="i:1", create_options='{"HostConfig": {"Priviledged": true}}')])
    with pytest.raises(OperatorError, match="bad"):
        apply_plan(hub, made, history)
    assert history.entries() == [] and hub.device_state(DEVICE).desired_version == made.before_version


def test_a_change_by_somebody_else_stops_the_apply(hub, history):
    mine = plan_changes(hub, DEVICE, [SetModule("mine", image="i:1")])
    apply_plan(hub, plan_changes(hub, DEVICE, [SetModule("theirs", image="i:2")]), history)
    with pytest.raises(ChangedMeanwhile) as caught:
        apply_plan(hub, mine, history)
    assert any("theirs" in line.text for line in caught.value.theirs)
    assert "mine" not in modules_of(export(hub, DEVICE))
    apply_plan(hub, caught.value.plan, history)
    assert {"mine", "theirs"} <= set(modules_of(export(hub, DEVICE)))
    apply_plan(hub, plan_changes(hub, DEVICE, [RemoveModule("mine"), RemoveModule("theirs")]), history)


@pytest.mark.parametrize("moment", ["before it is sent", "after it is sent"])
def test_a_change_by_somebody_else_in_the_last_moment_is_told(hub, history, monkeypatch, moment):
    rival = plan_changes(hub, DEVICE, [SetModule("theirs", image="i:2")])
    mine = plan_changes(hub, DEVICE, [SetModule("mine", image="i:1")])
    send = hub.apply

    def raced(device, content):
        for one in (rival.after, content) if moment == "before it is sent" else (content, rival.after):
            send(device, one)

    monkeypatch.setattr(hub, "apply", raced)
    monkeypatch.setattr(hub_route, "_SETTLE_SECONDS", 0.5)
    if moment == "before it is sent":
        applied = apply_plan(hub, mine, history)
        assert applied.warning and f"version {mine.before_version + 1} came between" in applied.detail
        assert (history.entries()[0].outcome, history.entries()[0].detail) == ("applied", applied.detail)
    else:
        with pytest.raises(OperatorError) as caught:
            apply_plan(hub, mine, history)
        assert caught.value.code == "deployment.overridden" and history.entries()[0].outcome == "overridden"
        assert f"rollback {history.entries()[0].id}" in caught.value.remedy
    monkeypatch.setattr(hub, "apply", send)
    back = plan_rollback(hub, prepare(hub, history.entries()[0]))
    assert any(("mine" if moment == "before it is sent" else "theirs") in line.text for line in back.diff)
    assert not apply_plan(hub, back, history).warning
    assert not {"mine", "theirs"} & set(modules_of(export(hub, DEVICE)))


def test_a_deployment_at_scale_is_named_and_its_win_is_told(hub, history):
    made = plan_changes(hub, "databox-edge-3", [SetModule("mine", image="i:1")])
    assert [item.status for item in made.configurations] == ["Applied"]
    with pytest.raises(OperatorError) as caught:
        apply_plan(hub, made, history)
    assert caught.value.code == "deployment.overridden" and made.configurations[0].id in caught.value.cause
    assert history.entries()[0].outcome == "overridden"
    assert "mine" not in modules_of(export(hub, "databox-edge-3"))


@pytest.mark.parametrize(
    ("name", "parameters", "code"),
    [
        ("hub-500", {}, ""),
        ("concurrent-apply", {"count": 1}, "hub.concurrent-apply"),
        ("quota", {}, "hub.quota-exceeded"),
        ("unauthorized", {}, ""),
        ("hub-error", {"code": 412002, "path": "applyConfigurationContent"}, ""),
        ("hub-error", {"code": 403102, "path": "applyConfigurationContent"}, ""),
        ("hub-refuse", {}, ""),
        ("not-json", {}, ""),
    ],
)
def test_a_hub_that_refuses_leaves_no_doubt(hub, history, fault, name, parameters, code):
    made = plan_changes(hub, DEVICE, [SetModule("mine", image="i:1")])
    fault(name, **parameters)
    with pytest.raises(OperatorError) as caught:
        apply_plan(hub, made, history)
    assert caught.value.what and caught.value.remedy
    assert caught.value.cause.endswith(("had before.", "send it again.") if history.entries() else "Nothing was sent yet.")
    assert not code or caught.value.code == code
    assert all(entry.outcome != "pending" for entry in history.entries())


def test_a_reply_that_is_lost_after_the_hub_took_the_deployment(hub, history, fault):
    fault("reply-lost", device=DEVICE)
    applied = apply_plan(hub, plan_changes(hub, DEVICE, [SetModule("unheard", image="i:1")]), history)
    assert applied.version == hub.device_state(DEVICE).desired_version and "reply was lost" in applied.detail
    assert [entry.outcome for entry in history.entries()] == ["applied"]
    fault("reply-lost", device=DEVICE)  # and where the agent's twin cannot tell
    made = plan_changes(hub, DEVICE, [SetRoute("heard", "FROM /messages/* INTO $upstream")])
    assert made.modules == ("edgeHub",)  # which has to take them
    applied = apply_plan(hub, made, history)
    assert "reply was lost" in applied.detail and history.entries()[0].outcome == "applied"
    apply_plan(hub, plan_changes(hub, DEVICE, [RemoveModule("unheard"), RemoveRoute("heard")]), history)


def test_a_hub_that_is_gone_after_it_took_the_deployment(hub, history, fault, control, route_lab, monkeypatch):
    send = hub.apply

    def taken(*arguments):
        send(*arguments)
        fault("hub-refuse")
        send(*arguments)

    monkeypatch.setattr(hub, "apply", taken)
    with pytest.raises(OperatorError) as caught:
        apply_plan(hub, plan_changes(hub, DEVICE, [SetModule("mute", image="i:1")]), history)
    assert "before you send it again" in caught.value.cause and history.entries()[0].outcome == "pending"
    monkeypatch.setattr(hub, "apply", send)
    control(route_lab, "faults", {"name": "hub-refuse", "on": False})
    assert [entry.outcome for entry in settle(hub, history)] == ["applied"]
    apply_plan(hub, plan_changes(hub, DEVICE, [RemoveModule("mute")]), history)


def test_rollback_takes_its_secrets_from_the_device(hub, history):
    before = export(hub, DEVICE)
    change = [SetModule("shop-counter", status="stopped"), SetModule("extra", image="i:1", env={"MY_TOKEN": "hidden-2"})]
    applied = apply_plan(hub, plan_changes(hub, DEVICE, change), history)
    rollback = prepare(hub, history.entry(applied.entry))
    assert rollback.missing == ()
    apply_plan(hub, plan_rollback(hub, rollback), history)
    assert modules_of(export(hub, DEVICE)) == modules_of(before)
    assert history.entries()[0].summary == f"roll back to before entry {applied.entry}"

    again = prepare(hub, history.entry(applied.entry), "after")
    assert again.questions() == ("extra env MY_TOKEN",)
    with pytest.raises(OperatorError, match="MY_TOKEN"):
        plan_rollback(hub, again)
    again = prepare(hub, history.entry(applied.entry), "after", {again.missing[0]: "hidden-2"})
    apply_plan(hub, plan_rollback(hub, again), history)
    assert modules_of(export(hub, DEVICE))["extra"]["env"] == {"MY_TOKEN": {"value": "hidden-2"}}
    apply_plan(hub, plan_rollback(hub, rollback), history)


KILLED = """
import os, signal, sys
from services.contexts.store import ContextStore
from services.deployment.manifest.changes import SetModule
from services.deployment.history import History
from services.deployment.routes.hub import apply_plan, plan_changes
from services.hub.client import Hub
hub = Hub.open(ContextStore().resolve("lab"))
made = plan_changes(hub, "databox-edge-2", [SetModule("killed", image="i:1")])
send = hub.apply
def killed(*arguments):
    if sys.argv[1] == "after":
        send(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
hub.apply = killed
apply_plan(hub, made, History())
"""


@pytest.mark.parametrize(("when", "outcome"), [("before", "failed"), ("after", "applied")])
def test_a_console_killed_in_the_middle_is_found_again(hub, history, when, outcome):
    done = subprocess.run([sys.executable, "-c", KILLED, when], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert [entry.outcome for entry in history.entries()] == ["pending"]
    settled = settle(hub, history)
    assert [entry.outcome for entry in settled] == [outcome] and settled[0].detail
    assert settle(hub, history) == []
    if outcome == "applied":
        apply_plan(hub, plan_changes(hub, DEVICE, [RemoveModule("killed")]), history)


@pytest.mark.parametrize(
    ("summary", "state", "changed", "outcome"),
    [
        ("service s: a", None, True, "failed"),
        ("service s: a", "Transitioning", True, "pending"),
        ("service s: a", "Healthy", True, "applied"),
        ("service s: a", "Healthy", False, "failed"),  # the one that was there before
        ("service s: a", "Failed", True, "failed"),
        ("delete service s", None, True, "applied"),
        ("delete service s", "Deleting", False, "pending"),
        ("delete service s", "Healthy", False, "failed"),
    ],
)
def test_what_azure_ml_was_left_at_is_told_by_its_services(hub, history, summary, state, changed, outcome):
    version = hub.device_state(DEVICE).desired_version
    entry = history.begin(
        context="lab", host=hub.host, device=DEVICE, route="azureml", summary=summary, before_version=version - changed
    )
    history.leave(entry, "It was left.")
    assert settle(hub, history) == [], "only who knows the workspace can tell"
    settle(hub, history, lambda: [EdgeService("s", state)] if state else [])
    assert history.entry(entry).outcome == outcome and history.entry(entry).detail


@pytest.mark.long
def test_azure_ml_that_fails_when_it_has_begun_is_not_called_failed(hub, history, fault, control, route_lab, eventually):
    context = ContextStore().resolve("lab")
    workspace = Workspace(context, poll_seconds=0.3)
    services = SimpleNamespace(context=context, workspace=workspace, hub=hub, history=history)
    credentials = workspace.registry_credentials()
    image = next(image for image in workspace.images() if image.name == "accel-resnet50")
    module = ServiceModule("aml-host", render(preset("fpga-host"), {"port": "50071"}))
    request = ServicePlan("aml-host", image.id, "edge-hub", DEVICE, module, (), (credentials,))

    def tell(progress):
        if progress.text.startswith("The deployment of aml-host"):  # it is under way
            fault("workspace-500")

    others = set(modules_of(export(hub, DEVICE)))
    with pytest.raises(OperatorError) as caught:
        deploy(services, request, tell)
    assert "may still be at it" in caught.value.cause and history.entries()[0].outcome == "pending"
    control(route_lab, "faults", {"name": "workspace-500", "on": False})
    eventually(lambda: settle(hub, history, workspace.services))
    assert history.entries()[0].outcome == "applied"
    assert set(modules_of(export(hub, DEVICE))) == others | {"aml-host"}, "nobody else's module is gone"
    delete(services, "aml-host")
    assert set(modules_of(export(hub, DEVICE))) == others
    workspace.close()


def test_a_history_that_cannot_be_written_stops_the_apply(hub, tmp_path):
    path = tmp_path / "history.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(OperatorError) as caught:
        History(path)
    assert str(path) in caught.value.cause
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("SELECT 1 FROM sqlite_master")
