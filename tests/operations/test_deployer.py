"""What the core of deploying decides, for the screen and the verbs alike; no hub is asked."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from console.cli.main import parser
from console.cli.output import Call
from console.cli.verbs._deployment import TerminalDialog
from console.cli.verbs.deploy import request_of
from services.contexts.model import Context
from services.deployment.manifest.changes import SendUpstream, SetModule
from services.deployment.manifest.problem import ManifestProblem
from services.deployment.options.client_arguments import client_role
from services.deployment.options.presets import preset, render
from services.deployment.plan import Applied, ChangedMeanwhile, Plan
from services.errors import OperatorError
from services.operations import deployer as deployer_module
from services.operations.deployer import Deployer, edit_request
from services.operations.device_lock import device_lock
from services.records import (
    ClientRequest,
    ConfigurationStatus,
    DeployRequest,
    DesiredModule,
    Device,
    DeviceState,
    Module,
    Progress,
    WorkspaceImage,
)

HOST_IMAGE = WorkspaceImage("accel:1", "accel-resnet50", 1, "AccelContainer", "Succeeded", "r.azurecr.io/accel-resnet50:1")
CLIENT_IMAGE = WorkspaceImage("", "sample-client", 0, "", "Succeeded", "r.azurecr.io/sample-client:1.0")
CLIENT_OPTIONS = render(preset("client-resnet50"), {"host": "azureml-host"})
SILENT_OPTIONS = '{"Cmd": ["-a", "azureml-host", "-s"]}'


def session(**fields: Any) -> Any:
    context = Context("lab")
    return SimpleNamespace(context=context, workspace=None, hub=SimpleNamespace(), history=SimpleNamespace(), **fields)


def routed(request: DeployRequest) -> list[str]:
    """Return the modules that get a route to the hub."""
    changes = Deployer(session()).resolve(request).changes
    return [change.module for change in changes if isinstance(change, SendUpstream)]


def manifest(**modules: tuple[str, str, str]) -> dict[str, Any]:
    entries = {
        name: {"status": status, "settings": {"image": image, "createOptions": options}}
        for name, (status, image, options) in modules.items()
    }
    return {"modulesContent": {"$edgeAgent": {"properties.desired": {"modules": entries}}}}


def plan(before: dict[str, Any], after: dict[str, Any], **fields: Any) -> Plan:
    state = DeviceState(Device("edge", True))
    return replace(Plan("hub", "h", "edge", (), "change m", 1, before, after, (), (), (), (), state), **fields)


def test_only_an_addition_without_warnings_is_confirmed_by_enter():
    host = ("running", "r.azurecr.io/accel:1", "{}")
    scale = ConfigurationStatus("line-3", "Targeted")
    before, after = manifest(host=host), manifest(host=host, eye=("running", "r.azurecr.io/eye:1", "{}"))
    assert plan(before, after).only_adds and plan(manifest(), before).only_adds
    assert not plan(after, before).only_adds
    for fields in ({"notices": ("nobody receives it",)}, {"configurations": (scale,)}):
        assert not plan(before, after, **fields).only_adds, fields


def test_a_line_more_in_a_module_that_is_there_is_no_addition():
    before = manifest(host=("running", "r.azurecr.io/accel:1", "{}"))
    after = manifest(host=("running", "r.azurecr.io/accel:1", '{"Env": ["A=1"]}'))
    assert not plan(before, after).only_adds
    assert not plan(before, before).only_adds


def test_a_credential_that_changes_is_no_addition():
    before, after = (manifest(host=("running", "r.azurecr.io/accel:1", "{}")) for _ in range(2))
    for content, password in ((before, "old"), (after, "new")):
        agent = content["modulesContent"]["$edgeAgent"]["properties.desired"]
        agent["runtime"] = {"settings": {"registryCredentials": {"r": {"address": "r.azurecr.io", "password": password}}}}
    assert not plan(before, after).only_adds


# A client gets its route whichever way it comes (defect D: an empty host field left it without one).


def test_the_screen_s_client_with_an_empty_host_field_gets_its_route():
    request = DeployRequest(CLIENT_IMAGE, "edge", "azureml-client", "client-resnet50", {"host": ""}, options=CLIENT_OPTIONS)
    assert routed(request) == ["azureml-client"]
    assert routed(replace(request, preset="", values={})) == ["azureml-client"]


def test_the_verb_s_client_gets_its_route_with_preset_and_with_its_own_options(tmp_path: Path):
    own = tmp_path / "options.json"
    own.write_text(CLIENT_OPTIONS)
    for words in (("--preset", "client-resnet50"), ("--options", str(own), "--module", "azureml-client")):
        options = parser(["deploy"]).parse_args(["deploy", CLIENT_IMAGE.location, *words])
        assert routed(request_of(Call(options), session(), "edge")) == ["azureml-client"]


def test_an_edited_client_gets_its_route_and_keeps_its_status():
    module = Module("eye", desired=DesiredModule("r.azurecr.io/sample-client:1.0", create_options=CLIENT_OPTIONS))
    request = edit_request("edge", module)
    assert routed(request) == ["eye"]
    change = Deployer(session()).resolve(request).changes[0]
    assert isinstance(change, SetModule) and change.status is None and change.image == CLIENT_IMAGE.location


def test_a_host_gets_no_route_and_its_client_beside_it_one():
    request = DeployRequest(HOST_IMAGE, "edge", client=ClientRequest("r.azurecr.io/sample-client:1.0"))
    resolved = Deployer(session()).resolve(request)
    assert routed(replace(request, client=None)) == [] and routed(request) == ["azureml-client"]
    assert resolved.host.name == "azureml-host" and resolved.clients[0].name == "azureml-client"
    role = client_role(resolved.clients[0].create_options)
    assert role is not None and role.host == "azureml-host"


@pytest.mark.parametrize(
    ("options", "image", "sends"),
    [
        (CLIENT_OPTIONS, "", True),
        (SILENT_OPTIONS, "", False),
        ('{"Cmd": "-a host --suppress-messages"}', "", False),
        ('{"Cmd": ["--address=host"]}', "", True),
        ("", "r.io/sample-client:1.0", True),
        ("{}", "r.io/azureml-client@sha256:00", True),
        ('{"Cmd": ["-p", "80"]}', "r.io/nginx:1", None),
        ("{}", "r.io/opc-client-tools:2", None),
        ("not json", "r.io/accel-resnet50:1", None),
    ],
)
def test_one_answer_says_who_is_a_client_and_whether_it_sends(options: str, image: str, sends: bool | None):
    role = client_role(options, image)
    assert (role.sends if role else None) == sends


# A rollout waits for the first message of every client that a plan starts (defect E: only of new ones).

HOST = ("running", "r.io/accel:1", "{}")
CLIENT = ("running", "r.io/sample-client:1.0", CLIENT_OPTIONS)


@pytest.mark.parametrize(
    ("before", "after", "modules", "sends"),
    [
        (manifest(), manifest(eye=CLIENT), ("eye",), True),
        (manifest(eye=CLIENT), manifest(eye=("running", "r.io/sample-client:1.1", CLIENT_OPTIONS)), ("eye",), True),
        (manifest(eye=("stopped", *CLIENT[1:])), manifest(eye=CLIENT), ("eye",), True),
        (manifest(eye=CLIENT), manifest(eye=("stopped", *CLIENT[1:])), ("eye",), False),
        (manifest(), manifest(eye=("running", CLIENT[1], SILENT_OPTIONS)), ("eye",), False),
        (manifest(eye=CLIENT), manifest(eye=CLIENT, host=HOST), ("host",), False),
        (manifest(eye=CLIENT), manifest(), (), False),
    ],
)
def test_what_a_rollout_watches(before: dict[str, Any], after: dict[str, Any], modules: tuple[str, ...], sends: bool):
    changed = plan(before, after)
    watch = Deployer(session()).watch(changed, Applied(2, 1))
    assert changed.modules == watch.modules == modules and changed.sends == watch.messages == sends


# Carrying out: one way for both front ends.


class Answers:
    """A front end that answers from a list."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)
        self.plans: list[Plan] = []
        self.reports: list[str] = []

    def confirm(self, plan: Plan) -> bool:
        self.plans.append(plan)
        return self.answers.pop(0)

    def report(self, progress: Progress) -> None:
        self.reports.append(progress.text)


CHANGED = plan(manifest(), manifest(m=HOST), title="Deploy m", verb="Deploy")


class Route:
    def __init__(self, *results: Applied | OperatorError) -> None:
        self.results = list(results)

    def apply(self, services: Any, plan: Plan, progress: Any = None, stopped: Any = None) -> Applied:
        result = self.results.pop(0)
        if isinstance(result, OperatorError):
            raise result
        return result


@pytest.fixture
def carrying(monkeypatch, tmp_path):
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))

    def carry_out(front_end: Any, *results: Applied | OperatorError, plan: Plan = CHANGED) -> Applied | None:
        monkeypatch.setattr(deployer_module, "ROUTES", {"hub": Route(*results)})
        return Deployer(session(), check_images=False).carry_out(plan, front_end)

    return carry_out


def test_what_changed_meanwhile_is_asked_about_again_with_their_change_in_sight(carrying):
    theirs = plan(manifest(x=HOST), manifest(x=HOST, m=HOST))
    front_end = Answers(True, True)
    assert carrying(front_end, ChangedMeanwhile(theirs, ()), Applied(3, 7)) == Applied(3, 7)
    again = front_end.plans[1]
    assert again.title == "Deploy m" and again.verb == "Deploy" and "changed by somebody else" in again.remarks[0][1]


def test_nothing_is_sent_without_a_yes_or_where_nothing_changes(carrying):
    assert carrying(Answers(False)) is None
    front_end = Answers()
    assert (
        carrying(front_end, plan=plan(manifest(m=HOST), manifest(m=HOST))) is None and "nothing was sent" in front_end.reports[0]
    )


def test_a_plan_with_errors_is_shown_and_never_sent(carrying):
    wrong = replace(CHANGED, problems=(ManifestProblem("m.image", "error", "is no image", "Write one."),))
    with pytest.raises(OperatorError) as caught:
        carrying(Answers(True), plan=wrong)
    assert caught.value.code == "deployment.invalid" and caught.value.remedy == "Write one."


def test_yes_on_the_command_line_does_not_confirm_what_nobody_saw(carrying, capsys):
    options = SimpleNamespace(yes=True, json=False, device="edge")
    call: Any = SimpleNamespace(options=options, as_json=False, progress=lambda text: None, context=lambda: Context("lab"))
    theirs = plan(manifest(x=HOST), manifest(x=HOST, m=HOST))
    with pytest.raises(OperatorError) as caught:
        carrying(TerminalDialog(call), ChangedMeanwhile(theirs, ()), Applied(3, 7))
    assert caught.value.code == "deployment.changed-meanwhile"


# Two consoles of one machine.

HOLDER = """
import sys
from services.operations.device_lock import device_lock
with device_lock("h", "edge"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(monkeypatch, tmp_path):
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def test_consoles_of_one_machine_take_turns_at_a_device(holder):
    reports: list[str] = []
    with pytest.raises(OperatorError) as caught, device_lock("H", "edge", lambda progress: reports.append(progress.text), 0.3):
        pass
    assert caught.value.code == "deployment.busy" and "waiting for it" in reports[0]
    with device_lock("h", "another", patience=0.3):
        pass
    entered = threading.Event()

    def wait() -> None:
        with device_lock("h", "edge"):
            entered.set()

    thread = threading.Thread(target=wait)
    thread.start()
    holder.kill()  # the system lets go of what a killed console held
    assert entered.wait(20)
    thread.join()


def test_a_state_folder_that_cannot_be_written_is_named_before_anything_is_sent(monkeypatch, tmp_path):
    (tmp_path / "state").write_text("")
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    with pytest.raises(OperatorError) as caught, device_lock("h", "edge"):
        pass
    assert caught.value.code == "deployment.lock" and "Nothing was sent" in caught.value.what
