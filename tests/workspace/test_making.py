"""From a registered model to modules on a device, over Azure ML's own route, on a lab of its own."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.contexts.model import Context
from services.contexts.store import ContextStore
from services.errors import OperatorError, Stopped
from services.records import PendingOperation, Progress
from services.workspace.client import DEFAULT_INPUT, DEFAULT_OUTPUTS, Workspace
from services.workspace.service_plan import ServiceModule, ServicePlan

Told = list[str]


@pytest.fixture(scope="module")
def own_lab(tmp_path_factory: pytest.TempPathFactory, running: Callable) -> Iterator[dict]:
    """One lab for this module, which makes models and images in it."""
    with running(tmp_path_factory.mktemp("making") / "lab") as info:
        yield info


@pytest.fixture
def context(own_lab: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    config = tmp_path / "home" / "config"
    config.mkdir(parents=True, mode=0o700)
    (config / "contexts.toml").touch(0o600)
    (config / "contexts.toml").write_bytes((Path(own_lab["config_home"]) / "config" / "contexts.toml").read_bytes())
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(config.parent))
    return ContextStore().resolve("lab")


@pytest.fixture
def opened(context: Context) -> Iterator[Callable[[], Workspace]]:
    made: list[Workspace] = []

    def open_one() -> Workspace:
        made.append(Workspace(context, poll_seconds=0.1))
        return made[-1]

    yield open_one
    for workspace in made:
        workspace.close()


def test_model_to_image_to_device_left_and_taken_up_again(own_lab: dict, opened: Callable[[], Workspace], control: Callable):
    told: Told = []
    first = opened()
    control(own_lab, "faults", {"name": "making-slow"})  # it shall not have ended before it is taken up again
    left = threading.Event()
    left.set()
    with pytest.raises(Stopped):
        first.convert("densenet121:1", cancelled=left)
    first.close()

    second = opened()
    assert [item.subject for item in second.pending()] == ["densenet121:1"]

    def tell(progress: Progress) -> None:
        told.append(progress.text)
        control(own_lab, "faults", {"name": "making-slow", "on": False})

    converted = second.convert("densenet121:1", tell)
    assert told[0] == "taking up the conversion of densenet121:1 again"
    assert converted.parent_id == "densenet121:1"
    assert second.pending() == []
    second._pending.keep(PendingOperation("conversion", second._id, "densenet121:1", "ended"))
    assert second.convert("densenet121:1").id == converted.id, "the finished one is found"
    assert second.pending() == [], "what ended while nobody looked is not taken up for ever"
    with pytest.raises(OperatorError, match="sklearn-digits") as caught:
        second.convert("sklearn-digits:1")
    assert "ScikitLearn" in caught.value.cause
    assert len([model for model in second.models() if model.parent_id == "densenet121:1"]) == 1, "it was converted once"

    with pytest.raises(Stopped):
        second.create_image("accel-densenet121", [converted.id], cancelled=left)
    with pytest.raises(Stopped) as cancelled:
        second.create_image("accel-unwanted", [converted.id], cancelled=left)
    conversion = second._calls.change(
        "start_conversion", model_id="resnet50:1", input_node=DEFAULT_INPUT, output_nodes=list(DEFAULT_OUTPUTS)
    )
    image = second.create_image("accel-densenet121", [converted.id], lambda progress: told.append(progress.text))
    assert second.throw_away(cancelled.value.pending) == "accel-unwanted:1"
    assert second.throw_away(PendingOperation("conversion", second._id, "resnet50:1", conversion)) == "resnet50.accel.onnx:2"
    assert "accel-unwanted" not in [made.name for made in second.images()] and second.pending() == []
    assert "resnet50.accel.onnx:2" not in [model.id for model in second.models()]
    used = PendingOperation("conversion", second._id, "densenet121:1", "ended", converted.id)
    with pytest.raises(OperatorError, match="in use"):
        second.throw_away(used)
    assert second.pending() == [], "each console that opens would try it again"
    assert (image.state, image.flavour, image.version) == ("Succeeded", "AccelContainer", 1)
    assert image.location == f"{own_lab['registry_server']}/accel-densenet121:1"
    assert "Successfully tagged" in second.build_log(image)

    hub = second.attach_hub("lab-hub", own_lab["hub_resource_id"], lambda progress: told.append(progress.text))
    assert (hub.kind, hub.state) == ("IotHub", "Succeeded")
    plan = ServicePlan(
        "edge-service",
        image.id,
        hub.name,
        "databox-edge-1",
        ServiceModule("densenet-host", '{"HostConfig": {"Privileged": true}}'),
        (ServiceModule("densenet-client", image=f"{own_lab['registry_server']}/sample-client:1.0"),),
        (second.registry_credentials(),),
    )
    service = second.deploy_service(plan)
    assert set(service.modules) == {"densenet-host", "densenet-client"}
    with pytest.raises(OperatorError) as caught:
        second.deploy_service(plan)
    assert caught.value.code == "workspace.service-exists"
    assert second.deploy_service(plan, redeploy=True).device_id == "databox-edge-1"
    second.delete_service("edge-service")
    assert second.services() == []
    second.delete_service("edge-service")


def test_a_build_that_fails_says_why_and_shows_its_log(opened: Callable[[], Workspace]):
    with pytest.raises(OperatorError) as caught:
        opened().create_image("accel-bad", ["densenet121:1"])
    assert "not converted" in caught.value.cause
    assert "non-zero code" in caught.value.raw


def test_wrong_names_list_the_right_ones(opened: Callable[[], Workspace]):
    workspace = opened()
    with pytest.raises(OperatorError) as caught:
        workspace.convert("resnet51:1")
    assert "resnet50:1" in caught.value.cause
    with pytest.raises(OperatorError) as caught:
        workspace.attach_hub("other", "/subscriptions/x/resourceGroups/y/providers/Microsoft.Devices/IotHubs/none")
    assert "not found" in caught.value.cause
