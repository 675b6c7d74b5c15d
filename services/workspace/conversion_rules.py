"""Which models can be made into accelerated images (docs/facts/azure-ml.md: AccelOnnxConverter)."""

from __future__ import annotations

from services.errors import OperatorError
from services.records import WorkspaceModel


def takes(model: WorkspaceModel) -> bool:
    """Return whether an accelerated image can be made of a model; one registered without a framework is called Custom."""
    return accelerated(model) or bool(model.converted_id) or model.framework in ("", "TensorFlow", "Custom")


def accelerated(model: WorkspaceModel) -> bool:
    """Return whether it is converted already."""
    return bool(model.parent_id) or model.framework.startswith("Accel")


def not_convertible(model: WorkspaceModel) -> OperatorError:
    """Return the error for a model that the converter for the FPGA cannot take."""
    return OperatorError(
        f"{model.id} cannot be made into an accelerated image.",
        cause=f"It is a model of {model.framework}; the converter for the FPGA takes TensorFlow's only.",
        remedy="Deploy it on the CPU: build its image in a notebook (ContainerImage), it appears among the images here.",
        code="workspace.not-convertible",
    )
