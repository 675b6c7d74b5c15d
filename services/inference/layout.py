"""Where an answer's floats stand. One model's answers differ in nothing else, so that this need be found out only once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.inference import descriptors as proto

_FLOATS = np.dtype("<f4")


@dataclass(frozen=True)
class Layout:
    """The bytes of a PredictResponse around the floats of one output; whatever has the same around them is read the same way."""

    head: bytes
    tail: bytes
    size: int
    shape: tuple[int, ...]

    def read(self, answer: bytes) -> NDArray[Any] | None:
        """Return the floats as an array of their own; None for an answer that is laid out otherwise."""
        if len(answer) == self.size and answer.startswith(self.head) and answer.endswith(self.tail):
            return np.ndarray(self.shape, _FLOATS, bytearray(answer), len(self.head))
        return None


def layout_of(answer: bytes, array: NDArray[Any]) -> Layout | None:
    """Return the layout of an answer that holds ``array``; None where it is not one run of packed floats (float_val = 5) in one place."""
    floats = array.tobytes()
    run = b"\x2a" + proto.varint(len(floats)) + floats
    if array.dtype != _FLOATS or not floats:
        return None
    at = answer.find(run)
    if at < 0 or at != answer.rfind(run):
        return None
    end = at + len(run)
    return Layout(answer[: end - len(floats)], answer[end:], len(answer), array.shape)
