"""An Azure ML workspace: what it holds, and what can be made in it. Blocking; call it from a worker thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from services.contexts.model import Context
from services.errors import OperatorError, Stopped
from services.files import FileError
from services.records import (
    EdgeService,
    PendingOperation,
    RegistryCredentials,
    Secret,
    WorkspaceCompute,
    WorkspaceImage,
    WorkspaceModel,
)
from services.text import clean, end_of, one_line
from services.workspace import parse
from services.workspace.asset_names import missing, whole_id
from services.workspace.calls import Calls
from services.workspace.conversion_rules import accelerated, not_convertible, takes
from services.workspace.long_operations import ENDED, Following, Tell, tell
from services.workspace.pending import PendingOperations
from services.workspace.service_plan import ServicePlan

# What the sample's ResNet-50 is called; other models are given theirs.
DEFAULT_INPUT = "Placeholder:0"
DEFAULT_OUTPUTS = ("classifier/resnet_v1_50/predictions/Softmax:0",)
_OVER = ("workspace.operation-failed", "workspace.operation-gone")


class Workspace:
    """The workspace of a context. Thread-safe; ``close`` ends its child process.

    ``seconds`` bounds each single request, ``poll_seconds`` is the pause between looks at something long. Every method raises
    OperatorError.
    """

    def __init__(self, context: Context, *, seconds: float = 60, poll_seconds: float = 3) -> None:
        place = context.workspace
        if place is None:
            raise OperatorError(
                f"The context {context.name} has no workspace.",
                cause="Images and models live in an Azure ML workspace, and none is named.",
                remedy="Add one: dbe-console context add (a workspace's config.json will do).",
                code="workspace.none",
            )
        self.context = context
        self._registry = place.registry
        self._id = f"{place.subscription}/{place.resource_group}/{place.name}"
        self._pending = PendingOperations(self._id)
        self._calls = Calls(context, place, seconds)
        self._following = Following(self._calls, poll_seconds)

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._calls.pid

    def close(self) -> None:
        """End the child process."""
        self._calls.close()

    def details(self) -> dict[str, Any]:
        """Return ARM's properties of the workspace: id, name, location, containerRegistry and others."""
        raw = self._calls.look("details")
        return {one_line(key): clean(value) if isinstance(value, str) else value for key, value in raw.items()}

    def images(self) -> list[WorkspaceImage]:
        """Return all images, newest first."""
        return _newest_first([parse.image(raw) for raw in self._calls.look("images")])

    def models(self) -> list[WorkspaceModel]:
        """Return all registered models, newest first."""
        return _newest_first(parse.models(self._calls.look("models")))

    def computes(self) -> list[WorkspaceCompute]:
        """Return all compute targets; kind IotHub is an attached hub."""
        return [parse.compute(raw) for raw in self._calls.look("computes")]

    def services(self) -> list[EdgeService]:
        """Return all services on IoT Edge devices."""
        return [parse.service(raw) for raw in self._calls.look("services")]

    def registry_credentials(self) -> RegistryCredentials:
        """Return how to sign in to the workspace's container registry (ARM listCredentials; needs its admin user)."""
        raw = self._calls.look("registry", fallback=self._registry)
        return RegistryCredentials(one_line(raw["server"]), one_line(raw["username"]), Secret(raw["password"]))

    def build_log(self, image: WorkspaceImage | str) -> str:
        """Return the build log of an image, of its newest version where a name has none; empty where there is none yet."""
        image_id = whole_id("image", image, [each.id for each in self.images()]) if isinstance(image, str) else image.id
        return clean(self._calls.look("build_log", image_id=image_id) or "")

    def pending(self) -> list[PendingOperation]:
        """Return conversions and image builds begun from here and not seen to end."""
        return self._pending.all()

    def convert(
        self,
        model_id: str,
        progress: Tell | None = None,
        cancelled: threading.Event | None = None,
        *,
        input_node: str = DEFAULT_INPUT,
        output_nodes: Sequence[str] = DEFAULT_OUTPUTS,
    ) -> WorkspaceModel:
        """Convert ``model_id`` and return the accelerated model: the one that exists, else one that is converted now.

        Of a name without a version the newest is taken, and said.
        A conversion that was begun before is taken up again. ``cancelled`` ends the waiting (Stopped).
        """
        models_by_id = {model.id: model for model in self.models()}
        name, model_id = model_id, whole_id("model", model_id, models_by_id)
        if model_id != name:
            tell(progress, f"{model_id} is the newest version of {name}")
        model = models_by_id[model_id]
        if accelerated(model):
            return model
        pending = self._pending.find("conversion", model_id)
        if model.converted_id:
            if pending is not None:
                self._pending.done(pending)  # it ended while nobody looked
            return models_by_id[model.converted_id]
        if not takes(model):
            raise not_convertible(model)
        if pending is None:
            tell(progress, f"converting {model_id}")
            arguments = {"model_id": model_id, "input_node": input_node, "output_nodes": list(output_nodes)}
            pending = PendingOperation("conversion", self._id, model_id, self._calls.change("start_conversion", **arguments))
            self._keep(pending, progress)
        else:
            pending = self._keep_result(pending)
            tell(progress, f"taking up the conversion of {model_id} again")
        ended = self._follow(pending, f"The conversion of {model_id}", progress, cancelled)
        converted = _result_id(ended)
        converted_model = next((model for model in self.models() if model.id == converted), None)
        if converted_model is None:
            raise OperatorError(
                f"The conversion of {model_id} succeeded, but its model {converted or '(unnamed)'} is not in the workspace.",
                cause="It may have been deleted meanwhile.",
                remedy="Look at the models again, or convert once more.",
                code="workspace.model-missing",
            )
        return converted_model

    def create_image(
        self,
        name: str,
        model_ids: Sequence[str],
        progress: Tell | None = None,
        cancelled: threading.Event | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        description: str = "",
    ) -> WorkspaceImage:
        """Build an accelerated image of ``model_ids`` and return it; a build that was begun before is taken up again.

        Raises OperatorError with the build log's end in ``raw`` where the build fails.
        """
        subject = f"{name}: {', '.join(model_ids)}"
        pending = self._pending.find("image", subject)
        if pending is None:
            # Begun, and the console ended before it was written down.
            same = (image for image in self.images() if image.name == name and image.model_ids == tuple(model_ids))
            building = next((image.id for image in same if image.state == "Creating"), None)
            pending = PendingOperation("image", self._id, subject, "", building) if building else None
        if pending is None:
            tell(progress, f"building {name} from {', '.join(model_ids)}")
            arguments = {"name": name, "model_ids": list(model_ids), "tags": dict(tags or {}), "description": description}
            operation = self._calls.change("start_image", **arguments)
            pending = PendingOperation("image", self._id, subject, operation["operation"], operation["image"])
            self._keep(pending, progress)
        else:
            pending = self._keep_result(pending)
            tell(progress, f"taking up the build of {pending.asset_id} again")
        self._follow(pending, f"The build of {pending.asset_id}", progress, cancelled)
        raw = self._calls.look("image", image_id=pending.asset_id)
        if raw is None:
            raise missing("image", pending.asset_id, {image.id for image in self.images()})
        return parse.image(raw)

    def take_up(
        self, pending: PendingOperation, progress: Tell | None = None, cancelled: threading.Event | None = None
    ) -> WorkspaceModel | WorkspaceImage:
        """Wait for something that was begun and not seen to end, and return what comes of it."""
        if pending.kind == "conversion":
            return self.convert(pending.subject, progress, cancelled)
        name, _, models = pending.subject.partition(": ")
        return self.create_image(name, models.split(", "), progress, cancelled)

    def throw_away(
        self, pending: PendingOperation, progress: Tell | None = None, cancelled: threading.Event | None = None
    ) -> str:
        """Wait until what was begun has ended, and delete what came of it: its id, "" where there is nothing to delete.

        Azure ML's SDK ends no operation of model management (docs/facts/azure-ml.md); it can only delete the model or image. Until
        that is done it stays among the pending ones, for a console opened later; begun once more meanwhile, it is wanted again.
        What is used by now stays in the workspace: raises OperatorError, once.
        """
        self._pending.keep(replace(pending, unwanted=True))
        try:
            ended = self._following.until_ended(
                self._looked_at(pending), f"What is cancelled, {pending.subject}", progress, cancelled
            )
            asset_id = pending.asset_id or _result_id(ended)
        except OperatorError as error:
            if error.code not in _OVER:
                raise
            asset_id = pending.asset_id  # a build that failed leaves its image
        entry = self._pending.find(pending.kind, pending.subject)
        if entry is None or not entry.unwanted:
            return ""
        try:
            if asset_id:
                self._calls.change("delete_image" if pending.kind == "image" else "delete_model", asset_id=asset_id)
        except OperatorError as error:
            if error.code == "workspace.in-use":
                self._pending.done(pending)
            raise
        self._pending.done(pending)
        return asset_id

    def _keep(self, pending: PendingOperation, progress: Tell | None) -> None:
        """Keep what was begun for a console opened later; where the disk takes nothing, this one follows it all the same."""
        try:
            self._pending.keep(pending)
        except FileError as error:
            tell(progress, f"going on, but a console opened later will not know of it: {error.cause}")

    def _keep_result(self, pending: PendingOperation) -> PendingOperation:
        if pending.unwanted:
            pending = replace(pending, unwanted=False)
            self._pending.keep(pending)
        return pending

    def attach_hub(
        self, name: str, resource_id: str, progress: Tell | None = None, cancelled: threading.Event | None = None
    ) -> WorkspaceCompute:
        """Attach the hub ``resource_id`` (its ARM id) as compute target ``name``; return it, or the one that is attached already."""
        for target in self.computes():
            if target.resource_id.lower() == resource_id.lower() and target.state == "Succeeded":
                tell(progress, f"the hub is attached as {target.name}")
                return target
        tell(progress, f"attaching the hub as {name}")
        self._calls.change("attach_hub", name=name, resource_id=resource_id)
        while True:
            raw = self._calls.look("compute", name=name)
            target = parse.compute(raw) if raw else WorkspaceCompute(name, "IotHub", "Creating")
            tell(progress, f"{name}: {target.state}")
            if target.state == "Succeeded":
                return target
            if target.state in ENDED:
                raise OperatorError(
                    f"The hub was not attached: {target.state}.",
                    cause=target.error or "The workspace gives no reason.",
                    remedy="Hub and workspace must be in one subscription, and the sign-in needs Contributor on both.",
                    code="workspace.attach-failed",
                    raw=target.error,
                )
            self._following.pause(cancelled, f"Attaching {name}")

    def deploy_service(
        self, plan: ServicePlan, progress: Tell | None = None, cancelled: threading.Event | None = None, *, redeploy: bool = False
    ) -> EdgeService:
        """Deploy an IotWebservice and follow it until the service has handed it to the hub.

        ``redeploy`` deletes one of that name first (the service cannot update one); otherwise it is an error that it exists.
        """
        if any(service.name == plan.name for service in self.services()):
            if not redeploy:
                raise OperatorError(
                    f"There is a service {plan.name} already.",
                    cause="An IoT Edge service cannot be updated in place.",
                    remedy="Choose another name (--service), or have it deleted first (--redeploy).",
                    code="workspace.service-exists",
                )
            self.delete_service(plan.name, progress, cancelled)
        tell(progress, f"deploying {plan.name} to {plan.device}")
        operation = self._calls.change("deploy", **plan.as_arguments())
        self._following.until_ended(
            partial(self._following.operation, operation), f"The deployment of {plan.name}", progress, cancelled
        )
        raw = self._calls.look("service", name=plan.name)
        if raw is None:
            raise missing("service", plan.name, {service.name for service in self.services()})
        return parse.service(raw)

    def delete_service(self, name: str, progress: Tell | None = None, cancelled: threading.Event | None = None) -> None:
        """Delete an IotWebservice and wait until it is gone; one that does not exist is gone already."""
        if self._calls.look("service", name=name) is None:
            return
        tell(progress, f"deleting {name}")
        operation = self._calls.change("delete_service", name=name)
        if operation:
            self._following.until_ended(partial(self._following.operation, operation), f"Deleting {name}", progress, cancelled)
        while self._calls.look("service", name=name) is not None:
            self._following.pause(cancelled, f"Deleting {name}")

    def _follow(
        self, pending: PendingOperation, what: str, progress: Tell | None, cancelled: threading.Event | None
    ) -> dict[str, Any]:
        try:
            ended = self._following.until_ended(self._looked_at(pending), what, progress, cancelled)
        except Stopped as left:
            left.pending = pending if pending.operation_id else None  # a build that was found may be somebody else's
            raise
        except OperatorError as error:
            if error.code in _OVER:
                self._pending.done(pending)
                if pending.kind == "image":
                    error.raw = self._end_of_log(pending.asset_id) or error.raw
            raise
        self._pending.done(pending)
        return ended

    def _looked_at(self, pending: PendingOperation) -> Callable[[], dict[str, Any]]:
        if pending.operation_id:
            return partial(self._following.operation, pending.operation_id)
        return partial(self._image_state, pending.asset_id)

    def _image_state(self, image_id: str) -> dict[str, Any]:
        """Return the state and error of an image whose operation is not known."""
        raw = self._calls.look("image", image_id=image_id)
        return {"state": raw["creationState"]} if raw else {"state": "Failed", "error": "The image is gone."}

    def _end_of_log(self, image_id: str) -> str:
        try:
            return end_of(self.build_log(image_id), 4000)
        except OperatorError as error:
            return f"(the build log cannot be had: {error.what})"


def _result_id(operation: Mapping[str, Any]) -> str:
    """Return the id of what an operation made."""
    return str(operation.get("resourceLocation") or "").rpartition("/")[2].replace("%3A", ":")


def _newest_first(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: item.created.timestamp() if item.created else 0.0, reverse=True)


def own_registry(workspace: Workspace) -> RegistryCredentials | None:
    """Return the credentials of the workspace's own registry; None where it gives none now, and the operator has to be asked."""
    try:
        return workspace.registry_credentials()
    except OperatorError:
        return None
