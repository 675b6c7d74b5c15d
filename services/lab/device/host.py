"""The accelerated host as a process: ``tensorflow.serving.PredictionService/Predict`` with a real network behind it.

    python -m services.lab.device.host --listen 127.0.0.1:50051 [--flash-seconds 2] [--input NAME] [--output NAME]

Binds at once and answers UNAVAILABLE while the FPGA is "flashed", as the real host does (docs/facts/iot-hub.md). Encoded pictures come
in as a DT_STRING tensor of shape [N]; softmax over ImageNet's 1,000 classes goes out as DT_FLOAT [N, 1000]. With several outputs,
commas between, it is SSD-VGG.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from concurrent import futures
from typing import Any

import grpc

from services.inference import descriptors as proto
from services.lab.device import ssd

INPUT = "Placeholder:0"
OUTPUT = "classifier/resnet_v1_50/predictions/Softmax:0"
_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0))
_log = logging.getLogger("host")


# All that the sample's client looks for in an answer to wrong tensor names (docs/facts/sample-client.md); nobody has published
# the status that comes with it.
_WRONG_NAMES = "Object reference not set to an instance of an object."


class _Refused(Exception):
    """A request that the model does not take; becomes INVALID_ARGUMENT."""


class _WrongNames(Exception):
    """A request for tensors that the model does not have; becomes UNKNOWN."""


class Host:
    """Answers Predict. ``ready`` is set when flashing is over and the network is loaded."""

    def __init__(self, input_name: str, output_names: str, delay: float = 0.0) -> None:
        self.input_name, self.output_names, self.delay = input_name, output_names.split(","), delay
        self.ready, self.ending = threading.Event(), threading.Event()
        self._classifier: Any = None

    def flash(self, seconds: float) -> None:
        """Load the network and be ready after ``seconds``; negative means never."""
        from services.lab.model.classify import Classifier

        _log.info("<6>flashing the FPGA with the bitstream of the model")
        until = time.monotonic() + seconds
        self._classifier = Classifier()
        if seconds < 0:
            return
        time.sleep(max(0.0, until - time.monotonic()))
        self.ready.set()
        _log.info("<6>done flashing the FPGA; scoring %s to %s", self.input_name, ", ".join(self.output_names))
        if len(self.output_names) > 1:
            _log.warning("<4>the lab has no weights of SSD-VGG: ImageNet's classifier answers in its tensors, one box a picture")

    def predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answer one Predict call."""
        if not self.ready.is_set():
            context.abort(grpc.StatusCode.UNAVAILABLE, "The host is not done flashing the FPGA.")
        if self.delay:
            self.ending.wait(self.delay)
        try:
            return self._respond(request)
        except _WrongNames as error:
            _log.warning("<4>%s", error)
            context.abort(grpc.StatusCode.UNKNOWN, _WRONG_NAMES)
        except _Refused as error:
            _log.warning("<4>%s", error)
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    def _respond(self, request: Any) -> Any:
        from services.lab.model.classify import NotAPicture

        for name in request.inputs:
            if name != self.input_name:
                raise _WrongNames(f"there is no input tensor {name}, only {self.input_name}")
        if not request.inputs:
            raise _Refused(f"input size does not match signature: 0 != 1. Missing inputs: {{{self.input_name}}}")
        for name in request.output_filter:
            if name not in self.output_names:
                raise _WrongNames(f"there is no output tensor {name}, only {','.join(self.output_names)}")
        tensor = request.inputs[self.input_name]
        pictures = list(tensor.string_val)
        shape = proto.shape_of(tensor)
        if tensor.dtype != proto.DT_STRING or shape != (len(pictures),) or not pictures:
            raise _Refused(
                f"Expects arg[0] to be string of shape [N] but DataType {tensor.dtype} of shape {list(shape)} is provided"
            )
        try:
            scores = self._classifier(pictures)
        except NotAPicture as error:
            raise _Refused(f"Invalid image data: {error}") from error
        response = proto.PredictResponse()
        response.model_spec.CopyFrom(request.model_spec)
        for name, values in self._outputs(scores).items():
            output = response.outputs[name]
            output.dtype = proto.DT_FLOAT
            for size in values.shape:
                output.tensor_shape.dim.add(size=size)
            output.float_val.extend(values.ravel().tolist())
        return response

    def _outputs(self, scores: Any) -> dict[str, Any]:
        if len(self.output_names) == 1:
            return {self.output_names[0]: scores}
        return ssd.outputs(scores)


def serve(host: Host, listen: str) -> tuple[grpc.Server, int]:
    """Start a server on ``listen`` (``ADDRESS:PORT`` or ``unix:PATH``) and return it with its port; OSError when the place is taken."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2), options=_OPTIONS)
    handler = grpc.unary_unary_rpc_method_handler(
        host.predict,
        request_deserializer=proto.PredictRequest.FromString,
        response_serializer=proto.PredictResponse.SerializeToString,
    )
    service, _, method = proto.PREDICT.strip("/").partition("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    try:
        port = server.add_insecure_port(listen)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {listen}: {error}") from error
    server.start()
    return server, port


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="services.lab.device.host")
    parser.add_argument("--listen", default="127.0.0.1:50051")
    parser.add_argument("--flash-seconds", type=float, default=2.0, help="negative: for ever")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--fpga", choices=("ready", "missing", "busy"), default="ready")
    parser.add_argument("--input", default=INPUT)
    parser.add_argument("--output", default=OUTPUT)
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if options.fpga == "missing":
        _log.error("<3>cannot open /dev/catapult0: the container has no such device, or is not privileged")
        return 1
    if options.fpga == "busy":
        _log.error("<3>/dev/catapult0 is held by another process; waiting for it")
        options.flash_seconds = -1
    host = Host(options.input, options.output, options.delay)
    server, port = serve(host, options.listen)
    _log.info("<6>listening on %s", options.listen if options.listen.startswith("unix:") else f"port {port}")
    threading.Thread(target=host.flash, args=(options.flash_seconds,), daemon=True).start()
    stop.wait()
    host.ending.set()
    server.stop(grace=1).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
