"""The agent's reports in tests/cases/azure and their neighbours: what is said of the device, and what the rollout does."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.diagnosis import diagnose_state, findings
from services.hub.twin import edge_hub_of, state_of
from services.operations.rollout_steps import Known, Watch, failed, rollout_steps
from services.records import Device, DeviceState, Finding

CASES = Path(__file__).parent.parent / "cases" / "azure"
NOW = datetime(2021, 6, 12, 0, 30, tzinfo=timezone.utc)
STARTED = datetime(2021, 6, 12, 0, 20, tzinfo=timezone.utc)


def case(prefix: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(next(CASES.glob(f"{prefix}*.json")).read_text("utf-8"))["payload"]
    return payload


def state(twin: Any, now: datetime = NOW) -> DeviceState:
    return state_of(Device("computevm", connected=True), twin, now)


def of_the_device(twin: Any, now: datetime = NOW) -> Finding:
    return diagnose_state(state(twin, now))[""]


def rollout(twin: Any, version: int | None = 12, now: datetime = NOW, modules: tuple[str, ...] = ("m1",)):
    return rollout_steps(Watch("computevm", modules, version, STARTED), Known(now, state(twin, now)))


def reporting(code: int, text: str, last: int = 11, said: str = "2021-06-12T00:28:00Z", base: str = "02a") -> dict[str, Any]:
    """The twin of a case with another last status, which the hub took at the time ``said``."""
    twin = case(base)
    reported = twin["properties"]["reported"]
    reported |= {"lastDesiredStatus": {"code": code, "description": text}, "lastDesiredVersion": last}
    reported["$metadata"]["lastDesiredStatus"] = {"$lastUpdated": said}
    return twin


FORMAT = "Agent configuration format is invalid."
SCHEMA = "The desired properties schema version 1.2 is not compatible with the expected version 1.1.0"
BEFORE = "2021-06-12T00:19:59Z"


@pytest.mark.parametrize("last", [11, 12], ids=["version kept", "version moved"])
@pytest.mark.parametrize(("code", "text", "name"), [(400, FORMAT, "bad-configuration"), (412, SCHEMA, "schema-refused")])
def test_a_refusal_is_named_at_once_whichever_version_comes_with_it(code, text, name, last):
    stopped = failed(rollout(reporting(code, text, last)))
    assert stopped is not None and stopped.finding is not None
    assert (stopped.name, stopped.finding.state) == ("agent", name)


def test_a_refusal_without_a_time_of_its_own_goes_by_that_of_the_report():
    assert failed(rollout(case("02a"))) is not None
    assert of_the_device(case("02a")).state == "bad-configuration"


def test_a_refusal_of_the_deployment_before_is_not_held_against_this_one():
    twin = reporting(400, FORMAT, said=BEFORE)
    assert failed(rollout(twin)) is None
    step = next(step for step in rollout(twin) if step.state == "running")
    assert step.finding is not None and step.finding.state == "refused-before"
    assert "400 Agent configuration format is invalid." in step.finding.cause


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("The request was canceled due to the configured HttpClient.Timeout of 300 seconds elapsing.", "300 seconds"),
        ("One or more errors occurred. (… HttpClient.Timeout of 1800 seconds elapsing.)", "1800 seconds"),
        ("One or more errors occurred. (The operation was canceled.)", "its own time limit"),
        ("Operation timed out", "its own time limit"),
    ],
)
def test_a_pull_that_outlasts_the_agent_is_waited_for(text, limit):
    twin = reporting(500, text, last=12, base="03")
    assert of_the_device(twin).state == "slow-pull" and limit in of_the_device(twin).cause
    assert failed(rollout(twin)) is None


def test_406_without_a_word_is_a_step_that_waits():
    twin = case("04")
    assert of_the_device(twin).state == "step-waits"
    assert failed(rollout(twin)) is None
    for section in ("modules", "systemModules"):
        for module in twin["properties"]["reported"][section].values():
            module["runtimeStatus"] = "unknown"
    assert of_the_device(twin).state == "agent-stopped"


def test_406_with_other_words_is_shown_as_it_is_while_modules_run():
    twin = reporting(406, "Der Agent macht etwas anderes.", base="04")
    named = of_the_device(twin)
    assert named.state == "unknown" and "Der Agent" in named.cause


def test_the_long_first_pass_is_neither_silence_nor_a_fault():
    step = next(step for step in rollout(case("12a")) if step.state == "running")
    assert step.name == "agent" and "pulling m1" in step.detail and "reports when that has ended" in step.detail
    early = of_the_device(case("12a"))
    assert (early.severity, early.word) == ("info", "pulling") and "pulling m1" in early.reason
    module = diagnose_state(state(case("12a")))["m1"]
    assert (module.severity, module.word) == ("info", "pulling")
    assert of_the_device(case("12a"), NOW.replace(minute=50)).severity == "warning"


def test_an_agent_that_cannot_list_its_modules_says_nothing_of_them():
    twin = reporting(500, "Error calling List modules: The operation was canceled.")
    unknown = {"type": "unknown", "imagePullPolicy": "on-create"}
    twin["properties"]["reported"] |= {"systemModules": {"edgeAgent": unknown, "edgeHub": unknown}, "modules": {}}
    named = diagnose_state(state(twin))
    assert (named[""].state, named["m1"].state) == ("modules-unlisted", "state-unknown")
    stopped = failed(rollout(twin))
    assert stopped is not None and stopped.finding is not None and stopped.finding.state == "modules-unlisted"
    twin["properties"]["reported"]["$metadata"]["lastDesiredStatus"]["$lastUpdated"] = BEFORE
    assert failed(rollout(twin)) is None


def test_an_agent_that_knows_no_module_s_state_cannot_ask_its_engine():
    twin = reporting(500, "Ein Fehler ist aufgetreten.")
    for section in ("modules", "systemModules"):
        for module in twin["properties"]["reported"][section].values():
            module["runtimeStatus"] = "unknown"
    assert of_the_device(twin).state == "modules-unlisted"


def test_a_container_that_is_gone_already_is_no_error():
    twin = reporting(500, case("15d")["description"], last=12)
    assert {finding.state for finding in findings(state(twin)) if finding.severity != "ok"} == {"container-gone"}
    assert of_the_device(twin).severity == "ok"


def test_a_deployment_that_another_one_replaced_is_not_waited_for():
    twin = reporting(200, "", last=13)
    twin["properties"]["desired"] |= {"$version": 13, "modules": {}}
    twin["configurations"] = {"fleet": {"status": "Applied"}}
    stopped = failed(rollout(twin))
    assert stopped is not None and "version 13 took its place" in stopped.detail and "fleet" in stopped.remedy


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A twin of a case in which some fields are gone or of another type."""
    twin = case(draw(st.sampled_from(["02a", "03", "04", "12a"])))
    for _ in range(draw(st.integers(1, 6))):
        place: Any = twin["properties"]
        while isinstance(place, dict) and place:
            key = draw(st.sampled_from(sorted(place)))
            if draw(st.booleans()) and isinstance(place[key], dict) and place[key]:
                place = place[key]
                continue
            if draw(st.booleans()):
                del place[key]
            else:
                place[key] = draw(ANYTHING)
            break
        if not isinstance(twin["properties"], dict) or not twin["properties"]:
            break
    return twin


@given(damaged(), ANYTHING)
@settings(max_examples=60, deadline=None)
def test_a_damaged_report_never_raises(twin, edge_hub):
    properties = {"desired": edge_hub, "reported": edge_hub}
    read = replace(state(twin), edge_hub=edge_hub_of({"properties": properties}, NOW))
    diagnose_state(read)
    rollout_steps(Watch("computevm", ("m1",), 12, STARTED), Known(NOW, read))
