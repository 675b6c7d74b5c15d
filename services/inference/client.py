"""Score pictures on an accelerated host as azureml.accel.PredictionClient does, over grpcio alone, with what is broken there mended.

Mended (docs/facts/azure-ml.md): several outputs, tensors that are no strings, names that the host does not return, deadlines, prints;
and ``close`` ends a wait between attempts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from services.errors import OperatorError
from services.inference import descriptors as proto
from services.inference import tensors
from services.inference.failures import explain_rpc, missing_output
from services.inference.layout import Layout, layout_of

Outputs = str | Sequence[str] | None
# The largest picture and its tensor are some megabytes; without a limit a reply takes whatever memory there is.
_MAX_REPLY_BYTES = 64 * 1024 * 1024
_METADATA = (
    ("authorization", "Bearer "),
    ("x-ms-aml-grpc-service-route", "/api/v1/service/"),
)  # the original's, without a service
_IDLE = 120.0  # seconds after which a channel is made anew, as in the original
_OPTIONS = (("grpc.max_receive_message_length", _MAX_REPLY_BYTES), ("grpc.max_send_message_length", -1))
# What another attempt does not change; the host's words for wrong tensor names come with a status that nobody has published
# (docs/facts/sample-client.md).
_FINAL = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.UNAUTHENTICATED)
_WRONG_NAMES = "Object reference not set to an instance of an object"


class PredictionClient:
    """A scoring client; use it from any thread, close it at the end (or use it as a context manager).

    An accelerated host on a device listens on port 50051, without TLS. ``attempts`` and ``first_wait``: an attempt that fails is made
    again after 1, 2, 4, 8 s, except for what is final (a request that the host refuses). Failures are OperatorErrors whose
    ``__cause__`` is the grpc.RpcError.
    """

    def __init__(self, address: str, port: int, *, attempts: int = 5, first_wait: float = 1.0) -> None:
        host = f"[{address}]" if address.count(":") > 1 and not address.startswith("[") else address
        self.target = f"{host}:{port}"
        self._attempts = attempts
        self._first_wait = first_wait
        # gRPC's own attempts cost every call, and are of use only where we make no further ones.
        self._options = (*_OPTIONS, ("grpc.enable_retries", int(attempts == 1)))
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._call: Any = None
        self._usable_until = 0.0
        self._layouts: dict[str, Layout] = {}  # by the one output that was asked for; "" is the only one

    def __enter__(self) -> PredictionClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; a call that is waiting for its next attempt fails at once."""
        self._closed.set()
        self._drop()

    def score_image(self, data: bytes, input_name: str = "images", outputs: Outputs = None, timeout: float = 10.0) -> Any:
        """Score one encoded picture. Results without their batch dimension: an array for one output, a list for several.

        ``outputs`` is a name, several names, or None for all that the host returns. ``timeout`` is seconds per attempt.
        """
        result = self._predict(proto.picture_bytes(input_name, data), outputs, timeout)
        return result[0] if not isinstance(result, list) else [array[0] for array in result]

    def _predict(self, request: bytes, outputs: Outputs, timeout: float) -> Any:
        answer = self._respond(request, timeout)
        single = outputs if isinstance(outputs, str) else "" if not outputs else None
        if single is not None and (layout := self._layouts.get(single)) and (array := layout.read(answer)) is not None:
            return array
        try:
            tensors_by_name = proto.PredictResponse.FromString(answer).outputs
            names = [single] if single else list(outputs or sorted(tensors_by_name))
            for name in names:
                if name not in tensors_by_name:
                    raise missing_output(name, sorted(tensors_by_name), self.target)
            arrays = [tensors.to_array(tensors_by_name[name]) for name in names]
        except (DecodeError, ValueError) as error:
            raise OperatorError(
                f"The host at {self.target} sent a tensor that is damaged.",
                cause=str(error),
                remedy="Check the model in the host's image.",
                code="grpc.tensor",
            ) from error
        if len(arrays) != 1 or single is None:
            return arrays
        if (layout := layout_of(answer, arrays[0])) is not None:
            self._layouts[single] = layout
        return arrays[0]

    def _respond(self, request: bytes, timeout: float) -> Any:
        wait = self._first_wait
        for attempt in range(1, self._attempts + 1):
            if self._closed.is_set():
                break
            try:
                return self._connected()(request, timeout, metadata=_METADATA)
            except grpc.RpcError as error:
                status = error.code()
                if status in _FINAL or _WRONG_NAMES in (error.details() or ""):
                    raise explain_rpc(error, self.target, timeout) from error
                if attempt == self._attempts or self._closed.wait(wait):
                    raise explain_rpc(error, self.target, timeout) from error
                wait *= 2
                self._drop()
            except ValueError as error:  # grpc's word for a channel that close() has taken away meanwhile
                if not self._closed.is_set():
                    raise
                raise _closed(self.target) from error
        raise _closed(self.target)

    def _connected(self) -> Any:
        now, call = time.monotonic(), self._call
        if call is not None and now < self._usable_until:
            self._usable_until = now + _IDLE
            return call
        with self._lock:
            if self._channel is None or now > self._usable_until:
                if self._channel is not None:
                    self._channel.close()
                self._channel = grpc.insecure_channel(self.target, self._options)
                self._call = self._channel.unary_unary(proto.PREDICT)  # bytes to bytes
            self._usable_until = now + _IDLE
            return self._call

    def _drop(self) -> None:
        with self._lock:
            if self._channel is not None:
                self._channel.close()
            self._channel = self._call = None


def _closed(target: str) -> OperatorError:
    return OperatorError(
        f"Scoring on {target} was stopped.",
        cause="The client was closed meanwhile.",
        remedy="Score again.",
        code="grpc.cancelled",
    )
