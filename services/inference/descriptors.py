"""Message classes of ``tensorflow.serving.PredictionService``, built at run time from descriptors in a pool of their own.

No generated code, no tensorflow, and no clash where tensorflow's own classes are loaded too (docs/facts/azure-ml.md). A compiled
FileDescriptorSet would be a binary file that nobody can review, made by protoc, which an operator's box does not have. Field numbers
are those of tensorflow's types.proto, tensor_shape.proto, tensor.proto and serving's model.proto, predict.proto. Knows neither
grpc nor numpy: the client on the device and the lab's host use this as well.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PREDICT = "/tensorflow.serving.PredictionService/Predict"

DT_FLOAT, DT_DOUBLE, DT_INT32, DT_UINT8, DT_INT16, DT_INT8, DT_STRING, DT_COMPLEX64, DT_INT64, DT_BOOL = range(1, 11)
DT_BFLOAT16, DT_UINT16, DT_COMPLEX128, DT_HALF, DT_UINT32, DT_UINT64 = 14, 17, 18, 19, 22, 23

_Field = descriptor_pb2.FieldDescriptorProto
_INT64, _INT32, _BOOL, _STRING, _BYTES = (
    _Field.TYPE_INT64,
    _Field.TYPE_INT32,
    _Field.TYPE_BOOL,
    _Field.TYPE_STRING,
    _Field.TYPE_BYTES,
)
_FLOAT, _DOUBLE, _UINT32, _UINT64, _MESSAGE = (
    _Field.TYPE_FLOAT,
    _Field.TYPE_DOUBLE,
    _Field.TYPE_UINT32,
    _Field.TYPE_UINT64,
    _Field.TYPE_MESSAGE,
)


def _add(holder: Any, name: str, *fields: tuple[Any, ...]) -> Any:
    """Return a message of ``fields``: (name, number, type or message name[, "repeated"])."""
    message = holder.add(name=name)
    for field_name, number, kind, *repeated in fields:
        label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
        if isinstance(kind, str):
            message.field.add(name=field_name, number=number, type=_MESSAGE, type_name=kind, label=label)
        else:
            message.field.add(name=field_name, number=number, type=kind, label=label)
    return message


def _add_tensor_map(message: Any, name: str, number: int, full_name: str) -> None:
    """Add a ``map<string, TensorProto>`` field to the message called ``full_name``."""
    entry_name = f"{name.capitalize()}Entry"
    entry = _add(message.nested_type, entry_name, ("key", 1, _STRING), ("value", 2, ".tensorflow.TensorProto"))
    entry.options.map_entry = True
    message.field.add(name=name, number=number, type=_MESSAGE, type_name=f"{full_name}.{entry_name}", label=_Field.LABEL_REPEATED)


def _files() -> list[descriptor_pb2.FileDescriptorProto]:
    wrappers = descriptor_pb2.FileDescriptorProto(name="wrappers.proto", package="google.protobuf", syntax="proto3")
    _add(wrappers.message_type, "Int64Value", ("value", 1, _INT64))

    tensor = descriptor_pb2.FileDescriptorProto(name="tensor.proto", package="tensorflow", syntax="proto3")
    shape = _add(
        tensor.message_type,
        "TensorShapeProto",
        ("dim", 2, ".tensorflow.TensorShapeProto.Dim", "repeated"),
        ("unknown_rank", 3, _BOOL),
    )
    _add(shape.nested_type, "Dim", ("size", 1, _INT64), ("name", 2, _STRING))
    _add(
        tensor.message_type,
        "TensorProto",
        ("dtype", 1, _INT32),  # the enum DataType on the wire; as a number, types that we do not know survive
        ("tensor_shape", 2, ".tensorflow.TensorShapeProto"),
        ("version_number", 3, _INT32),
        ("tensor_content", 4, _BYTES),
        ("float_val", 5, _FLOAT, "repeated"),
        ("double_val", 6, _DOUBLE, "repeated"),
        ("int_val", 7, _INT32, "repeated"),
        ("string_val", 8, _BYTES, "repeated"),
        ("scomplex_val", 9, _FLOAT, "repeated"),
        ("int64_val", 10, _INT64, "repeated"),
        ("bool_val", 11, _BOOL, "repeated"),
        ("dcomplex_val", 12, _DOUBLE, "repeated"),
        ("half_val", 13, _INT32, "repeated"),
        ("uint32_val", 16, _UINT32, "repeated"),
        ("uint64_val", 17, _UINT64, "repeated"),
    )

    serving = descriptor_pb2.FileDescriptorProto(
        name="predict.proto", package="tensorflow.serving", syntax="proto3", dependency=["wrappers.proto", "tensor.proto"]
    )
    _add(
        serving.message_type,
        "ModelSpec",
        ("name", 1, _STRING),
        ("version", 2, ".google.protobuf.Int64Value"),
        ("signature_name", 3, _STRING),
        ("version_label", 4, _STRING),
    )
    request = _add(
        serving.message_type,
        "PredictRequest",
        ("model_spec", 1, ".tensorflow.serving.ModelSpec"),
        ("output_filter", 3, _STRING, "repeated"),
    )
    _add_tensor_map(request, "inputs", 2, ".tensorflow.serving.PredictRequest")
    response = _add(serving.message_type, "PredictResponse", ("model_spec", 2, ".tensorflow.serving.ModelSpec"))
    _add_tensor_map(response, "outputs", 1, ".tensorflow.serving.PredictResponse")
    return [wrappers, tensor, serving]


_pool = descriptor_pool.DescriptorPool()
for _file in _files():
    _pool.Add(_file)


def _message_class(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(name))


TensorProto = _message_class("tensorflow.TensorProto")
PredictRequest = _message_class("tensorflow.serving.PredictRequest")
PredictResponse = _message_class("tensorflow.serving.PredictResponse")


def picture_request(input_name: str, data: bytes) -> Any:
    """Return the PredictRequest of one encoded picture: ``inputs[input_name]`` DT_STRING of shape [1]."""
    request = PredictRequest()
    tensor = request.inputs[input_name]
    tensor.dtype = DT_STRING
    tensor.tensor_shape.dim.add(size=1)
    tensor.string_val.append(data)
    return request


def picture_bytes(input_name: str, data: bytes) -> bytes:
    """Return ``picture_request`` as it goes on the wire, written straight: the picture is copied once, and no message is made."""
    return _picture_head(input_name, len(data)) + data


@lru_cache(maxsize=64)
def _picture_head(input_name: str, size: int) -> bytes:
    """Return all that stands before the picture.

    Fields (predict.proto, tensor.proto): inputs = 2 {key = 1, value = 2 {dtype = 1, tensor_shape = 2, string_val = 8}}.
    """
    name = input_name.encode()
    head = _ONE_STRING + varint(size)
    tensor = b"\x12" + varint(len(head) + size) + head
    key = b"\x0a" + varint(len(name)) + name
    return b"\x12" + varint(len(key) + len(tensor) + size) + key + tensor


# dtype DT_STRING, the shape [1], and the tag of string_val.
_ONE_STRING = b"\x08\x07\x12\x04\x12\x02\x08\x01\x42"


def varint(number: int) -> bytes:
    """Return a number as protobuf writes it, of any size."""
    digits = bytearray()
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def shape_of(tensor: Any) -> tuple[int, ...]:
    """Return a TensorProto's shape."""
    return tuple([dimension.size for dimension in tensor.tensor_shape.dim])


def floats(tensor: Any) -> list[float]:
    """Return the values of a DT_FLOAT or DT_DOUBLE TensorProto, flat, without numpy; ValueError for other types."""
    kinds = {DT_FLOAT: ("f", tensor.float_val), DT_DOUBLE: ("d", tensor.double_val)}
    if tensor.dtype not in kinds:
        raise ValueError(f"tensor of DataType {tensor.dtype} where floating point numbers are due")
    letter, values = kinds[tensor.dtype]
    if not tensor.tensor_content:
        return list(values)
    return list(struct.unpack(f"<{len(tensor.tensor_content) // struct.calcsize(letter)}{letter}", tensor.tensor_content))
