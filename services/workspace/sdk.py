"""What the child asks Azure ML's SDK. Every call is short: it starts something or looks at it; waiting is the parent's.

Results are plain JSON in the service's own words. Facts: docs/facts/azure-ml.md.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

# Before anything lists images: without it accelerated images come back as UnknownImage.
import azureml.accel
import requests
from azureml._model_converters._model_convert_client import ModelConvertClient
from azureml.contrib.core.compute import IotHubCompute
from azureml.contrib.core.webservice import IotWebservice
from azureml.contrib.core.webservice.iot import IotBaseModuleSettings, IotModuleSettings
from azureml.core import Workspace
from azureml.core.authentication import AbstractAuthentication, _SubscriptionInfo
from azureml.core.compute import ComputeTarget
from azureml.core.container_registry import ContainerRegistry
from azureml.core.image import Image
from azureml.core.model import Model
from azureml.core.webservice import Webservice
from azureml.exceptions import ComputeTargetException, WebserviceException

_LOG_BYTES = 1_000_000


class AccessToken(NamedTuple):
    """azure-core's AccessToken."""

    token: str
    expires_on: int


class Authentication(AbstractAuthentication):  # type: ignore[misc, unused-ignore]  # untyped; mypy skips it
    """Tokens from the parent's azure-identity, for the resource manager the context names."""

    def __init__(self, resource_manager: str, subscription: str, token: Callable[[], tuple[str, int]]) -> None:
        # Named, because without a name the SDK fetches a metadata URL and waits 30 s for it.
        super().__init__("AzureCloud")
        self._cloud_type: Any = copy.deepcopy(self._cloud_type)
        self._cloud_type.endpoints.resource_manager = resource_manager
        self._subscription = subscription
        self._token = token

    def _get_arm_token(self) -> str:
        return self._token()[0]

    _get_graph_token = _get_arm_token
    _get_azureml_client_token = _get_arm_token

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token, as azure-core's TokenCredential does."""
        return AccessToken(*self._token())

    def _get_all_subscription_ids(self) -> tuple[list[_SubscriptionInfo], str]:
        return [_SubscriptionInfo(self._subscription, self._subscription)], ""

    def _get_workspace(self, subscription_id: str, resource_group: str, name: str) -> None:
        return None

    def __deepcopy__(self, memo: dict[int, Any]) -> Authentication:
        return self  # the SDK copies it; the line to the parent cannot be copied


class Sdk:
    """One workspace through the SDK; safe to call from several threads."""

    def __init__(self, settings: dict[str, str], token: Callable[[], tuple[str, int]]) -> None:
        self._settings = settings
        self._arm = settings["resource_manager"].rstrip("/")
        self._auth = Authentication(self._arm, settings["subscription"], token)
        self._lock = threading.Lock()
        self._opened: Any = None

    def call(self, name: str, arguments: dict[str, Any]) -> Any:
        """Run the public method ``name``."""
        if name.startswith("_") or name == "call":
            raise AttributeError(name)
        return getattr(self, name)(**arguments)

    def _workspace(self) -> Any:
        with self._lock:
            if self._opened is None:
                # The SDK needs 11 s to notice that nobody listens, and then says nothing.
                requests.head(self._arm, timeout=15)
                place = self._settings
                workspace = Workspace.get(
                    place["name"], auth=self._auth, subscription_id=place["subscription"], resource_group=place["resource_group"]
                )
                workspace.get_details()  # raises what Workspace.get swallows: refused connections, TLS failures
                self._opened = workspace
            return self._opened

    def details(self) -> dict[str, Any]:
        """Return ARM's properties of the workspace."""
        return dict(self._workspace().get_details())

    def images(self) -> list[dict[str, Any]]:
        """Return every image of the workspace."""
        return [_image(image) for image in Image.list(self._workspace())]

    def image(self, image_id: str) -> dict[str, Any] | None:
        """Return one image, or None."""
        payload = Image._get(self._workspace(), id=image_id)
        return _image(Image.deserialize(self._workspace(), payload)) if payload else None

    def models(self) -> list[dict[str, Any]]:
        """Return every registered model."""
        return [
            {
                "id": model.id,
                "name": model.name,
                "version": model.version,
                "framework": model.model_framework,
                "mimeType": model.mime_type,
                "createdTime": model.created_time,
                "description": model.description,
                "tags": model.tags,
                "parentModelId": model.parent_id,
            }
            for model in Model.list(self._workspace(), expand=False)
        ]

    def start_conversion(self, model_id: str, input_node: str, output_nodes: list[str]) -> str:
        """Begin to convert a model; the id of the operation."""
        operation = azureml.accel.AccelOnnxConverter.convert_tf_model(self._workspace(), model_id, input_node, output_nodes)
        return str(operation._operation_id)

    def operation(self, operation_id: str) -> dict[str, Any]:
        """Return an operation of model management: state, resourceLocation, operationLog, error."""
        return dict(ModelConvertClient(self._workspace()).get_operation_state(operation_id)[1])

    def start_image(self, name: str, model_ids: list[str], tags: dict[str, str], description: str) -> dict[str, str]:
        """Begin to make an accelerated image; the ids of operation and image."""
        workspace = self._workspace()
        configuration = azureml.accel.AccelContainerImage.image_configuration(tags=tags or None, description=description or None)
        image = Image.create(workspace, name, [Model(workspace, id=model_id) for model_id in model_ids], configuration)
        return {"image": str(image.id), "operation": image._operation_endpoint.rpartition("/")[2]}

    def delete_image(self, asset_id: str) -> None:
        """Delete an image; one that is not there is gone already."""
        payload = Image._get(self._workspace(), id=asset_id)
        if not payload:
            return
        try:
            Image.deserialize(self._workspace(), payload).delete()
        except TypeError as error:  # what comes of a 412: the SDK looks for a text in the reply's bytes
            raise WebserviceException(f"412: The image {asset_id} is used by a service.") from error

    def delete_model(self, asset_id: str) -> None:
        """Delete a registered model; one that is not there is gone already."""
        for model in Model.list(self._workspace(), name=asset_id.rpartition(":")[0], expand=False):
            if model.id == asset_id:
                model.delete()

    def build_log(self, image_id: str) -> str | None:
        """Return the build log's text (its end, if it is long); None where there is none yet."""
        image = self.image(image_id)
        if not image or not image["imageBuildLogUri"]:
            return None
        # A signed address: it takes no token, and must not be given one. It is a key itself, and goes by https alone.
        if not str(image["imageBuildLogUri"]).lower().startswith("https://"):
            raise ValueError("The build log's address is none of https.")
        response = requests.get(image["imageBuildLogUri"], timeout=30)
        response.raise_for_status()
        return response.content[-_LOG_BYTES:].decode("utf-8", "replace")

    def computes(self) -> list[dict[str, Any]]:
        """Return every compute target."""
        return [_compute(target) for target in ComputeTarget.list(self._workspace())]

    def compute(self, name: str) -> dict[str, Any] | None:
        """Return one compute target, or None."""
        try:
            return _compute(ComputeTarget(self._workspace(), name))
        except ComputeTargetException as error:
            if "ComputeTargetNotFound" in str(error):
                return None
            raise

    def attach_hub(self, name: str, resource_id: str) -> None:
        """Begin to attach an IoT Hub."""
        ComputeTarget.attach(self._workspace(), name, IotHubCompute.attach_configuration(resource_id=resource_id))

    def services(self) -> list[dict[str, Any]]:
        """Return every service on an IoT Edge device."""
        services = Webservice.list(self._workspace(), compute_type="IOT")
        return [_service(service) for service in services if isinstance(service, IotWebservice)]

    def service(self, name: str) -> dict[str, Any] | None:
        """Return one service, or None."""
        payload = Webservice._get(self._workspace(), name)
        return _service(IotWebservice.deserialize(self._workspace(), payload)) if payload else None

    def deploy(
        self,
        name: str,
        image_id: str,
        compute: str,
        device: str,
        host: dict[str, Any],
        modules: list[dict[str, Any]],
        registries: list[dict[str, str]],
        routes: dict[str, str],
        tags: dict[str, str],
    ) -> str:
        """Begin to deploy an IotWebservice; the id of the operation."""
        workspace = self._workspace()
        configuration = IotWebservice.deploy_configuration(
            routes=routes,
            device_id=device,
            aml_module=IotBaseModuleSettings(**host),
            external_modules=[IotModuleSettings(**module) for module in modules] or None,
            acr_credentials=[_registry(registry) for registry in registries] or None,
            tags=tags or None,
        )
        # Not Model.deploy: it looks for .environment, which the accelerated configurations lack.
        service = Webservice.deploy_from_image(
            workspace, name, Image(workspace, id=image_id), configuration, ComputeTarget(workspace, compute)
        )
        return str(service._operation_endpoint).rpartition("/")[2]

    def delete_service(self, name: str) -> str | None:
        """Begin to delete a service; the id of the operation where the service works at it."""
        service = Webservice(self._workspace(), name)
        # The SDK would sleep and print until it is gone.
        service._wait_for_operation_to_complete = lambda *_arguments: None
        service.delete()
        return str(service._operation_endpoint).rpartition("/")[2] if service._operation_endpoint else None

    def registry(self, fallback: str) -> dict[str, str]:
        """Return the workspace's registry: login server, user, password; ``fallback`` is its ARM name where the workspace is silent."""
        from azure.mgmt.containerregistry import ContainerRegistryManagementClient

        resource = str(self.details().get("containerRegistry") or "")
        parts = resource.strip("/").split("/")
        if len(parts) >= 8:
            subscription, group, name = parts[1], parts[3], parts[-1]
        elif fallback:
            subscription, group, name = self._settings["subscription"], self._settings["resource_group"], fallback
        else:
            raise LookupError("The workspace has no container registry yet.")
        scopes = [f"{self._arm}/.default"]
        client = ContainerRegistryManagementClient(self._auth, subscription, base_url=self._arm, credential_scopes=scopes)
        server = client.registries.get(group, name).login_server
        credentials = client.registries.list_credentials(group, name)
        return {"server": str(server), "username": str(credentials.username), "password": str(credentials.passwords[0].value)}


def _image(image: Any) -> dict[str, Any]:
    return {
        "id": image.id,
        "name": image.name,
        "version": image.version,
        "imageFlavor": image.image_flavor,
        "creationState": image.creation_state,
        "imageLocation": image.image_location,
        "createdTime": image.created_time,
        "modelIds": image.model_ids,
        "description": image.description,
        "kvTags": image.tags,
        "imageBuildLogUri": image.image_build_log_uri,
    }


def _compute(target: Any) -> dict[str, Any]:
    return {
        "name": target.name,
        "computeType": target.type,
        "provisioningState": target.provisioning_state,
        "resourceId": target.cluster_resource_id,
        "provisioningErrors": target.provisioning_errors,
    }


def _service(service: Any) -> dict[str, Any]:
    return {
        "name": service.name,
        "state": service.state,
        "computeName": service.compute_name,
        "iotDeviceId": service.iot_device_id,
        "imageId": service.image_id,
        "iotEdgeModules": service.iot_edge_modules,
        "createdTime": service.created_time,
        "error": service.error,
    }


def _registry(credentials: dict[str, str]) -> ContainerRegistry:
    registry = ContainerRegistry()
    registry.address, registry.username, registry.password = (
        credentials["address"],
        credentials["username"],
        credentials["password"],
    )
    return registry
