"""azureml-core with azureml-accel-models and azureml-contrib-iot, unmodified, against the lab's workspace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import requests

DEVICE = "databox-edge-4"


def test_the_sdks_do_the_whole_of_it(own_lab, hub_manager, tmp_path):
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "REQUESTS_CA_BUNDLE": own_lab["ca_file"],
        "AZUREML_DEFAULT_RETRIES": "0",
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("azureml_steps.py"))],
        input=json.dumps({**own_lab, "deploy_to": DEVICE}),
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["images"]["accel-resnet50"] == [
        "AccelContainerImage",
        "Succeeded",
        f"{own_lab['registry_server']}/accel-resnet50:1",
    ]
    assert {name: image[1] for name, image in result["images"].items() if image[1] != "Succeeded"} == {
        "accel-broken": "Failed",
        "accel-building": "Creating",
    }
    assert result["models"]["resnet50"] == "resnet50:1"
    assert "ModelNotFound" in result["absent"]
    assert result["converted"] == ["densenet121.accel.onnx", 1]
    assert result["built"][:2] == ["Succeeded", f"{own_lab['registry_server']}/accel-densenet:1"]
    assert "Successfully tagged" in requests.get(result["built"][2], verify=own_lab["ca_file"], timeout=10).text
    assert result["unconverted"] == "Failed"
    assert result["compute"] == ["Succeeded", ["lab-hub"]]
    assert result["detached"] == "Deleting"
    assert result["service"] == ["Healthy", DEVICE, ["azureml-host"]]
    twin = hub_manager("RegistryManager").get_module_twin(DEVICE, "$edgeAgent")
    modules = twin.properties.desired["modules"]
    assert set(modules) == {"shop-counter", "azureml-host"}
    assert modules["azureml-host"]["settings"]["image"] == f"{own_lab['registry_server']}/accel-resnet50:1"
    assert "createOptions01" in modules["azureml-host"]["settings"]
    credentials = twin.properties.desired["runtime"]["settings"]["registryCredentials"]
    assert own_lab["registry_server"] in {one["address"] for one in credentials.values()}
