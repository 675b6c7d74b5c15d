"""The one reader of evidence: cases of ``tests/cases/azure`` and files of ``doctor --capture``, given to the product's own rules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from services.deployment.manifest.validate import validate
from services.diagnosis import diagnose, diagnose_state, findings
from services.diagnosis.liveness import judge as judge_liveness
from services.errors import OperatorError
from services.hub.client import AGENT, EDGE_HUB
from services.hub.errors import reply_error
from services.hub.field_readers import mapping
from services.hub.identities import connections_of
from services.hub.twin import device_of, edge_hub_of, state_of
from services.records import Evidence, LifeSigns, Ping

CASES = Path(__file__).parent / "cases" / "azure"
READ_AT = datetime(2021, 6, 12, 0, 30, tzinfo=timezone.utc)  # minutes after the cases' own times
_IDENTITY = {"deviceId": "computevm", "connectionState": "Disconnected", "status": "enabled", "capabilities": {"iotEdge": True}}


@dataclass
class Replies:
    """What the hub answered about one device, besides its agent's twin; all but the time may be missing."""

    at: datetime
    identity: Mapping[str, Any] = field(default_factory=lambda: _IDENTITY)
    modules: Any = None
    edge_hub: Mapping[str, Any] | None = None
    pinged: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules make of one reply: the states that they name, and their words."""

    about: str  # the request, or the payload's kind
    states: tuple[str, ...]
    words: str = ""
    liveness: str = ""  # of a device: alive, offline, unknown


def read_cases(path: Path) -> list[dict[str, Any]]:
    """Return the cases of a file: one, or a list of them."""
    tree = json.loads(path.read_text(encoding="utf-8"))
    return tree if isinstance(tree, list) else [tree]


def judge(case: Mapping[str, Any]) -> list[Judgement]:
    """Return what the product's rules say of each reply of a case; empty where the case is a note, not a reply."""
    payload = case["payload"]
    if "exchanges" in payload:
        return list(_captured(payload["exchanges"], datetime.fromisoformat(case["at"])))
    if "GET /devices/{id}" in payload:
        connections = payload["GET /devices/{id}/modules (connectionState)"]
        rows = [{"moduleId": name, "connectionState": value} for name, value in connections.items()]
        device = Replies(READ_AT, payload["GET /devices/{id}"], rows)
        return [_twin("twin", device, payload["GET /twins/{id}/modules/$edgeAgent"])]
    if "modulesContent" in payload:
        problems = validate(payload)
        return [Judgement("manifest", tuple(problem.severity for problem in problems), "; ".join(map(str, problems)))]
    return [judgement for judgement in (_by_form(payload),) if judgement]


def _by_form(payload: Mapping[str, Any]) -> Judgement | None:
    if "properties" in payload:
        return _twin("twin", Replies(READ_AT), payload)
    if "body" in payload:
        return _error("reply", reply_error(payload["status"], payload["body"]))
    if "condition" in payload:
        return _evidence("condition", Evidence("amqp", code=payload["condition"], text=payload["description"]))
    if "details" in payload:
        return _evidence("grpc", Evidence("grpc", code=payload["code"], text=payload["details"]))
    if "method" in payload:
        return _method("method", payload["method"], payload["method_status"], payload["method_payload"])
    if "description" in payload:
        return _evidence("agent", Evidence("agent", status=payload["code"], text=payload["description"]))
    return None


def _captured(exchanges: list[Mapping[str, Any]], at: datetime) -> Iterator[Judgement]:
    """Judge the replies of a capture; of those that are well only the agent's twin has something to say."""
    devices: dict[str, Replies] = {}
    for exchange in exchanges:
        if exchange["source"] == "hub" and exchange["status"] < 400:
            _learn(devices, exchange, at)
    for exchange in exchanges:
        source, request, status, body = exchange["source"], exchange["request"], exchange.get("status"), exchange["body"]
        if source == "amqp":
            yield _evidence(request, Evidence("amqp", code=body["condition"], text=body["description"]))
        elif source == "hub" and status >= 400:
            yield _error(request, reply_error(status, body if isinstance(body, str) else json.dumps(body)))
        elif source in ("registry", "workspace") and status >= 400 and status != 401:  # 401 is how a registry asks for a token
            yield _evidence(request, Evidence(source, status=status, text=str(body)))
        elif source == "hub" and request.endswith("/methods"):
            yield _method(request, exchange["sent"]["methodName"], body.get("status"), body.get("payload"))
        elif source == "hub" and _place(request)[::2] == ["twins", "modules"] and request.endswith(AGENT):
            yield _twin(request, devices.get(body["deviceId"], Replies(at)), body)


def _place(request: str) -> list[str]:
    """``GET /twins/edge-1/modules/$edgeAgent`` as its parts."""
    return request.partition(" /")[2].split("/")


def _learn(devices: dict[str, Replies], exchange: Mapping[str, Any], at: datetime) -> None:
    """Keep what a reply says of its device."""
    place, body = _place(exchange["request"]), exchange["body"]
    if place == ["devices"]:
        for row in body:
            devices.setdefault(row["deviceId"], Replies(at)).identity = row
    elif len(place) > 1:
        device = devices.setdefault(place[1], Replies(at))
        if place[0] == "devices" and len(place) == 2:
            device.identity = body
        elif place[0] == "devices" and place[2:] == ["modules"]:
            device.modules = body
        elif place[2:] == ["modules", EDGE_HUB]:
            device.edge_hub = body
        elif place[-1] == "methods" and exchange["sent"]["methodName"] == "ping":
            device.pinged = True


def _twin(about: str, replies: Replies, twin: Mapping[str, Any]) -> Judgement:
    device = device_of(replies.identity)
    assert device is not None, "an identity has a deviceId"
    state = state_of(device, twin, replies.at)
    edge_hub = edge_hub_of(replies.edge_hub, replies.at) if replies.edge_hub is not None else None
    signs = LifeSigns(
        device=device,
        connections=connections_of(replies.modules) if replies.modules is not None else None,
        connections_at=replies.at,
        ping=Ping(replies.at) if replies.pinged else None,
        clients=edge_hub.clients if edge_hub else {},
        clients_at=edge_hub.reported_at if edge_hub else None,
        reported_at=state.reported_at,
    )
    state = replace(state, liveness=judge_liveness(signs, replies.at), edge_hub=edge_hub)
    whole = diagnose_state(state)[""]
    wrong = [finding for finding in findings(state) if finding.severity != "ok"]
    states = (whole.state, *(finding.state for finding in wrong))
    return Judgement(about, states, "; ".join(finding.reason for finding in wrong), state.liveness.word)


def _error(about: str, error: OperatorError) -> Judgement:
    return Judgement(about, (error.code.rpartition(".")[2],), f"{error.what} {error.cause}")


def _evidence(about: str, evidence: Evidence) -> Judgement:
    found = diagnose(evidence)
    return Judgement(about, tuple(finding.state for finding in found), "; ".join(finding.reason for finding in found))


def _method(about: str, method: str, status: int | None, payload: Any) -> Judgement:
    if status is not None and 200 <= status < 300:
        return Judgement(about, ("ok",))
    message = mapping(payload).get("message") or json.dumps(payload)
    return _evidence(about, Evidence("agent", status=status, code=method, text=f"{method}: {message}"))
