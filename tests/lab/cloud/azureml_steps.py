"""Run as a child by test_workspace: the unmodified azureml SDKs against the lab. LabInfo comes in, one JSON result goes out.

HOME, REQUESTS_CA_BUNDLE and the retry settings come from the environment, which only a child may be given.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from typing import Any

import azureml.accel  # noqa: F401 -- before Image.list, else accelerated images are UnknownImage
import requests
from azureml.accel import AccelContainerImage, AccelOnnxConverter
from azureml.contrib.core.compute import IotHubCompute
from azureml.contrib.core.webservice import IotWebservice
from azureml.contrib.core.webservice.iot import IotBaseModuleSettings
from azureml.core import Image, Workspace
from azureml.core.authentication import AbstractAuthentication, _SubscriptionInfo
from azureml.core.compute import ComputeTarget
from azureml.core.model import Model
from azureml.exceptions import WebserviceException

LAB: dict[str, Any] = json.load(sys.stdin)


class LabAuthentication(AbstractAuthentication):
    """Client credentials of the lab's authority."""

    def __init__(self) -> None:
        super().__init__("AzureCloud")
        self._cloud_type = copy.deepcopy(self._cloud_type)
        self._cloud_type.endpoints.resource_manager = LAB["https"]
        form = {
            "grant_type": "client_credentials",
            "client_id": LAB["client_id"],
            "client_secret": LAB["client_secret"],
            "scope": "https://management.azure.com/.default",
        }
        reply = requests.post(f"{LAB['https']}/{LAB['tenant']}/oauth2/v2.0/token", data=form, timeout=10)
        self._token = reply.json()["access_token"]

    def _get_arm_token(self) -> str:
        return self._token

    def _get_graph_token(self) -> str:
        return self._token

    def _get_azureml_client_token(self) -> str:
        return self._token

    def _get_all_subscription_ids(self) -> tuple[list[Any], str]:
        return [_SubscriptionInfo("Lab subscription", LAB["subscription"])], LAB["tenant"]

    def _check_if_subscription_exists(self, *_: Any) -> bool:
        return True

    def _get_cloud_type(self) -> Any:
        return self._cloud_type


def until(ask: Any, done: Any) -> Any:
    """``ask()`` until ``done`` is true of it; the SDK's own waits sleep 5 s and print."""
    deadline = time.monotonic() + 60
    while not done(value := ask()):
        if time.monotonic() > deadline:
            raise TimeoutError(repr(value))
        time.sleep(0.2)
    return value


def main() -> None:
    """Every step, each one's result under its name."""
    result: dict[str, Any] = {}
    workspace = Workspace(
        LAB["subscription"],
        LAB["resource_group"],
        LAB["workspace"],
        auth=LabAuthentication(),
        _location="eastus",
        _disable_service_check=True,
    )
    result["details"] = workspace.get_details()["properties" if "properties" in workspace.get_details() else "id"]
    images = Image.list(workspace)
    result["images"] = {image.name: [type(image).__name__, image.creation_state, image.image_location] for image in images}
    result["models"] = {model.name: model.id for model in Model.list(workspace)}
    try:
        Model(workspace, id="absent:1")
    except WebserviceException as error:
        result["absent"] = str(error)[:300]

    operation = AccelOnnxConverter.convert_tf_model(
        workspace, Model(workspace, "densenet121"), "Placeholder:0", ["classifier/densenet121/predictions/Softmax:0"]
    )
    until(lambda: operation.get_status, lambda status: status in ("Succeeded", "Failed"))
    converted = operation.result
    result["converted"] = [converted.name, converted.version]

    image = Image.create(workspace, "accel-densenet", [converted], AccelContainerImage.image_configuration(tags={"k": "v"}))
    until(lambda: (image.update_creation_state(), image.creation_state)[1], lambda state: state in ("Succeeded", "Failed"))
    result["built"] = [image.creation_state, image.image_location, image.image_build_log_uri]
    unconverted = Image.create(workspace, "accel-wrong", [Model(workspace, "ssd-vgg")], AccelContainerImage.image_configuration())
    until(
        lambda: (unconverted.update_creation_state(), unconverted.creation_state)[1],
        lambda state: state in ("Succeeded", "Failed"),
    )
    result["unconverted"] = unconverted.creation_state

    configuration = IotHubCompute.attach_configuration(resource_id=LAB["hub_resource_id"])
    compute = ComputeTarget.attach(workspace, "lab-hub", configuration)
    until(lambda: (compute.refresh_state(), compute.provisioning_state)[1], lambda state: state in ("Succeeded", "Failed"))
    result["compute"] = [compute.provisioning_state, [one.name for one in ComputeTarget.list(workspace)]]

    options = json.dumps(
        {
            "HostConfig": {
                "Privileged": True,
                "Binds": ["/etc/hosts:/etc/hosts"],
                "PortBindings": {"50051/tcp": [{"HostPort": "50051"}]},
            }
        }
    )
    settings = IotBaseModuleSettings(name="azureml-host", create_option=options + " " * 600)
    deployment = IotWebservice.deploy_configuration(
        routes={"upstream": "FROM /messages/* INTO $upstream"}, device_id=LAB["deploy_to"], aml_module=settings
    )
    service = IotWebservice.deploy_from_image(workspace, "host-service", Image(workspace, "accel-resnet50"), deployment, compute)
    until(lambda: (service.update_deployment_state(), service.state)[1], lambda state: state in ("Healthy", "Failed"))
    result["service"] = [service.state, service.iot_device_id, [one["moduleName"] for one in service.iot_edge_modules]]
    compute.detach()
    until(lambda: [one.name for one in ComputeTarget.list(workspace)], lambda names: not names)
    result["detached"] = compute.provisioning_state
    json.dump(result, sys.__stdout__)


if __name__ == "__main__":
    output, sys.stdout = sys.stdout, sys.stderr
    main()
