"""The Azure ML workspace: models, images, operations, compute targets, services. Payloads as docs/facts/azure-ml.md has them."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

from services.lab.background_tasks import in_background
from services.lab.clock import Clock
from services.lab.cloud.hub import Hub, HubError
from services.lab.cloud.hub.errors import section
from services.lab.cloud.manifests import with_service, without_modules
from services.lab.cloud.registry import Registry
from services.lab.faults import Faults

Json = dict[str, Any]


class AmlError(Exception):
    """A refusal of model management: HTTP status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def body(self) -> Json:
        """Return the body, as docs/facts/azure-ml.md has it."""
        return {"code": self.code, "statusCode": self.status, "message": self.message, "details": []}


def _objects(request: Json, name: str, *needed: str) -> list[Json]:
    """Return the list of objects under ``name``, each with texts under the ``needed`` keys; AmlError 400 where it is something else."""
    entries = request.get(name) or []
    if not isinstance(entries, list) or not all(
        isinstance(one, dict) and all(isinstance(one.get(key), str) and one[key] for key in needed) for one in entries
    ):
        raise AmlError(400, "BadRequest", f"{name} must be a list of objects with {', '.join(needed)}.")
    return entries


class Workspace:
    """One workspace. ``seconds`` is how long conversions, builds and deployments take."""

    def __init__(
        self, name: str, clock: Clock, faults: Faults, registry: Registry, hub_by_id: Callable[[str], Hub | None]
    ) -> None:
        self.name = name
        self.clock = clock
        self.faults = faults
        self.registry = registry
        self.hub_by_id = hub_by_id
        self.seconds = 4.0
        self.base_url = ""  # for log addresses; set by the world
        self.models: dict[str, Json] = {}
        self.images: dict[str, Json] = {}
        self.operations: dict[str, Json] = {}
        self.computes: dict[str, Json] = {}
        self.services: dict[str, Json] = {}
        self.logs: dict[str, str] = {}

    # Things

    def add_model(self, name: str, **more: Any) -> Json:
        """Register a model, its version one above the last of that name."""
        version = 1 + max((m["version"] for m in self.models.values() if m["name"] == name), default=0)
        model = {
            "id": f"{name}:{version}",
            "name": name,
            "version": version,
            "framework": "TensorFlow",
            "frameworkVersion": "1.15.0",
            "createdTime": self.clock.text(),
            "createdBy": {"userName": "Lab operator"},
            "description": "",
            "datasets": [],
            "url": f"aml://asset/{uuid.uuid4().hex}",
            "mimeType": "application/json",
            "unpack": False,
            "kvTags": {},
            "properties": {},
            "experimentName": None,
            "runId": None,
            "parentModelId": None,
            **more,
        }
        self.models[model["id"]] = model
        return model

    def add_image(self, name: str, model_ids: list[str], flavour: str, state: str, **more: Any) -> Json:
        """Add an image record in whatever creation state."""
        version = 1 + max((i["version"] for i in self.images.values() if i["name"] == name), default=0)
        image = {
            "id": f"{name}:{version}",
            "name": name,
            "version": version,
            "description": "",
            "createdTime": self.clock.text(),
            "creationState": state,
            "error": None,
            "imageType": "Docker",
            "imageFlavor": flavour,
            "imageLocation": self.registry.location(name, str(version)) if state == "Succeeded" else None,
            "imageBuildLogUri": None,
            "modelIds": model_ids,
            "modelDetails": [self.models[model] for model in model_ids if model in self.models],
            "kvTags": {},
            "properties": {},
            "driverProgram": None,
            "assets": [],
            "targetRuntime": {"properties": {}, "runtimeType": "Python", "targetArchitecture": "Amd64"},
            **more,
        }
        self.images[image["id"]] = image
        return image

    def log(self, text: str) -> str:
        """Keep a log and give the address that it is served from; the address itself is the key, as a blob's SAS is."""
        name = secrets.token_urlsafe(18)
        self.logs[name] = text
        return f"{self.base_url}/logs/{name}?sv=2019-02-02&sr=b&sp=r"

    def find(self, kind: str, things: dict[str, Json], name: str) -> Json:
        """Return the asset of that id; AmlError 404 without."""
        if name not in things:
            raise AmlError(404, f"{kind}NotFound", f"The {kind.lower()} with id {name} is not found in workspace {self.name}.")
        return things[name]

    def delete_model(self, model_id: str) -> None:
        """Delete a model that no image is made of."""
        self.find("Model", self.models, model_id)
        self._unused("model", model_id, [image["id"] for image in self.images.values() if model_id in image["modelIds"]])
        del self.models[model_id]

    def delete_image(self, image_id: str) -> None:
        """Delete an image that no service uses."""
        self.find("Image", self.images, image_id)
        self._unused("image", image_id, [one["id"] for one in self.services.values() if one["imageId"] == image_id])
        del self.images[image_id]

    def _unused(self, kind: str, name: str, users: list[str]) -> None:
        if users:
            raise AmlError(412, "DeletionRequired", f"The {kind} {name} is in use by {', '.join(users)}, which go first.")

    # Operations

    def _operation(self, name: str, work: Callable[[Json], Coroutine[Any, Any, None]], location: str = "") -> Json:
        operation: Json = {
            "id": str(uuid.uuid4()),
            "operationType": name,
            "state": "NotStarted",
            "createdTime": self.clock.text(),
            "endTime": None,
            "error": None,
            **({"resourceLocation": location} if location else {}),
        }
        self.operations[operation["id"]] = operation
        in_background(self._work(operation, work))
        return operation

    async def _work(self, operation: Json, work: Callable[[Json], Coroutine[Any, Any, None]]) -> None:
        operation["state"] = "Running"
        try:
            await work(operation)
        except AmlError as error:
            operation["state"], operation["error"] = "Failed", error.body()
        except HubError as error:
            operation["state"] = "Failed"
            operation["error"] = AmlError(error.status, error.name, error.message).body()
        except Exception:
            operation["state"] = "Failed"
            operation["error"] = AmlError(500, "InternalServerError", "An internal server error occurred.").body()
            raise  # it is a fault of the lab, and told as one
        else:
            operation["state"] = "Succeeded"
        operation["endTime"] = self.clock.text()

    async def _making(self) -> None:
        """Wait as long as a conversion or a build takes."""
        await asyncio.sleep(self.seconds)
        while self.faults.active("making-slow") is not None:  # noqa: ASYNC110 - faults tell their watchers, who stay for good
            await asyncio.sleep(0.2)

    def convert(self, model_id: str, request: Json) -> Json:
        """Convert a TensorFlow model to AccelOnnx; the operation's resourceLocation names the new model when it is done."""
        model = self.find("Model", self.models, model_id)
        options = section(request, "compilationOptions")

        async def work(operation: Json) -> None:
            await self._making()
            nodes = f"input {options.get('input_node_names')}, outputs {options.get('output_node_names')}"
            text = f"{self.clock.text()} converting {model_id}, {nodes}\n"
            if self.faults.active("convert-fails", sign=model_id) is not None or model["framework"] != "TensorFlow":
                operation["operationLog"] = self.log(text + "ERROR: operator 'ResizeBilinear' is not supported on the FPGA\n")
                raise AmlError(
                    400, "ModelConversionFailed", "Operator 'ResizeBilinear' is not supported by the target AccelOnnx."
                )
            operation["operationLog"] = self.log(text + "conversion finished: 161 of 161 operators on the FPGA\n")
            converted = self.add_model(
                f"{model['name']}.accel.onnx" if not model["name"].endswith(".onnx") else model["name"],
                framework="Onnx",
                frameworkVersion=None,
                parentModelId=model_id,
                mimeType="application/x-onnx",
                description=f"Converted from {model_id}",
            )
            operation["resourceLocation"] = f"/api/models/{converted['id']}"

        return self._operation("ModelConversion", work)

    def create_image(self, request: Json) -> Json:
        """Build an image of a converted model."""
        name, model_ids = str(request.get("name") or ""), request.get("modelIds")
        if not name or not model_ids or not isinstance(model_ids, list) or not all(isinstance(one, str) for one in model_ids):
            raise AmlError(400, "BadRequest", "Name and modelIds are required.")
        models = [self.find("Model", self.models, one) for one in model_ids]
        flavour = request.get("imageFlavor") or "WebApiContainer"
        image = self.add_image(
            name,
            model_ids,
            flavour,
            "Creating",
            description=request.get("description") or "",
            kvTags=request.get("kvTags") or {},
            properties=request.get("properties") or {},
        )

        async def work(operation: Json) -> None:
            await self._making()
            text = "Step 1/4 : FROM mcr.microsoft.com/azureml/accel\nStep 2/4 : COPY model /model\n"
            accelerated = flavour != "AccelContainer" or all(model["parentModelId"] for model in models)
            if self.faults.active("build-fails", sign=tuple(model_ids)) is not None or not accelerated:
                message = (
                    "The model is not converted for the FPGA (AccelOnnx)."
                    if not accelerated
                    else "pip could not find tensorflow==1.99"
                )
                image["creationState"] = "Failed"
                image["imageBuildLogUri"] = self.log(text + f"ERROR: {message}\nThe command returned a non-zero code: 1\n")
                image["error"] = AmlError(400, "ImageBuildFailed", message).body()
                raise AmlError(400, "ImageBuildFailed", message)
            self.registry.add(image["name"], str(image["version"]), "accel-host" if flavour == "AccelContainer" else "cpu-host")
            image["imageBuildLogUri"] = self.log(text + f"Successfully tagged {image['name']}:{image['version']}\n")
            image["imageLocation"] = self.registry.location(image["name"], str(image["version"]))
            image["creationState"] = "Succeeded"

        return self._operation("Image", work, f"/api/images/{image['id']}")

    def create_service(self, request: Json) -> Json:
        """Deploy an IotWebservice: its modules are merged into what the device has."""
        name = str(request.get("name") or "")
        if name in self.services:
            raise AmlError(409, "Conflict", f"The service {name} exists already.")
        image = self.find("Image", self.images, str(request.get("imageId")))
        compute = self.computes.get(str(request.get("computeName")))
        hub = self.hub_by_id(compute["properties"]["resourceId"]) if compute else None
        if request.get("computeType") != "IOT" or hub is None:
            raise AmlError(400, "BadRequest", f"The compute target {request.get('computeName')} is not an attached IoT Hub.")
        if image["creationState"] != "Succeeded":
            raise AmlError(400, "BadRequest", f"The image {image['id']} is in state {image['creationState']}.")
        main = dict(section(request, "iotEdgeModule"), imageLocation=image["imageLocation"])
        modules = [main, *_objects(request, "iotEdgeUserModule", "moduleName")]
        for one in modules:
            section(one, "environmentVariables")
        if not main.get("moduleName"):
            raise AmlError(400, "BadRequest", "iotEdgeModule.moduleName is required.")
        credentials = [
            {"user": self.registry.username, "password": self.registry.passwords[0], "location": self.registry.server},
            *_objects(request, "acrCredentials", "user", "password", "location"),
        ]
        service = self.services[name] = {
            "id": name,
            "name": name,
            "description": request.get("description") or "",
            "kvTags": request.get("kvTags") or {},
            "properties": request.get("properties") or {},
            "createdTime": self.clock.text(),
            "updatedTime": self.clock.text(),
            "computeType": "IOT",
            "computeName": request["computeName"],
            "imageId": image["id"],
            "imageDigest": None,
            "iotDeviceId": request.get("iotDeviceId"),
            "routes": section(request, "routes"),
            "iotEdgeModules": [
                {key: one.get(key) for key in ("moduleName", "imageLocation", "createOptions")} for one in modules
            ],
            "state": "Transitioning",
            "error": None,
        }

        async def work(operation: Json) -> None:
            await asyncio.sleep(self.seconds / 4)
            try:
                content = with_service(hub, str(request.get("iotDeviceId")), modules, section(request, "routes"), credentials)
                hub.configurations.apply(str(request.get("iotDeviceId")), content)
            except HubError as error:
                service["state"] = "Failed"
                service["error"] = AmlError(error.status, error.name, error.message).body()
                raise
            service["state"] = "Healthy"

        return self._operation("Service", work, f"/api/services/{name}")

    def delete_service(self, name: str) -> Json:
        """Delete a service and take its modules off the device."""
        service = self.find("Service", self.services, name)
        service["state"] = "Deleting"

        async def work(operation: Json) -> None:
            await asyncio.sleep(self.seconds / 4)
            compute = self.computes.get(service["computeName"])
            hub = self.hub_by_id(compute["properties"]["resourceId"]) if compute else None
            device = service["iotDeviceId"]
            if hub is not None and hub.has(device):
                hub.configurations.apply(
                    device, without_modules(hub, device, [one["moduleName"] for one in service["iotEdgeModules"]])
                )
            self.services.pop(name, None)

        return self._operation("Service", work, f"/api/services/{name}")

    def attach(self, name: str, resource_id: str, location: str) -> Json:
        """Attach an IoT Hub as a compute target; it is Creating for a moment. The operation polls with ``status``."""
        hub_exists = self.hub_by_id(resource_id) is not None
        compute = self.computes[name] = self.compute(name, resource_id, location, "Creating")

        async def work(operation: Json) -> None:
            await asyncio.sleep(self.seconds / 4)
            if not hub_exists:
                compute["properties"]["provisioningState"] = "Failed"
                message = f"The resource {resource_id} is not found."
                compute["properties"]["provisioningErrors"] = [{"error": {"code": "NotFound", "message": message}}]
                raise AmlError(404, "NotFound", message)
            compute["properties"]["provisioningState"] = "Succeeded"

        return self._operation("Compute", work)

    def detached(self) -> Json:
        """Return the operation of a compute target that was just taken away."""

        async def work(operation: Json) -> None:
            await asyncio.sleep(self.seconds / 4)

        return self._operation("Compute", work)

    def compute(self, name: str, resource_id: str, location: str, state: str) -> Json:
        """Return a compute target's record."""
        return {
            "id": f"{location}/computes/{name}",
            "name": name,
            "location": "eastus",
            "tags": {},
            "type": "Microsoft.MachineLearningServices/workspaces/computes",
            "properties": {
                "computeType": "IotHub",
                "computeLocation": "eastus",
                "resourceId": resource_id,
                "description": "",
                "provisioningState": state,
                "provisioningErrors": None,
                "isAttachedCompute": True,
                "createdOn": self.clock.text(),
                "modifiedOn": self.clock.text(),
                "properties": {},
            },
        }
