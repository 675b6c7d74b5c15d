"""Asks the host module about one picture, the way azureml.accel.PredictionClient does.

10 s a call, five calls, 1 + 2 + 4 + 8 s between.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

import grpc

from services.inference import descriptors as proto

_DEADLINE = 10.0
_ATTEMPTS = 5
_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
_log = logging.getLogger("client")
Output = tuple[tuple[int, ...], list[float]]  # shape, and the values flat


class WrongTensorNames(Exception):
    """The host knows no such input tensor, or returned no such output tensor."""


class Flashing(Exception):
    """The host answers UNAVAILABLE."""


class Scorer:
    """Scores pictures on the host at ``address:port``.

    ``output_names`` is one name, or several with commas between; ``stop`` ends the wait between two attempts.
    """

    def __init__(self, address: str, port: int, input_name: str, output_names: str, stop: threading.Event) -> None:
        self._target = f"{address}:{port}"
        self._input, self._stop = input_name, stop
        self._outputs = [name.strip() for name in output_names.split(",")]
        self._channel: Any = None
        self._predict: Any = None

    def close(self) -> None:
        """Close the connection."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def score(self, data: bytes) -> list[Output]:
        """Return the output tensors of one encoded picture, in the order they were named.

        Raises Flashing, WrongTensorNames, grpc.RpcError or ValueError.
        """
        request = proto.picture_request(self._input, data)
        wait = 1.0
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                response = self._connected()(request, _DEADLINE)
                break
            except grpc.RpcError as error:
                status, details = error.code(), error.details() or ""
                if status is grpc.StatusCode.INVALID_ARGUMENT or "Object reference not set" in details:
                    if "tensor alias not found" in details or "Object reference not set" in details:
                        raise WrongTensorNames(details) from error
                    raise
                if attempt == _ATTEMPTS or self._stop.wait(wait):
                    if status is grpc.StatusCode.UNAVAILABLE:
                        raise Flashing(details) from error
                    raise
                _log.info("attempt %d of %d: %s %s", attempt, _ATTEMPTS, status.name, details)
                wait *= 2
                self.close()  # a new connection, so that gRPC's own back-off does not stand in the way
        if missing := [name for name in self._outputs if name not in response.outputs]:
            raise WrongTensorNames(f"the host returned {', '.join(sorted(response.outputs)) or 'nothing'}, not {missing[0]}")
        tensors = [response.outputs[name] for name in self._outputs]
        return [(proto.shape_of(tensor), proto.floats(tensor)) for tensor in tensors]

    def _connected(self) -> Any:
        if self._channel is None:
            self._channel = grpc.insecure_channel(self._target, _OPTIONS)
            self._predict = self._channel.unary_unary(
                proto.PREDICT,
                request_serializer=proto.PredictRequest.SerializeToString,
                response_deserializer=proto.PredictResponse.FromString,
            )
        return self._predict
