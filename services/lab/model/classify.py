"""Classifies encoded pictures the way an accelerated host does: the picture's bytes are the model's input."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

MODEL = Path(__file__).parent / "efficientnet-lite0-int8.onnx"
_SIDE = 224
_RESIZED = 256


class NotAPicture(ValueError):
    """The bytes do not decode as a picture."""


def prepare(data: bytes) -> NDArray[np.float32]:
    """Return an encoded picture as float32 [1, 3, 224, 224], RGB, (x - 127) / 128.

    Shorter side to 256, centre cut out (docs/facts/azure-ml.md).
    """
    try:
        with Image.open(io.BytesIO(data)) as opened:
            picture = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NotAPicture(f"{len(data)} bytes that are no picture") from error
    scale = _RESIZED / min(picture.size)
    picture = picture.resize(
        (max(_SIDE, round(picture.width * scale)), max(_SIDE, round(picture.height * scale))), Image.Resampling.BICUBIC
    )
    left, top = (picture.width - _SIDE) // 2, (picture.height - _SIDE) // 2
    pixels = np.asarray(picture.crop((left, top, left + _SIDE, top + _SIDE)), dtype=np.float32)
    planes: NDArray[np.float32] = ((pixels - np.float32(127)) / np.float32(128)).transpose(2, 0, 1)
    return planes[np.newaxis]


class Classifier:
    """The network, loaded once; one thread, since the machine's cores belong to the console."""

    def __init__(self, model: Path = MODEL) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def __call__(self, pictures: Sequence[bytes]) -> NDArray[np.float32]:
        """Return the probabilities [N, 1000] over ImageNet's classes; raises NotAPicture."""
        rows: list[NDArray[np.float32]] = [self._session.run(None, {"image": prepare(data)})[0][0] for data in pictures]
        return np.stack(rows)
