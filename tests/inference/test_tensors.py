import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from services.inference import descriptors as proto
from services.inference import tensors
from services.inference.layout import layout_of

DTYPES = ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "?", "c8", "c16"]

NUMBERS = {
    "f4": proto.DT_FLOAT,
    "f8": proto.DT_DOUBLE,
    "i1": proto.DT_INT8,
    "i2": proto.DT_INT16,
    "i4": proto.DT_INT32,
    "i8": proto.DT_INT64,
    "u1": proto.DT_UINT8,
    "u2": proto.DT_UINT16,
    "u4": proto.DT_UINT32,
    "u8": proto.DT_UINT64,
    "f2": proto.DT_HALF,
    "b1": proto.DT_BOOL,
    "c8": proto.DT_COMPLEX64,
    "c16": proto.DT_COMPLEX128,
}


def tensor_of(array):
    """As a host writes it: little-endian content and a shape."""
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    tensor = proto.TensorProto(dtype=NUMBERS[array.dtype.str[1:]], tensor_content=little.tobytes())
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


@given(
    st.sampled_from(DTYPES).flatmap(
        lambda kind: arrays.arrays(np.dtype(kind), arrays.array_shapes(min_dims=0, max_dims=4, min_side=0))
    )
)
def test_arrays_come_back_as_they_went(array):
    tensor = tensor_of(array)
    again = tensors.to_array(proto.TensorProto.FromString(tensor.SerializeToString()))
    assert again.shape == array.shape
    assert again.dtype == array.dtype.newbyteorder("<")
    np.testing.assert_array_equal(again, array)


@pytest.mark.parametrize(
    ("kind", "field", "values", "expected"),
    [
        (proto.DT_FLOAT, "float_val", [1.5, 2.5], np.array([[1.5], [2.5]], "f4")),
        (proto.DT_INT8, "int_val", [-3, 4], np.array([[-3], [4]], "i1")),
        (proto.DT_HALF, "half_val", [0x3C00, 0xC000], np.array([[1], [-2]], "f2")),
        (proto.DT_BFLOAT16, "half_val", [0x3F80, 0xC000], np.array([[1], [-2]], "f4")),
        (proto.DT_COMPLEX64, "scomplex_val", [1, 2, 3, 4], np.array([[1 + 2j], [3 + 4j]], "c8")),
        (proto.DT_BOOL, "bool_val", [True], np.array([[True], [True]])),
    ],
)
def test_values_outside_of_tensor_content(kind, field, values, expected):
    tensor = proto.TensorProto(dtype=kind)
    for size in (2, 1):
        tensor.tensor_shape.dim.add(size=size)
    getattr(tensor, field).extend(values)
    np.testing.assert_array_equal(tensors.to_array(tensor), expected)


def test_strings():
    tensor = proto.TensorProto(dtype=proto.DT_STRING, string_val=[b"a", "é".encode()])
    for size in (1, 2):
        tensor.tensor_shape.dim.add(size=size)
    assert tensors.to_array(tensor).tolist() == [[b"a", "é".encode()]]


def test_shape_that_does_not_fit():
    tensor = tensor_of(np.zeros(4, "f4"))
    tensor.tensor_content = np.zeros(3, "f4").tobytes()
    with pytest.raises(ValueError):
        tensors.to_array(tensor)
    tensor.dtype = 99
    with pytest.raises(ValueError, match="DataType 99"):
        tensors.to_array(tensor)


@given(st.lists(st.floats(width=32, allow_nan=False)), st.booleans())
def test_floats_without_numpy(values, packed):
    tensor = proto.TensorProto(dtype=proto.DT_FLOAT)
    if packed:
        tensor.tensor_content = np.array(values, "<f4").tobytes()
    else:
        tensor.float_val.extend(values)
    assert proto.floats(tensor) == values


@given(st.text(max_size=200), st.binary(max_size=40_000))
def test_a_picture_goes_on_the_wire_as_protobuf_would_write_it(name, data):
    assert proto.PredictRequest.FromString(proto.picture_bytes(name, data)) == proto.picture_request(name, data)


FLOATS = arrays.arrays(np.dtype("<f4"), arrays.array_shapes(max_dims=3, max_side=40))
OUTPUTS = st.dictionaries(st.text(max_size=20), FLOATS, min_size=1, max_size=3)


@given(st.data(), OUTPUTS, st.text(max_size=9))
def test_the_next_answer_is_read_where_the_last_one_had_its_floats(data, outputs, model):
    name = data.draw(st.sampled_from(sorted(outputs)))
    first, second = (proto.PredictResponse(), proto.PredictResponse())
    for response in (first, second):
        response.model_spec.name = model
        for output, array in outputs.items():
            response.outputs[output].dtype = proto.DT_FLOAT
            for size in array.shape:
                response.outputs[output].tensor_shape.dim.add(size=size)
            values = array if response is first or output != name else array[::-1]
            response.outputs[output].float_val.extend(values.ravel().tolist())
    layout = layout_of(first.SerializeToString(deterministic=True), tensors.to_array(first.outputs[name]))
    for response in (first, second):
        answer = response.SerializeToString(deterministic=True)
        read = layout.read(answer) if layout is not None else None
        if read is None:
            assert len(outputs) > 1  # the same floats in two places
        else:
            np.testing.assert_array_equal(read, tensors.to_array(response.outputs[name]))
            assert read.flags.writeable
        assert layout is None or layout.read(answer + b"\0") is None


def test_an_answer_that_is_laid_out_otherwise_has_no_layout():
    for values, content in (([1.5], b""), ([], np.ones(2, "<f4").tobytes())):  # a last value left out; tensor_content
        tensor = proto.TensorProto(dtype=proto.DT_FLOAT, tensor_content=content, float_val=values)
        tensor.tensor_shape.dim.add(size=2)
        response = proto.PredictResponse()
        response.outputs["out"].CopyFrom(tensor)
        assert layout_of(response.SerializeToString(), tensors.to_array(tensor)) is None
