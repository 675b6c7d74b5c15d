"""Pictures a second through our PredictionClient, beside a bare grpcio stub that sends the same bytes, to a server that answers at
once. Prints one JSON object; the ratio is to reach 0.95 (DESIGN, figures).

    python tests/bench/predict.py [--calls 500] [--rounds 9] [--picture FILE]

The server is a process of its own, answers bytes with bytes and decodes nothing. The two clients take turns call by call, so that
what else runs on the machine falls on both; the middle call of each counts, and of the rounds' ratios the median.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import grpc

from services.inference import descriptors as proto
from services.inference.client import PredictionClient

INPUT, OUTPUT, CLASSES = "Placeholder:0", "classifier/resnet_v1_50/predictions/Softmax:0", 1000
_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


def answer() -> bytes:
    """What a classifier answers: a thousand floats."""
    response = proto.PredictResponse()
    tensor = response.outputs[OUTPUT]
    tensor.dtype = 1
    for size in (1, CLASSES):
        tensor.tensor_shape.dim.add(size=size)
    tensor.float_val.extend([0.001] * CLASSES)
    return bytes(response.SerializeToString())


def serve() -> None:
    """Answer until standard input ends; the port is printed first."""
    ready = answer()

    class Handler(grpc.GenericRpcHandler):
        def service(self, _details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            return grpc.unary_unary_rpc_method_handler(lambda _request, _context: ready)

    server = grpc.server(ThreadPoolExecutor(4), handlers=(Handler(),), options=_OPTIONS)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop(None)


def in_turn(calls: Sequence[Callable[[], object]], count: int) -> list[float]:
    """Each one's seconds a call: the middle of ``count`` calls, the clients taking turns call by call."""
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(count):
        for index in range(len(calls)) if turn % 2 else reversed(range(len(calls))):
            began = time.perf_counter()
            calls[index]()
            times[index].append(time.perf_counter() - began)
    return [statistics.median(each) for each in times]


def measure(calls: int, rounds: int, picture: bytes) -> dict[str, object]:
    """Both clients in turn; the figure and what it was taken on."""
    child = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        request = bytes(proto.picture_request(INPUT, picture).SerializeToString())
        metadata = (("authorization", "Bearer "), ("x-ms-aml-grpc-service-route", "/api/v1/service/"))
        with grpc.insecure_channel(f"127.0.0.1:{port}", _OPTIONS) as channel, PredictionClient("127.0.0.1", port) as client:
            stub = channel.unary_unary(proto.PREDICT)

            def bare() -> object:
                return stub(request, 10.0, metadata=metadata)

            def ours() -> object:
                return client.score_image(picture, INPUT, OUTPUT)

            in_turn((bare, ours), 50)
            pairs = [in_turn((bare, ours), calls) for _ in range(rounds)]
    finally:
        child.communicate("")
    ratios = [theirs / mine for theirs, mine in pairs]
    return {
        "figure": round(statistics.median(ratios), 3),
        "reach": 0.95,
        "ours_per_second": round(1 / statistics.median(mine for _, mine in pairs), 1),
        "bare_per_second": round(1 / statistics.median(theirs for theirs, _ in pairs), 1),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "configuration": {"picture_bytes": len(picture), "classes": CLASSES, "calls": calls, "rounds": rounds},
        "machine": {
            "python": platform.python_version(),
            "grpcio": grpc.__version__,
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1),
        },
    }


def main() -> int:
    """0 where the figure is reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500, help="of each client in a round")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return 0
    shipped = files("services.client") / "assets" / "cat.jpg"
    picture = options.picture.read_bytes() if options.picture else shipped.read_bytes()
    result = measure(options.calls, options.rounds, picture)
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if float(str(result["figure"])) >= 0.95 else 1


if __name__ == "__main__":
    raise SystemExit(main())
