"""The replies in tests/cases/azure of hub, endpoint, host and engine, and what was read rightly before: each names its state."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from case_reader import judge, read_cases

from services.diagnosis import diagnose, findings
from services.hub.errors import reply_error
from services.hub.twin import state_of
from services.records import Device, Evidence

CASES = Path(__file__).parent.parent / "cases" / "azure"
STATES = {
    "05": "agent-desired-locked",
    "07": "tensor-names",
    "11a": "hub-remade",
    "13a": "throttled",
    "13b": "device-disabled",
    "13e": "hub-trouble",
    "14a": "role-missing",
    "14b": "unauthorized",
    "14c": "string-too-big",
    "15a": "port-taken",
    "15d": "container-gone",
}


def read(payload: dict[str, Any]) -> tuple[str, str]:
    """What is made of a case's payload: its worst state, and everything that is said."""
    if "body" in payload:
        error = reply_error(payload["status"], payload["body"])
        return error.code.rpartition(".")[2], str(error)
    if "condition" in payload:
        one = diagnose(Evidence("amqp", code=payload["condition"], text=payload["description"]))[0]
    elif "details" in payload:
        one = diagnose(Evidence("grpc", code="UNKNOWN", text=payload["details"]))[0]
    else:
        module = {"type": "docker", "status": "running", "settings": {"image": payload.get("image") or "r.azurecr.io/x:1"}}
        status = {"code": payload["code"], "description": payload["description"]}
        twin = {
            "properties": {
                "desired": {"$version": 3, "modules": {"m1": module}},
                "reported": {"lastDesiredVersion": 3, "lastDesiredStatus": status, "modules": {}},
            }
        }
        every = findings(state_of(Device("d", True), twin, datetime(2021, 6, 12, tzinfo=timezone.utc)))
        one = next((finding for finding in every if finding.state != "not-created"), every[0])
    return one.state, f"{one.severity} {one.reason} {one.cause} {one.remedy}"


@pytest.mark.parametrize("prefix", STATES)
def test_the_case(prefix):
    payload = json.loads(next(CASES.glob(f"{prefix}-*.json")).read_text("utf-8"))["payload"]
    assert read(payload)[0] == STATES[prefix]


FIELD = [case for path in sorted((CASES.parent / "field").glob("*/cases.json")) for case in read_cases(path)]


@pytest.mark.parametrize("case", FIELD, ids=[case["right"] for case in FIELD])
def test_a_situation_of_the_field_and_its_neighbours(case):
    assert case["source"]
    assert [judgement.states for judgement in judge(case)] == [(case["right"],)]


RIGHT = json.loads((CASES / "read-rightly.json").read_text("utf-8"))


@pytest.mark.parametrize("entry", RIGHT, ids=[str(number) for number in range(len(RIGHT))])
def test_what_was_read_rightly_still_is(entry):
    before = entry["product"]  # of an agent "error STATE module: …" in a list, of a hub "hub.STATE | …", else "STATE severity: …"
    words = before["findings"][0].split()[1] if isinstance(before, dict) else before.split()[0]
    assert read(entry["payload"])[0] == words.rpartition(".")[2]
