"""From a registered model to an image that can be deployed, as an operator asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event

from services.deployment.options.presets import tensors_for
from services.operations.session import Session
from services.records import ImagePacking, Progress, WorkspaceImage, WorkspaceModel
from services.workspace.conversion_rules import accelerated, not_convertible, takes
from services.workspace.model_image import image_from_model, image_name


def suggest_packing(model: WorkspaceModel) -> ImagePacking:
    """Return what is offered for a model. Raises OperatorError for one that cannot be made into an accelerated image."""
    if not takes(model):
        raise not_convertible(model)
    source, outputs = tensors_for(model.name)
    return ImagePacking(image_name(model.id), source, outputs)


def is_converted(model: WorkspaceModel) -> bool:
    """Return whether nothing is left to convert."""
    return accelerated(model) or bool(model.converted_id)


def make_image(
    session: Session,
    model_id: str,
    progress: Callable[[Progress], None] | None = None,
    stopped: Event | None = None,
    *,
    name: str = "",
    input_node: str = "",
    output_nodes: Sequence[str] = (),
) -> WorkspaceImage:
    """Return the accelerated image of a model, converted and built where it is not there yet.

    Raises OperatorError; Stopped where ``stopped`` was set: the same call goes on from there.
    """
    return image_from_model(
        session.workspace, model_id, progress, stopped, name=name, input_node=input_node, output_nodes=output_nodes
    )
