"""The hub's model by itself: queries, merges, limits, positions in the event store."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.lab.clock import Clock
from services.lab.cloud.hub import EventStore, Hub, HubError, sas
from services.lab.cloud.hub.query import condition, run
from services.lab.cloud.hub.twins import Section
from services.lab.faults import Faults

ROWS = [
    {"deviceId": "a", "tags": {"site": "x", "floor": 2}, "capabilities": {"iotEdge": True}},
    {"deviceId": "b", "tags": {"site": "y"}, "capabilities": {"iotEdge": False}},
    {"deviceId": "it's", "tags": {}, "parentScopes": ["p"]},
]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT * FROM devices", ["a", "b", "it's"]),
        ("select * from devices where deviceId = 'it''s'", ["it's"]),
        ("SELECT * FROM devices c WHERE c.tags.site = 'x' OR c.tags.site = 'y'", ["a", "b"]),
        ("SELECT * FROM devices WHERE NOT (tags.site = 'x') AND is_defined(tags.site)", ["b"]),
        ("SELECT * FROM devices WHERE tags.floor >= 2 AND capabilities.iotEdge = true", ["a"]),
        ("SELECT * FROM devices WHERE STARTSWITH(tags.site, 'y') OR deviceId NIN ['a', 'b']", ["b", "it's"]),
        ("SELECT * FROM devices WHERE tags.floor < 'x'", []),
        ("SELECT * FROM devices WHERE 'a' = DeviceId", ["a"]),
        ("SELECT * FROM devices WHERE tags.floor * 2 + 1 = 5", ["a"]),
        ("SELECT * FROM devices WHERE tags.floor > -1 AND tags.floor - 3 < 0", ["a"]),
        ("SELECT * FROM devices WHERE array_contains(parentScopes, 'p')", ["it's"]),
        ("SELECT * FROM devices WHERE devices.deviceId IN ['b']", ["b"]),
        ("SELECT * FROM devices WHERE [[tags]].[[floor]] = 2 and deviceId in ['a','c']", ["a"]),
        ("select deviceId from devices where tags.site = tags.site and tags.floor = devices.tags.floor", ["a", "b", "it's"]),
    ],
)
def test_queries(text, found):
    assert [row["deviceId"] for row in run(text, ROWS)] == found


def test_projections_and_counts():
    assert run("SELECT deviceId AS name, tags.floor FROM devices WHERE deviceId = 'a'", ROWS) == [{"name": "a", "floor": 2}]
    assert run("SELECT COUNT() AS n FROM devices", ROWS) == [{"n": 3}]
    assert run("SELECT tags.site, COUNT() AS n FROM devices GROUP BY tags.site", ROWS)[0] == {"site": "x", "n": 1}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT MAX(version) AS m FROM devices", [{"m": 9}]),
        (
            "SELECT MIN(version) AS m, SUM(version) AS s, AVG(version) AS a, COUNT() AS n FROM devices",
            [{"m": 3, "s": 18, "a": 6, "n": 3}],
        ),
        ("SELECT AVG(tags.none) AS a FROM devices", [{}]),
        ("SELECT COUNT() AS n FROM devices WHERE version > 100", [{"n": 0}]),
        ("SELECT COUNT() AS n, site FROM devices GROUP BY site", [{"n": 2, "site": "x"}, {"n": 1, "site": "y"}]),
    ],
)
def test_aggregates_give_one_row_or_one_a_group(text, rows):
    devices = [{"deviceId": str(number), "version": 3 * number, "site": "y" if number == 2 else "x"} for number in (1, 2, 3)]
    assert run(text, devices) == rows


@pytest.mark.parametrize(
    "text",
    [
        "SELECT LOWER(deviceId) FROM devices",
        "SELECT DISTINCT deviceId FROM devices",
        "SELECT deviceId name FROM devices",
        "SELECT MAX() AS m FROM devices",
        "SELECT deviceId, COUNT() AS n FROM devices",
        "SELECT * FROM devices GROUP BY deviceId",
        "SELECT deviceId FROM devices ORDER BY deviceId",
        "SELECT deviceId FROM devices WHERE SUBSTRING(deviceId, 1) = 'a'",
        "SELECT deviceId FROM devices WHERE deviceId == 'a'",
        "SELECT deviceId FROM devices WHERE deviceId = 'a' AND",
        "SELECT deviceId FROM devices WHERE deviceId LIKE 'a%'",
        "SELECT deviceId + 1 FROM devices",
        "SELECT deviceId FROM devices WHERE deviceId = '" + "a" * 8192 + "'",
    ],
)
def test_what_is_not_understood_is_refused(text):
    with pytest.raises(HubError) as refused:
        run(text, ROWS)
    assert refused.value.code == 400004


@given(st.text(alphabet="abAND ORNOT()'=<>[],.$1\"_", max_size=40))
def test_a_condition_is_read_or_refused(text):
    try:
        test = condition(text)
    except HubError as error:
        assert error.code == 400004
    else:
        assert test({"a": 1}) in (True, False)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
patches = st.dictionaries(st.sampled_from("abcd"), values, max_size=4)


def merged(target, patch):
    """RFC 7396, which the hub's merge is."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


@given(st.lists(patches, max_size=4))
def test_patches_merge_and_metadata_follows(several):
    section, expected = Section("Reported", Clock()), {}
    for patch in several:
        section.patch(patch)
        expected = merged(expected, patch)
    assert section.content == expected
    assert section.version == 1 + len(several)
    assert {key for key in section.metadata if not key.startswith("$")} == set(expected)
    json.dumps(section.view())


def test_depth_ten_and_no_more():
    """Ten objects within the properties, the innermost with a value: what the service's documentation calls valid."""
    section, deep = Section("Desired", Clock()), {"x": 1}
    for _ in range(10):
        deep = {"n": deep}
    section.patch(deep)
    with pytest.raises(HubError, match="depth"):
        section.patch({"n": deep})
    assert section.version == 2


def test_retention_and_positions():
    store = EventStore(Clock(), partition_count=1, retention=100)
    for number in range(250):
        assert store.append("d", None, b"%d" % number) == (0, number)
    kept = store.read(0, -1, 1000)
    assert [event.sequence_number for event in kept] == list(range(kept[0].sequence_number, 250))
    assert 100 <= len(kept) <= 110
    middle = kept[40]
    assert store.read(0, store.after_offset(0, int(middle.offset)), 1)[0].sequence_number == middle.sequence_number + 1
    assert store.read(0, store.after_offset(0, int(middle.offset), inclusive=True), 1)[0] is middle
    assert store.read(0, store.after_time(0, kept[0].enqueued_ms, inclusive=True), 1)[0] is kept[0]
    assert store.read(0, store.latest(0), 10) == []


def test_a_token_is_for_its_resource_and_below():
    key = sas.new_key()
    token = sas.parse(sas.make("host/devices/d", key, 9e9))
    assert sas.matches(token, (key,))
    assert not sas.matches(token, (sas.new_key(),))
    assert sas.covers(token.resource, "HOST:8883/devices/d/modules/m")
    assert not sas.covers(token.resource, "host/devices/dd")
    assert not sas.covers(token.resource, "other/devices/d")


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    "properties",
                    "desired",
                    "tags",
                    "content",
                    "modulesContent",
                    "deviceContent",
                    "properties.desired.a.b",
                    "metrics",
                    "queries",
                    "$edgeAgent",
                    "$edgeHub",
                    "properties.desired",
                    "schemaVersion",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["properties", "tags", "content", "modulesContent", "priority", "targetCondition", "metrics"]), anything
    )
)
def test_a_hub_refuses_nonsense_in_its_own_words(body):
    hub = Hub("h", "127.0.0.1", "e", Clock(), Faults())
    hub.add_device("d", edge=True)
    for call in (
        lambda: hub.patch_desired("d", None, body, "*", replace=False),
        lambda: hub.patch_desired("d", None, body, "*", replace=True),
        lambda: hub.configurations.put("c", body, None),
        lambda: hub.configurations.apply("d", body),
    ):
        try:
            call()
        except HubError as error:
            assert error.status in (400, 401, 403)
    json.dumps(
        [one.twin_view() for one in (*hub.devices(), *hub.modules("d"))]
        + [hub.configurations.view(one) for one in hub.configurations.all.values()]
    )
