"""From a registered model to an image that can be deployed: converted, packed, and what is there already used again."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

from services.errors import Stopped
from services.records import Progress, WorkspaceImage
from services.workspace.client import Workspace

_NAME = re.compile(r"[^a-z0-9-]+")


def image_name(model_id: str) -> str:
    """Return an image's name made from a model's id (``name:version``): 3 to 32 small letters, digits and dashes, a letter first."""
    model = model_id.partition(":")[0].lower().removesuffix(".onnx").removesuffix(".accel")
    name = _NAME.sub("-", model).strip("-")
    name = name if name[:1].isalpha() else f"model-{name}"
    return f"accel-{name}"[:32].rstrip("-")


def image_from_model(
    workspace: Workspace,
    model_id: str,
    progress: Callable[[Progress], None] | None = None,
    cancelled: threading.Event | None = None,
    *,
    name: str = "",
    input_node: str = "",
    output_nodes: Sequence[str] = (),
) -> WorkspaceImage:
    """Return the accelerated image of a model: the finished one if there is one (of that ``name``, where given), else one made now.

    What was begun before is taken up again; ``cancelled`` ends the waiting (Stopped). Raises OperatorError.
    """
    nodes: dict[str, Any] = {"input_node": input_node} if input_node else {}
    nodes |= {"output_nodes": tuple(output_nodes)} if output_nodes else {}
    converted = workspace.convert(model_id, progress, cancelled, **nodes)
    if cancelled is not None and cancelled.is_set():
        raise Stopped(f"The model {converted.id} is there; no image was begun.", remedy="The same command goes on from it.")
    for image in workspace.images():
        if image.accelerated and image.deployable and image.model_ids == (converted.id,) and name in ("", image.name):
            if progress is not None:
                progress(Progress(f"{image.id} is made of {converted.id} already"))
            return image
    return workspace.create_image(name or image_name(model_id), [converted.id], progress, cancelled)
