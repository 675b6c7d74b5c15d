"""Read a TensorProto as a numpy array (docs/facts/azure-ml.md; tensorflow's make_ndarray)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.inference import descriptors as proto

# DataType: numpy's dtype, and the field that carries values where tensor_content is empty
_TYPES: dict[int, tuple[str, str]] = {
    proto.DT_FLOAT: ("<f4", "float_val"),
    proto.DT_DOUBLE: ("<f8", "double_val"),
    proto.DT_INT32: ("<i4", "int_val"),
    proto.DT_UINT8: ("|u1", "int_val"),
    proto.DT_INT16: ("<i2", "int_val"),
    proto.DT_INT8: ("|i1", "int_val"),
    proto.DT_INT64: ("<i8", "int64_val"),
    proto.DT_BOOL: ("|b1", "bool_val"),
    proto.DT_UINT16: ("<u2", "int_val"),
    proto.DT_HALF: ("<f2", "half_val"),
    proto.DT_UINT32: ("<u4", "uint32_val"),
    proto.DT_UINT64: ("<u8", "uint64_val"),
    proto.DT_COMPLEX64: ("<c8", "scomplex_val"),
    proto.DT_COMPLEX128: ("<c16", "dcomplex_val"),
}
_FLOAT = np.dtype("<f4")


def to_array(tensor: Any) -> NDArray[Any]:
    """Return a TensorProto as an array of its own shape.

    Strings as an object array of bytes; bfloat16 as float32. ValueError when it does not fit.
    """
    shape = proto.shape_of(tensor)
    if tensor.dtype == proto.DT_FLOAT and not tensor.tensor_content:  # what nearly every model answers
        return _spread(np.array(tensor.float_val, _FLOAT), shape)
    if tensor.dtype == proto.DT_STRING:
        strings = np.empty(len(tensor.string_val), dtype=object)
        strings[:] = list(tensor.string_val)
        return strings.reshape(shape)
    if tensor.dtype == proto.DT_BFLOAT16:
        halves = np.frombuffer(tensor.tensor_content, "<u2") if tensor.tensor_content else np.array(tensor.half_val, "<u2")
        widened: NDArray[np.uint32] = _spread(halves, shape).astype(np.uint32) << np.uint32(16)
        return widened.view(np.float32)
    if tensor.dtype not in _TYPES:
        raise ValueError(f"DataType {tensor.dtype} is not one that an array is made of")
    kind, name = _TYPES[tensor.dtype]
    if tensor.tensor_content:
        content: NDArray[Any] = np.frombuffer(tensor.tensor_content, kind)
        return np.array(content.reshape(shape))
    values = getattr(tensor, name)
    if tensor.dtype == proto.DT_HALF:
        halves = np.array(values, "<u2")
        return _spread(halves, shape).view(np.float16)
    if np.dtype(kind).kind == "c":
        return _spread(np.array(values, "<f4" if kind == "<c8" else "<f8").view(kind), shape)
    return _spread(np.array(values, dtype=kind), shape)


def _spread(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return ``values`` in ``shape``; the last one is repeated where a sender left out equal ones at the end."""
    if values.shape == shape:
        return values
    missing = math.prod(shape) - len(values)
    if missing > 0 and len(values):
        values = np.concatenate([values, np.repeat(values[-1:], missing)])
    return values.reshape(shape)
