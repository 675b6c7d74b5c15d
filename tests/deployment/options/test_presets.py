import json
import re

import pytest

from services.deployment.options import presets
from services.errors import OperatorError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    return tmp_path


def test_every_preset_of_the_sample_is_there():
    names = {item.name for item in presets.presets()}
    clients = {f"client-{model}" for model in ("resnet50", "resnet152", "densenet121", "vgg16", "ssd-vgg", "transfer")}
    assert names >= clients | {"fpga-host", "fpga-host-kubernetes", "cpu-host-80", "cpu-host-443"}


def test_the_fpga_host_is_the_samples():
    assert json.loads(
        presets.render(
            presets.preset("fpga-host"),
        )
    ) == {
        "HostConfig": {
            "Binds": ["/etc/hosts:/etc/hosts"],
            "Privileged": True,
            "Devices": [{"PathOnHost": f"/dev/catapult{n}", "PathInContainer": f"/dev/catapult{n}"} for n in (0, 1)],
            "PortBindings": {"50051/tcp": [{"HostPort": "50051"}]},
        }
    }


def test_a_client_with_fields():
    made = json.loads(presets.render(presets.preset("client-resnet152"), {"host": "h", "wait": "0", "suppress": "on"}))
    assert made["Cmd"] == [
        "--input-tensors", "Placeholder:0", "--output-tensors", "classifier/resnet_v1_152/predictions/Softmax:0",
        "--address", "h", "--port", "50051", "--wait", "0", "-s",
    ]  # fmt: skip
    assert "-s" not in presets.render(
        presets.preset("client-resnet152"),
    )


def test_ssd_vgg_has_twelve_outputs():
    command = json.loads(
        presets.render(
            presets.preset("client-ssd-vgg"),
        )
    )["Cmd"]
    assert len(set(command[3].split(","))) == 12


def test_numbers_of_kubernetes_are_numbers():
    made = json.loads(presets.render(presets.preset("fpga-host-kubernetes"), {"fpgas": "1"}))
    assert made["k8s-experimental"]["resources"]["limits"] == {"microsoft.com/fpga_catapult": 1}


@pytest.mark.parametrize("values", [{"port": "0"}, {"port": "70000"}, {"port": "x"}, {"wait": "-1"}, {"nonsense": "1"}])
def test_wrong_values_are_refused(values):
    with pytest.raises(OperatorError) as caught:
        presets.render(presets.preset("client-vgg16"), values)
    assert next(iter(values)) in str(caught.value).lower() or "pictures" in str(caught.value).lower()


def test_quotes_in_a_field_stay_inside_their_text():
    made = json.loads(presets.render(presets.preset("client-vgg16"), {"host": 'h", "x": "'}))
    assert made["Cmd"][5] == 'h", "x": "' and set(made) == {"Tty", "Cmd"}


def test_own_presets_are_kept_shared_and_removed(home, tmp_path):
    path = presets.save(presets.own("mine", '{"Tty": true}', "My own"))
    assert path.is_relative_to(home)
    assert presets.preset("mine").own and json.loads(
        presets.render(
            presets.preset("mine"),
        )
    ) == {"Tty": True}
    shared = tmp_path / "shared"
    shared.mkdir()
    again = presets.load(presets.save(presets.preset("client-resnet50"), shared))
    assert presets.render(again, {"wait": "3"}) == presets.render(presets.preset("client-resnet50"), {"wait": "3"})
    presets.remove("mine")
    with pytest.raises(OperatorError, match="fpga-host"):
        presets.preset("mine")


def test_create_options_alone_are_a_preset(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"Tty": true}')
    assert json.loads(presets.render(presets.load(path))) == {"Tty": True}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"template": 1}',
        '{"template": {}, "fields": [1]}',
        '{"template": {}, "fields": [{"name": "a", "kind": "b"}]}',
    ],
)
def test_a_broken_file_is_named_and_does_no_harm(home, text):
    path = home / "config" / "presets" / "bad.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert "bad" not in {item.name for item in presets.presets()}
    with pytest.raises(OperatorError, match=re.escape("bad.json")):
        presets.load(path)


@pytest.mark.parametrize("name", ["../x", "A", "", "a/b", "x" * 80])
def test_names_that_are_no_file(name):
    with pytest.raises(OperatorError):
        presets.save(presets.own(name, "{}"))
