"""A scoring host that misbehaves, over HTTP and over gRPC."""

from collections.abc import Callable, Iterator
from concurrent import futures

import grpc
import pytest
from replies.misbehaving import MISBEHAVIOURS, Server, json_reply, reply

from services.errors import OperatorError
from services.inference import client as prediction
from services.inference.client import PredictionClient
from services.inference.http import HttpScorer
from services.replies.bounds import Bounds

# Of a scoring script any JSON is an answer, and a plain text.
ANSWERS = {"text", "number", "null", "string", "list of numbers", "NaN", "huge number"}


@pytest.fixture
def scorer(server: Server) -> Iterator[HttpScorer]:
    with HttpScorer(
        server.address, server.port, use_ssl=True, ca_file=server.ca_file, bounds=Bounds(1_000_000, seconds=0.5)
    ) as it:
        yield it


@pytest.mark.parametrize("name", [name for name in MISBEHAVIOURS if name not in ANSWERS])
def test_no_score_is_read_from_a_reply_that_is_none(scorer: HttpScorer, server: Server, error_of: Callable, name: str):
    server.behave = MISBEHAVIOURS[name]
    error = error_of(lambda: scorer.score(b"x", "application/octet-stream", timeout=1.0))
    assert error.code.startswith(("http.", "network.")), error.code


def test_what_is_an_answer(scorer: HttpScorer, server: Server):
    for body, value in (([1], [1]), ("[1]", [1]), ("cat", "cat"), ({"a": 1}, {"a": 1})):
        server.behave = json_reply(body)
        assert scorer.score(b"x", "application/octet-stream") == value
    server.behave = reply(200, "tabby cat")
    assert scorer.score(b"x", "application/octet-stream") == "tabby cat"


def test_no_key_goes_in_the_clear(serve: Callable[..., Server], error_of: Callable):
    plain = serve("127.0.0.73", False)
    plain.behave = json_reply([1])
    with HttpScorer(plain.address, plain.port, key="CANARYKEY") as scorer:
        assert error_of(lambda: scorer.score(b"x", "application/octet-stream")).code == "http.reply"
    assert plain.requests == []


def test_a_reply_of_grpc_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prediction, "_OPTIONS", (("grpc.max_receive_message_length", 100_000),))
    server = grpc.server(futures.ThreadPoolExecutor(1))
    handler = grpc.unary_unary_rpc_method_handler(lambda request, context: b"x" * 1_000_000)
    service = grpc.method_handlers_generic_handler("tensorflow.serving.PredictionService", {"Predict": handler})
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with PredictionClient("127.0.0.1", port, attempts=1) as client, pytest.raises(OperatorError) as caught:
            client.score_image(b"x")
        assert caught.value.remedy
    finally:
        server.stop(None).wait()
