"""Evidence that nobody has seen yet: shown whole and never taken for well; and twins of any shape, which break nothing."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.diagnosis import diagnose_state
from services.hub.twin import state_of
from services.records import Device
from widgets.details import Around, module_details
from widgets.module_row import Row, module_state, next_start, reason, since, wanted_status

NEVER = "0001-01-01T00:00:00Z"
MODULE = {"type": "docker", "status": "running", "settings": {"image": "r.azurecr.io/x:1", "createOptions": "{}"}}


def found(module: object, status: object) -> dict:
    twin = {
        "properties": {
            "desired": {"$version": 3, "modules": {"m": MODULE}},
            "reported": {"lastDesiredVersion": 3, "lastDesiredStatus": status, "modules": {"m": module}},
        }
    }
    return diagnose_state(state_of(Device("d", True), twin, datetime.now(timezone.utc)))


RUNS = {"runtimeStatus": "running", "exitCode": 0}


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("failed to resolve reference: failed to authorize: failed to fetch oauth token: 401 Unauthorized", "pull-unauthorized"),
        ("toomanyrequests: You have reached your pull rate limit.", "registry-throttled"),
        ("x509: certificate signed by unknown authority", "registry-untrusted"),
        ("image x:1 was found but does not match the specified platform: wanted linux/amd64", "wrong-architecture"),
        ("driver failed: Bind for :::50051 failed: port is already allocated", "port-taken"),
        ("write /var/lib/docker/tmp: no space left on device", "disk-full"),
    ],
)
def test_newer_words_of_engine_and_agent(text, state):
    assert state in {finding.state for finding in found(RUNS, {"code": 500, "description": text}).values()}


@pytest.mark.parametrize("status", [{"code": 599, "description": "flux"}, {"code": "new", "description": "flux"}, "flux"])
def test_a_status_of_another_kind_is_no_good_news(status):
    whole = found(RUNS, status)[""]
    assert whole.state == "unknown" and "flux" in whole.cause


def test_unknown_words_are_on_the_line_itself():
    whole = found(RUNS, {"code": 500, "description": "the flux of m could not be entangled"})[""]
    assert whole.state == "plan-failed" and "could not be entangled" in whole.reason


def test_an_unknown_runtime_status_is_named():
    assert "hibernating" in found({"runtimeStatus": "hibernating", "exitCode": 7}, {"code": 200})["m"].reason


_NAMES = st.sampled_from(
    [
        "properties",
        "desired",
        "reported",
        "$version",
        "$metadata",
        "modules",
        "systemModules",
        "m",
        "edgeAgent",
        "settings",
        "image",
        "createOptions",
        "createOptions01",
        "env",
        "runtimeStatus",
        "exitCode",
        "restartCount",
        "lastExitTimeUtc",
        "lastStartTimeUtc",
        "statusDescription",
        "lastDesiredStatus",
        "code",
        "description",
        "lastDesiredVersion",
        "runtime",
        "platform",
        "configurations",
        "status",
        "startupOrder",
        "registryCredentials",
        "version",
        "$lastUpdated",
    ]
)
_LEAVES = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40)),
    st.sampled_from([NEVER, "9999-12-31T23:59:59Z", "backoff", "failed", "running", "\x1b[31m", "x" * 9000]),
)
_TREES = st.recursive(
    _LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner)), max_leaves=25
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(desired=_TREES, reported=_TREES)
def test_a_twin_of_any_shape_breaks_nothing(desired, reported):
    twin = {"properties": {"desired": desired, "reported": reported}}
    state = state_of(Device("d", True), twin, datetime.now(timezone.utc))
    findings = diagnose_state(state)
    assert "" in findings
    for module in state.modules:
        row = Row(module, findings.get(module.name))
        module_state(row), reason(row), since(row), wanted_status(row), next_start(module), module_details(row, Around())
