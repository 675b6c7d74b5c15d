"""TensorProto to numpy array and back (docs/facts/azure-ml.md; tensorflow's make_ndarray and make_tensor_proto)."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
_NUMBERS = {np.dtype(kind): number for number, (kind, _) in _TYPES.items()}


def data_type(kind: Any) -> int:
    """Return the DataType number of a number, a numpy dtype or anything numpy takes for one; text and bytes are DT_STRING."""
    if isinstance(kind, int) and not isinstance(kind, bool):
        if kind in _TYPES or kind == proto.DT_STRING:
            return kind
        raise ValueError(f"DataType {kind} is not one that a tensor can be sent as")
    dtype = np.dtype(kind)
    if dtype.kind in "OSU":
        return proto.DT_STRING
    number = _NUMBERS.get(dtype.newbyteorder("<") if dtype.itemsize > 1 else dtype)
    if number is None:
        raise ValueError(f"numpy dtype {dtype} has no TensorFlow DataType")
    return number


def fill(tensor: Any, data: Any, shape: Sequence[int], kind: Any) -> None:
    """Write raw ``data`` (bytes; for DT_STRING one value or a list of them) into ``tensor``."""
    tensor.dtype = data_type(kind)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    if tensor.dtype == proto.DT_STRING:
        values = [data] if isinstance(data, bytes | bytearray | str) else list(data)
        tensor.string_val.extend(value.encode() if isinstance(value, str) else bytes(value) for value in values)
        count: float = len(values)
    else:
        tensor.tensor_content = bytes(data)
        count = len(tensor.tensor_content) / np.dtype(_TYPES[tensor.dtype][0]).itemsize
    if count != math.prod(shape):
        raise ValueError(f"{count:g} values do not make a tensor of shape {list(shape)}")


def fill_from_array(tensor: Any, array: Any) -> None:
    """Write a numpy array, or what numpy makes one of, into ``tensor``."""
    values = np.asarray(array)
    kind = data_type(values.dtype)
    if kind == proto.DT_STRING:
        fill(tensor, values.ravel().tolist(), values.shape, kind)
    else:
        fill(tensor, values.astype(_TYPES[kind][0], copy=False).tobytes(), values.shape, kind)


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
