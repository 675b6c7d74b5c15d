"""The one reader of evidence: cases of ``tests/cases/azure`` and files of ``doctor --capture``, given to the product's own rules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from services.deployment.validate import validate
from services.diagnosis import diagnose, diagnose_state, findings
from services.errors import OperatorError
from services.hub.client import AGENT
from services.hub.errors import reply_error
from services.hub.tolerant import mapping
from services.hub.twin import device_of, state_of
from services.records import Evidence

CASES = Path(__file__).parent / "cases" / "azure"
READ_AT = datetime(2021, 6, 12, 0, 30, tzinfo=timezone.utc)  # minutes after the cases' own times
_IDENTITY = {"deviceId": "computevm", "connectionState": "Disconnected", "status": "enabled", "capabilities": {"iotEdge": True}}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules make of one reply: the states that they name, and their words."""

    about: str  # the request, or the payload's kind
    states: tuple[str, ...]
    words: str = ""


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
        return [_twin("twin", payload["GET /devices/{id}"], payload["GET /twins/{id}/modules/$edgeAgent"], READ_AT)]
    if "modulesContent" in payload:
        problems = validate(payload)
        return [Judgement("manifest", tuple(problem.severity for problem in problems), "; ".join(map(str, problems)))]
    return [judgement for judgement in (_by_form(payload),) if judgement]


def _by_form(payload: Mapping[str, Any]) -> Judgement | None:
    if "properties" in payload:
        return _twin("twin", _IDENTITY, payload, READ_AT)
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


def _captured(exchanges: list[Mapping[str, Any]], read_at: datetime) -> Iterator[Judgement]:
    """Judge the replies of a capture; of those that are well only the agent's twin has something to say."""
    identities = {
        row["deviceId"]: row
        for exchange in exchanges
        if exchange["source"] == "hub" and exchange["request"].startswith("GET /devices")
        for row in (exchange["body"] if isinstance(exchange["body"], list) else [exchange["body"]])
        if isinstance(row, dict) and "deviceId" in row and "moduleId" not in row
    }
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
        elif source == "hub" and request.startswith("GET /twins/") and request.endswith(f"/modules/{AGENT}"):
            device = body["deviceId"]
            yield _twin(request, identities.get(device, {**_IDENTITY, "deviceId": device}), body, read_at)


def _twin(about: str, identity: Mapping[str, Any], twin: Mapping[str, Any], read_at: datetime) -> Judgement:
    device = device_of(identity)
    assert device is not None, "an identity has a deviceId"
    state = state_of(device, twin, read_at)
    whole = diagnose_state(state)[""]
    wrong = [finding for finding in findings(state) if finding.severity != "ok"]
    return Judgement(about, (whole.state, *(finding.state for finding in wrong)), "; ".join(finding.reason for finding in wrong))


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
