"""Score a picture on a host module: top labels, and how long it takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from services.contexts.model import Context
from services.errors import OperatorError, UsageError
from services.hub.client import Hub
from services.names import did_you_mean
from services.operations.host import HostEndpoint, host_endpoint, hosts, reach, seen_from_here
from services.records import DeviceState
from services.text import one_line


@dataclass(frozen=True, slots=True)
class Label:
    """A class and its confidence, 0 to 1."""

    name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Score:
    """What a host says of one picture. ``milliseconds`` is each repeat's time; ``raw`` an answer that is no classification."""

    file: str
    host: str
    labels: tuple[Label, ...]
    milliseconds: tuple[float, ...]
    raw: str = ""

    @property
    def p50(self) -> float:
        """The median, ms."""
        return statistics.median(self.milliseconds)

    @property
    def p95(self) -> float:
        """The 95th percentile by nearest rank, ms."""
        ordered = sorted(self.milliseconds)
        return ordered[max(-(-len(ordered) * 95 // 100) - 1, 0)]


def sample() -> Path:
    """Return a shipped picture."""
    return Path(str(files("services.client") / "assets" / "cat.jpg"))


def find_host(context: Context, hub: Hub, device: str = "", module: str = "", address: str = "") -> HostEndpoint:
    """Return the host to score on: ``module``, else the only one that publishes a scoring port."""
    device = device or context.device
    if not device:
        raise UsageError("No device is named.", remedy="Give --device, or set one in the context.", code="usage.device")
    address_and_ports = (address, None) if address else seen_from_here(context, device)
    return choose_host(hub.device_state(device), module, *address_and_ports)


def choose_host(state: DeviceState, module: str, address: str, ports: Mapping[int, int] | None = None) -> HostEndpoint:
    """Choose the host as ``find_host`` does, over a state that is known."""
    device = state.device.id
    if not module:
        names = [host.name for host in hosts(state)]
        if len(names) != 1:
            raise OperatorError(
                f"{device} has {len(names) or 'no'} host modules that could score.",
                cause=f"There are: {', '.join(names)}." if names else "No module that is to run publishes port 50051, 80 or 443.",
                remedy="Name one with --module." if names else "Deploy a host module first.",
                code="score.host",
            )
        module = names[0]
    endpoint = host_endpoint(state, module, address, ports)
    if endpoint is None:
        is_present = state.module(module) is not None
        near = "" if is_present else did_you_mean(module, [host.name for host in state.modules])
        raise OperatorError(
            f"{module} cannot be asked." if is_present else f"{device} has no module {one_line(module, 80)}.",
            cause="Its create options publish no port."
            if is_present
            else f"It has: {', '.join(host.name for host in state.modules)}.",
            remedy=f"{near}Name the host module, with a HostPort in its create options.",
            code="score.host",
        )
    if not endpoint.address:
        raise OperatorError(
            "It is not known where the device's compute network is reached from here.",
            cause="The context has no device_address.",
            remedy="Set device_address in the context to the IP of the device's compute network, or give the verb an --address.",
            code="score.address",
        )
    return endpoint


# What tf.image.decode_image reads, by its first bytes.
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM")


class Scorer:
    """Scores pictures on one host; a context manager. Use it from one thread."""

    def __init__(self, endpoint: HostEndpoint, timeout: float = 10.0) -> None:
        self.endpoint = endpoint
        self.timeout = timeout
        self._client: Any = None
        self._score: Callable[[bytes], Any] = self._unopened

    def __enter__(self) -> Scorer:
        unreachable = reach(self.endpoint, 5.0)
        if unreachable is not None:
            raise unreachable.error or OperatorError(
                f"{self.endpoint.module} is {unreachable.detail}.",
                cause="This machine is not on the device's compute network, or a firewall sits in between.",
                remedy="Score from a machine on that network, or correct device_address in the context.",
                code="score.unreachable",
            )
        if self.endpoint.kind == "http":
            from services.inference.http import HttpScorer

            scorer = HttpScorer(self.endpoint.address, self.endpoint.port, use_ssl=self.endpoint.tls)
            self._client = scorer
            self._score = lambda data: scorer.score(data, "application/octet-stream", self.timeout)
        else:
            from services.inference.client import PredictionClient

            client = PredictionClient(self.endpoint.address, self.endpoint.port, attempts=1)
            outputs: str | list[str] | None = (
                self.endpoint.outputs[0] if len(self.endpoint.outputs) == 1 else list(self.endpoint.outputs)
            )
            self._client = client
            self._score = lambda data: client.score_image(data, self.endpoint.input, outputs or None, self.timeout)
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    def _unopened(self, data: bytes) -> Any:
        raise AssertionError("a Scorer is used inside `with`")

    def score(self, path: str | Path, repeats: int = 1) -> Score:
        """Score the picture in a file ``repeats`` times, one attempt each; raises OperatorError where file or host fails."""
        path = Path(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise OperatorError(
                f"{one_line(path, 200)} cannot be read.",
                cause=f"{error.strerror}.",
                remedy="Name a picture (JPEG, PNG, GIF or BMP).",
                code="score.file",
            ) from None
        if self.endpoint.kind == "grpc" and not data.startswith(_PICTURES):
            raise OperatorError(
                f"{one_line(path, 200)} is no picture.",
                cause="An accelerated model's host decodes JPEG, PNG, GIF and BMP; this file is none. It was not sent.",
                remedy="Name a picture (JPEG, PNG, GIF or BMP).",
                code="score.file",
            )
        times: list[float] = []
        answer: Any = None
        for _ in range(max(repeats, 1)):
            start = time.perf_counter()
            answer = self._score(data)
            times.append((time.perf_counter() - start) * 1000)
        labels = top(answer)
        return Score(one_line(path, 400), self.endpoint.module, labels, tuple(times), "" if labels else one_line(answer, 2000))


def top(answer: Any, count: int = 5) -> tuple[Label, ...]:
    """Return the best ``count`` of an answer that is a list of probabilities, or of labels with theirs; empty for anything else."""
    named = _labels(answer) or _named(answer)
    if named is None:
        values = _numbers(answer)
        if values is None or len(values) < 2:
            return ()
        names = class_names()
        # The original networks have a background class before ImageNet's thousand.
        shift = len(values) - len(names) if len(values) - len(names) in (0, 1) else None
        named = [
            (names[i - shift] if shift is not None and i >= shift else f"class {i}", value) for i, value in enumerate(values)
        ]
    best = sorted(named, key=lambda pair: -pair[1])[:count]
    return tuple(Label(one_line(name, 120), float(value)) for name, value in best)


def _labels(answer: Any) -> list[tuple[str, float]] | None:
    """Return what SSD-VGG sees: its answer is a list of arrays, half of them of 21 classes an anchor."""
    from services.client.detection import CLASSES, detect_classes

    if not isinstance(answer, list) or not all(hasattr(output, "shape") for output in answer):
        return None
    heads = [(output.shape, output.ravel().tolist()) for output in answer]
    return list(detect_classes(heads).items()) if any(shape[-1:] == (len(CLASSES),) for shape, _ in heads) else None


def _numbers(answer: Any) -> list[float] | None:
    if isinstance(answer, dict):
        lists = [numbers for value in answer.values() if (numbers := _numbers(value)) is not None]
        return lists[0] if len(lists) == 1 else None
    values = answer.tolist() if hasattr(answer, "tolist") else answer
    while isinstance(values, list) and len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    if (
        isinstance(values, list)
        and values
        and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    ):
        return [float(value) for value in values]
    return None


def _named(answer: Any) -> list[tuple[str, float]] | None:
    """Return the answers of scoring scripts as (label, confidence).

    Their forms: ``{"label": 0.9}``, ``[{"label": …, "confidence": …}]``, ``[["label", 0.9]]``, perhaps under one key.
    """
    if isinstance(answer, dict):
        if answer and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in answer.values()):
            return [(str(name), float(value)) for name, value in answer.items()]
        inner = [
            value_by_name for value in answer.values() if isinstance(value, (list, dict)) and (value_by_name := _named(value))
        ]
        return inner[0] if len(inner) == 1 else _pairs([answer])
    return _pairs(answer) if isinstance(answer, list) else None


def _pairs(rows: Iterable[Any]) -> list[tuple[str, float]] | None:
    pairs = []
    for row in rows:
        if isinstance(row, dict):
            name = next((row[key] for key in ("label", "class", "name", "category") if isinstance(row.get(key), str)), None)
            value = next(
                (row[key] for key in ("confidence", "probability", "score", "value") if isinstance(row.get(key), (int, float))),
                None,
            )
        elif isinstance(row, list) and len(row) == 2:
            name, value = row
        else:
            return None
        if not isinstance(name, str) or not isinstance(value, (int, float)):
            return None
        pairs.append((name, float(value)))
    return pairs or None


@lru_cache(maxsize=1)
def class_names() -> tuple[str, ...]:
    """Return ImageNet's thousand classes, as the client ships them."""
    return tuple(files("services.client").joinpath("class_names.txt").read_text("utf-8").splitlines())
