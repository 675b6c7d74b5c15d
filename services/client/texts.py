"""The sample client's message texts (docs/facts/iot-hub.md); whoever reads the hub's messages knows them by these words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

FLASHING = (
    "Unable to inference because AzureML host container is not done flashing the FPGA. "
    "If still not available in 10 minutes, check logs of module."
)
TENSOR_NAMES = (
    "Unable to inference because the names of the input and output tensors used for scoring are incorrect.\n"
    "Please update the docker CMD arguments to include the correct --input-tensors and --output-tensors parameters."
)
UNKNOWN = "Unable to inference for unknown reason. See stack trace below:\n{}"

_CLASS_NAMES = Path(__file__).with_name("class_names.txt")


def class_names() -> list[str]:
    """Return ImageNet's 1,000 class names in the order of the network's outputs.

    They ship with the client: the original fetched them at start.
    """
    return _CLASS_NAMES.read_text(encoding="utf-8").splitlines()


def result(path: str, milliseconds: float, scores: Sequence[float], names: Sequence[str]) -> str:
    """Return the message of one result.

    Two scores are the transfer-learning sample's (cat, dog); one more than there are names has a background class in front, as
    in TF-Slim.
    """
    if not scores:
        raise ValueError("the output tensor is empty")
    if len(scores) == 2:
        return f"({milliseconds:.3f} ms) The image {path} is a '{'cat' if scores[0] > scores[1] else 'dog'}'."
    if len(scores) == len(names) + 1:
        scores = scores[1:]
    best = max(range(len(scores)), key=scores.__getitem__)
    return classified(path, milliseconds, names[best] if len(scores) == len(names) else f"class {best}", scores[best])


def classified(path: str, milliseconds: float, name: str, confidence: float) -> str:
    """Return the message of a picture whose class is known."""
    return f"({milliseconds:.0f} ms) The image {path} was classified as {name} with confidence {confidence}."
