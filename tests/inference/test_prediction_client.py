import threading
import time
from concurrent import futures
from pathlib import Path

import grpc
import numpy as np
import pytest

from services.errors import OperatorError
from services.inference import descriptors as proto
from services.inference.client import PredictionClient
from services.inference.http import HttpScorer

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "services" / "client" / "assets"
NAMES = (ROOT / "services" / "client" / "class_names.txt").read_text(encoding="utf-8").splitlines()
RIGHT = {"camera": "tripod", "cat": "tiger cat", "coffee": "espresso", "temple": "palace"}
INPUT, OUTPUT = "Placeholder:0", "classifier/resnet_v1_50/predictions/Softmax:0"


@pytest.fixture
def client(host_port):
    with PredictionClient("127.0.0.1", host_port, attempts=1) as one:
        wait_until_ready(one)
        yield one


def wait_until_ready(client):
    deadline = time.monotonic() + 60
    while True:
        try:
            client.score_image((ASSETS / "cat.jpg").read_bytes(), INPUT)
            return
        except OperatorError as error:
            if time.monotonic() > deadline or "UNAVAILABLE" not in str(error.__cause__):
                raise
            time.sleep(0.05)


@pytest.mark.parametrize("name", RIGHT)
def test_the_shipped_pictures_are_classified_right(client, name):
    scores = client.score_image((ASSETS / f"{name}.jpg").read_bytes(), INPUT, OUTPUT)
    assert scores.shape == (1000,)
    assert scores.sum() == pytest.approx(1, abs=1e-3)
    assert NAMES[scores.argmax()] == RIGHT[name]


def test_outputs_as_name_list_and_none(client):
    data = (ASSETS / "coffee.jpg").read_bytes()
    one = client.score_image(data, INPUT, OUTPUT)
    (listed,) = client.score_image(data, INPUT, [OUTPUT])
    np.testing.assert_array_equal(one, listed)
    np.testing.assert_array_equal(one, client.score_image(data, INPUT))


def test_wrong_tensor_names_are_named_and_not_tried_again(host_port):
    with PredictionClient("127.0.0.1", host_port, attempts=10, first_wait=0.1) as client:
        client.score_image(
            (ASSETS / "cat.jpg").read_bytes(), INPUT, OUTPUT
        )  # the host is up: what follows is no answer of one that starts
    with PredictionClient("127.0.0.1", host_port, first_wait=300) as client:
        started = time.monotonic()
        with pytest.raises(OperatorError) as wrong:
            client.score_image((ASSETS / "cat.jpg").read_bytes(), "images", OUTPUT)
        assert time.monotonic() - started < 300  # the wait before a second try
        assert wrong.value.__cause__.details() == "Object reference not set to an instance of an object."
        assert "tensor" in wrong.value.what + wrong.value.cause
        with pytest.raises(OperatorError, match="classifier/resnet_v1_50"):
            client.score_image((ASSETS / "cat.jpg").read_bytes(), INPUT, "other:0")


def test_a_host_that_flashes_is_tried_until_it_answers(start_host):
    port = start_host("services.lab.device.host", "--flash-seconds", "5")
    with PredictionClient("127.0.0.1", port, attempts=1) as client:
        with pytest.raises(OperatorError) as flashing:
            client.score_image((ASSETS / "cat.jpg").read_bytes(), INPUT)
        assert flashing.value.__cause__.code() is grpc.StatusCode.UNAVAILABLE
    with PredictionClient("127.0.0.1", port, attempts=8, first_wait=0.2) as client:
        assert NAMES[client.score_image((ASSETS / "cat.jpg").read_bytes(), INPUT).argmax()] == "tiger cat"


def test_close_ends_the_wait_between_attempts():
    client = PredictionClient("127.0.0.1", 1, first_wait=60)
    threading.Timer(0.3, client.close).start()
    started = time.monotonic()
    with pytest.raises(OperatorError):
        client.score_image(b"x", INPUT)
    assert time.monotonic() - started < 50


@pytest.fixture
def answering():
    """A server that answers every Predict with what the test puts into it."""
    reply = proto.PredictResponse()
    seen = []

    def predict(request, context):
        seen.append((request, dict(context.invocation_metadata()), context.time_remaining()))
        return reply

    server = grpc.server(futures.ThreadPoolExecutor(2))
    handler = grpc.unary_unary_rpc_method_handler(
        predict, proto.PredictRequest.FromString, proto.PredictResponse.SerializeToString
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("tensorflow.serving.PredictionService", {"Predict": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port, reply, seen
    server.stop(None).wait()


def test_several_outputs_metadata_and_deadline(answering):
    port, reply, seen = answering
    for name, value in (("b:0", 2.0), ("a:0", 1.0)):
        reply.outputs[name].dtype = proto.DT_FLOAT
        reply.outputs[name].tensor_shape.dim.add(size=1)
        reply.outputs[name].float_val.append(value)
    with PredictionClient("127.0.0.1", port) as client:
        assert client.score_image(b"x", "in", ["b:0", "a:0"]) == [2.0, 1.0]
        assert client.score_image(b"x", "in", timeout=3) == [1.0, 2.0]
    assert seen[0][1]["x-ms-aml-grpc-service-route"] == "/api/v1/service/"
    assert seen[1][2] == pytest.approx(3, abs=1)


def test_damaged_tensor_is_an_operator_error(answering):
    port, reply, _ = answering
    reply.outputs["a:0"].dtype = proto.DT_FLOAT
    reply.outputs["a:0"].tensor_shape.dim.add(size=4)
    reply.outputs["a:0"].tensor_content = b"123"
    with PredictionClient("127.0.0.1", port) as client, pytest.raises(OperatorError, match="damaged"):
        client.score_image(b"x", "in")


def test_cpu_host_over_http(start_host):
    port = start_host("services.lab.device.cpu_host")
    with HttpScorer("127.0.0.1", port) as scorer:
        assert scorer.healthy() == "Healthy"
        assert scorer.score((ASSETS / "coffee.jpg").read_bytes(), "application/octet-stream", 30)[0]["label"] == "espresso"
        with pytest.raises(OperatorError):
            scorer.score(b"no picture", "application/octet-stream")
    with PredictionClient("127.0.0.1", port, attempts=1) as client, pytest.raises(OperatorError):
        client.score_image(b"x", INPUT)
    with HttpScorer("127.0.0.1", 1) as nobody, pytest.raises(OperatorError):
        nobody.healthy()
