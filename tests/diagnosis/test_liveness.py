"""The judgement whether a device is alive: a word, and what it rests on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.diagnosis.liveness import CONNECTIONS_FRESH, PING_FRESH, UNREACHED, judge
from services.hub.identities import connections_of
from services.hub.twin import device_of
from services.records import Connection, Device, LifeSigns, Ping

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=timezone.utc)
CASE = json.loads((Path(__file__).parents[1] / "cases/azure/01-healthy-edge-device-is-disconnected.json").read_text())
DAYS_AGO = NOW - timedelta(days=3)
EDGE = Device("edge", False)
AGENT = Connection("$edgeAgent", False)
HUB, HUB_LOST = Connection("$edgeHub", True, DAYS_AGO), Connection("$edgeHub", False, DAYS_AGO)
MODULE, MODULE_LOST = Connection("m1", True, DAYS_AGO), Connection("m1", False, DAYS_AGO)
ALL_LOST = (AGENT, HUB_LOST, MODULE_LOST)


def before(seconds):
    return NOW - timedelta(seconds=seconds)


def text(device=EDGE, **signs):
    return judge(LifeSigns(device, connections_at=NOW, **signs), NOW).text


def test_a_healthy_device_of_azure_is_alive():
    payload = CASE["payload"]
    states = payload["GET /devices/{id}/modules (connectionState)"]
    rows = [{"moduleId": name, "connectionState": state} for name, state in states.items()]
    signs = LifeSigns(device_of(payload["GET /devices/{id}"]), connections_of(rows), NOW)
    assert judge(signs, NOW).text == "alive: $edgeHub connected"


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ({"connections": (AGENT, HUB, MODULE)}, "alive: $edgeHub connected"),
        ({"connections": (AGENT, HUB_LOST, MODULE)}, "alive: m1 connected"),
        ({"connections": (HUB_LOST, HUB)}, "alive: $edgeHub connected"),  # doubled
        ({"connections": ALL_LOST}, "offline: no identity is connected, and nothing came for 5 min"),
        ({"connections": ALL_LOST, "message": before(40)}, "alive: message 40 s ago"),
        ({"connections": ALL_LOST, "message": before(3600)}, "offline: "),
        ({"connections": ALL_LOST, "message": NOW + timedelta(seconds=9)}, "alive: message 0 s ago"),  # the hub's clock is ahead
        ({"connections": ALL_LOST, "ping": Ping(before(20))}, "alive: pinged 20 s ago"),
        ({"connections": ALL_LOST, "ping": Ping(before(3600))}, "offline: no identity"),
        ({"connections": ALL_LOST, "ping": Ping(before(20), "404103")}, "offline: pinged 20 s ago: the agent is not connected"),
        ({"connections": ALL_LOST, "ping": Ping(before(20), "504101")}, "offline: pinged 20 s ago: no answer in time"),
        ({"connections": ALL_LOST, "ping": Ping(before(20), "hub.throttled")}, "offline: no identity"),
        ({"ping": Ping(before(3), "404103")}, "offline: pinged 3 s ago"),
        ({"ping": Ping(before(3), "hub.unauthorized")}, "unknown: "),
        ({"connections": (HUB,), "ping": Ping(before(3), "404103")}, "unknown: pinged 3 s ago"),
        ({"connections": (HUB,), "ping": Ping(before(400), "404103")}, "alive: $edgeHub connected"),  # gone stale
        ({"connections": (Connection("$edgeHub", True, before(5)),), "ping": Ping(before(30), "404103")}, "alive: $edgeHub"),
        ({"connections": ALL_LOST, "message": before(5), "ping": Ping(before(30), "404103")}, "alive: message 5 s ago"),
        ({"connections": ALL_LOST, "message": before(60), "ping": Ping(before(30), "404103")}, "offline: pinged"),
        (
            {"connections": ALL_LOST, "reported_at": before(50)},
            "unknown: no identity is connected, though the agent reported 50 s",
        ),
        ({"connections": ALL_LOST, "reported_at": before(5000)}, "offline: "),
        (
            {"connections": (AGENT, Connection("$edgeHub", False, before(9)))},
            "unknown: no identity is connected, though one was 9 s",
        ),
        ({"connections": ALL_LOST, "edge_hub_runs": False}, "unknown: no identity is connected: by the last report $edgeHub"),
        ({"connections": (AGENT, Connection("$edgeHub", False))}, "unknown: no identity has ever connected; not pinged yet"),
        ({"connections": (AGENT, Connection("$edgeHub", False)), "edge_hub_runs": True}, "offline: "),
        ({"connections": (AGENT, Connection("$edgeHub", None))}, "unknown: the hub does not say whether $edgeHub is connected"),
        ({"connections": ()}, "unknown: the hub lists no module identity"),
        ({}, "unknown: the module identities were not read; not pinged yet"),
        ({"unread": "throttled", "ping": Ping(before(600))}, "unknown: throttled; last pinged 10 min ago"),
        ({"device": Device("edge", True)}, "alive: the device's own identity connected"),
        ({"device": Device("edge", None), "connections": ALL_LOST}, "unknown: the hub does not say whether the device"),
        ({"device": Device("edge", True, enabled=False, status_reason="stolen")}, "offline: disabled in the hub (stolen)"),
        ({"device": Device("plain", True, edge=False)}, "alive: connected"),
        ({"device": Device("plain", False, edge=False)}, "offline: not connected"),
        ({"device": Device("plain", None, edge=False)}, "unknown: "),
        ({"device": Device("plain", False, edge=False), "message": before(7)}, "alive: message 7 s ago"),  # it sends by HTTPS
    ],
)
def test_the_word_and_what_it_rests_on(signs, expected):
    assert text(**signs).startswith(expected)


def test_what_was_read_long_ago_says_nothing():
    stale = LifeSigns(EDGE, (HUB,), NOW - CONNECTIONS_FRESH - timedelta(minutes=1))
    assert judge(stale, NOW).text.startswith("unknown: the module identities were read 4 min ago")


def test_a_ping_would_settle_it_where_none_was_tried():
    assert judge(LifeSigns(EDGE, ALL_LOST, NOW), NOW).unasked
    assert not judge(LifeSigns(EDGE, ALL_LOST, NOW, ping=Ping(before(20), "404103")), NOW).unasked
    assert not judge(LifeSigns(EDGE, (HUB,), NOW), NOW).unasked
    assert not judge(LifeSigns(EDGE, None, NOW, ping=Ping(before(20), "hub.throttled")), NOW).unasked


MOMENTS = st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(timezone.utc))
STATES = st.none() | st.booleans()
CONNECTIONS = st.builds(Connection, st.sampled_from(("$edgeHub", "$edgeAgent", "m1", "\x1b[31m", "x" * 300)), STATES, MOMENTS)
PINGS = st.builds(Ping, MOMENTS.filter(bool), st.sampled_from(("", *UNREACHED, "hub.throttled")))
SIGNS = st.builds(
    LifeSigns,
    st.builds(Device, st.just("d"), STATES, st.booleans(), st.booleans(), st.none(), st.text(max_size=5)),
    st.none() | st.lists(CONNECTIONS, max_size=4).map(tuple),
    MOMENTS,
    st.text(max_size=5),
    st.none() | PINGS,
    st.just({}),
    MOMENTS,
    MOMENTS,
    STATES,
    MOMENTS,
)


@given(SIGNS, MOMENTS.filter(bool))
def test_no_device_is_offline_without_evidence_against_it(signs, now):
    verdict = judge(signs, now)
    assert verdict.basis and "\x1b" not in verdict.text
    ping = signs.ping
    refused = ping is not None and ping.error in UNREACHED and now - ping.at <= PING_FRESH
    answered = ping is not None and not ping.error and timedelta(0) <= now - ping.at <= PING_FRESH
    everything_lost = (
        bool(signs.connections)
        and all(one.connected is False for one in (*signs.connections, Connection("", signs.device.connected)))
        and not answered
    )
    if verdict.word == "offline" and signs.device.enabled:
        assert refused or everything_lost or (not signs.device.edge and signs.device.connected is False)
    if verdict.word == "alive":
        fresh = replace(signs, connections=None, device=replace(signs.device, connected=False), ping=None, message=None)
        assert judge(fresh, now).word != "alive", "something must have said so"
