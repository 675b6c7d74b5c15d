"""What a console takes of a hub's identity registry, which is throttled for everybody, and what it reads there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import OperatorError
from services.hub.identities import BUDGET_SPENT, CALLS, SECONDS, Budget, Identities, connections_of
from services.hub.twin import device_of
from services.records import Connection

CASE = json.loads((Path(__file__).parents[1] / "cases/azure/01-healthy-edge-device-is-disconnected.json").read_text())


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_never_more_than_twelve_calls_in_any_75_seconds():
    clock, calls = Clock(), []
    identities = Identities(clock=clock)
    for _ in range(4 * 75 * 4):
        identities.read("device d", lambda: calls.append(clock.now) or len(calls))
        clock.now += 0.25
    assert len(calls) >= 3 * CALLS, "it goes on reading"
    assert all(after - before >= SECONDS for before, after in zip(calls, calls[CALLS:], strict=False))


def test_what_was_read_before_is_given_again_with_its_age():
    clock = Clock()
    identities = Identities(Budget(1, 75, clock), clock)
    assert identities.read("a", lambda: "old").json == "old"
    clock.now += 20
    reading = identities.read("a", lambda: pytest.fail("beyond the budget"))
    assert (reading.json, reading.age) == ("old", 20)
    with pytest.raises(OperatorError) as caught:
        identities.read("b", lambda: pytest.fail("beyond the budget"))
    assert caught.value.code == BUDGET_SPENT and "55 s" in caught.value.remedy
    clock.now += 55
    assert identities.read("b", lambda: "new").json == "new"


def test_what_is_fresh_is_not_read_again():
    clock, identities = Clock(), None
    identities = Identities(clock=clock)
    identities.read("a", lambda: 1)
    clock.now += 9
    assert identities.read("a", lambda: 2, fresh=10).json == 1
    clock.now += 2
    assert identities.read("a", lambda: 2, fresh=10).json == 2


def test_a_call_that_fails_leaves_what_was_read():
    identities = Identities()
    identities.read("a", lambda: 1)

    def refused():
        raise OperatorError("no")

    with pytest.raises(OperatorError):
        identities.read("a", refused)
    assert identities.read("a", lambda: 2, fresh=60).json == 1


def test_a_device_of_azure():
    device = device_of(CASE["payload"]["GET /devices/{id}"])
    assert device is not None and device.edge and device.enabled
    assert (device.connected, device.last_activity) == (False, None)


@pytest.mark.parametrize(
    ("changes", "edge"),
    [
        ({}, True),
        ({"capabilities": {"iotEdge": False}}, False),
        ({"capabilities": {"iotEdge": "True"}}, True),
        ({"capabilities": None}, True),  # the scope is the device's own
        ({"capabilities": None, "deviceScope": "ms-azure-iot-edge://parent-1"}, False),
        ({"capabilities": None, "deviceScope": None}, False),
    ],
)
def test_which_device_is_an_edge_device(changes, edge):
    device = device_of({**CASE["payload"]["GET /devices/{id}"], **changes})
    assert device is not None and device.edge is edge


def test_a_nested_device_names_its_parents():
    identity = {**CASE["payload"]["GET /devices/{id}"], "parentScopes": ["ms-azure-iot-edge://top-floor-6371", 5, "x"]}
    assert device_of(identity).parents == ("top-floor",)


@pytest.mark.parametrize(
    ("state", "connected"),
    [("Connected", True), (" CONNECTED", True), ("disConnected", False), ("", None), (None, None), (1, None), ("Unknown", None)],
)
def test_connection_states_in_any_case_of_letters(state, connected):
    (connection,) = connections_of([{"moduleId": "$edgeHub", "connectionState": state}])
    assert connection == Connection("$edgeHub", connected, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)
ROW = st.fixed_dictionaries({}, optional=dict.fromkeys(("moduleId", "connectionState", "connectionStateUpdatedTime"), JSON))


@given(JSON | st.lists(ROW | JSON, max_size=5))
def test_no_reply_raises(reply):
    assert isinstance(connections_of(reply), tuple)
    device_of(reply)
