from datetime import datetime, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from services.hub.field_readers import moment, number, word
from services.hub.twin import device_of, state_of
from services.records import Device

DEVICE = Device("d", connected=True)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=25,
)
KEYS = [
    "properties", "desired", "reported", "modules", "systemModules", "settings", "createOptions", "createOptions01", "createoptions1",
    "env", "value", "image", "status", "runtimeStatus", "exitCode", "restartCount", "lastStartTimeUtc", "lastDesiredStatus", "code",
    "runtime", "registryCredentials", "configurations", "$metadata", "$lastUpdated", "$version", "version", "platform", "a", "$x",
    "properties.desired.modules.m",
]  # fmt: skip
twin_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["0001-01-01T00:00:00Z", "2026-01-01T10:00:00.1234567Z", "{}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=8),
    max_leaves=60,
)


def in_a_twin(section):
    return {"properties": {"desired": section, "reported": section}, "configurations": section}


@given(json_values | twin_like | twin_like.map(in_a_twin))
@settings(max_examples=400, deadline=None)
def test_no_twin_makes_the_parser_fail(twin):
    state = state_of(DEVICE, twin)
    shown = [module.name + module.image for module in state.modules] + [state.last_desired_description, state.schema_version]
    assert not any(ord(character) < 32 and character not in "\t\n" for text in shown for character in text)


@given(json_values | st.dictionaries(st.sampled_from(["deviceId", "capabilities", "status", "lastActivityTime"]), json_values))
@settings(max_examples=200, deadline=None)
def test_no_identity_makes_the_parser_fail(identity):
    device = device_of(identity)
    assert device is None or device.id


def test_a_whole_twin():
    twin = {
        "etag": "AAAB",
        "configurations": {"factory": {"status": "Applied"}},
        "properties": {
            "desired": {
                "$version": 7,
                "schemaVersion": "1.1",
                "runtime": {
                    "settings": {"registryCredentials": {"acr": {"address": "a.azurecr.io", "username": "u", "password": "p"}}}
                },
                "systemModules": {"edgeAgent": {"settings": {"image": "agent:1.4"}}},
                "modules": {
                    "host": {
                        "status": "running",
                        "settings": {"image": "h:1", "createOptions": '{"Tty":', "createOptions01": "true}"},
                        "env": {"A": {"value": "1"}, "N": {"value": 2}},
                        "startupOrder": 3,
                    }
                },
            },
            "reported": {
                "lastDesiredVersion": 6,
                "lastDesiredStatus": {"code": 500, "description": "Could not pull"},
                "version": {"version": "1.4.10"},
                "runtime": {"platform": {"os": "linux", "architecture": "x86_64"}},
                "modules": {
                    "host": {
                        "runtimeStatus": "backoff",
                        "exitCode": 139,
                        "restartCount": 4,
                        "lastStartTimeUtc": "2026-01-01T10:00:00.1234567Z",
                        "lastExitTimeUtc": "0001-01-01T00:00:00Z",
                        "settings": {"image": "h:1"},
                        "statusDescription": None,
                    },
                    "gone": {"runtimeStatus": "stopped"},
                },
            },
        },
    }
    state = state_of(DEVICE, twin)
    assert (state.desired_version, state.last_desired_version, state.last_desired_code) == (7, 6, 500)
    assert (state.agent_version, state.platform, state.schema_version) == ("1.4.10", "linux/x86_64", "1.1")
    assert [(r.name, r.address, r.username) for r in state.registries] == [("acr", "a.azurecr.io", "u")]
    assert [(c.id, c.status) for c in state.configurations] == [("factory", "Applied")]
    host = state.module("host")
    assert host.desired.create_options == '{"Tty":true}'
    assert dict(host.desired.env) == {"A": "1", "N": "2"}
    assert host.reported.last_start == datetime(2026, 1, 1, 10, 0, 0, 123456, tzinfo=timezone.utc)
    assert host.reported.last_exit is None
    assert (host.reported.exit_code, host.reported.restart_count, host.reported.description) == (139, 4, "")
    assert state.module("gone").desired is None
    assert state.module("edgeAgent").system


def test_escape_sequences_of_a_twin_are_harmless():
    twin = {
        "properties": {"reported": {"modules": {"m": {"runtimeStatus": "run\x1b[31mning", "statusDescription": "a\x9bb\nc"}}}}
    }
    reported = state_of(DEVICE, twin).module("m").reported
    assert "\x1b" not in reported.runtime_status and "\x9b" not in reported.description
    assert reported.description.endswith("\nc")


def test_a_module_whose_settings_are_text_of_json():
    twin = {"properties": {"desired": {"modules": {"m": {"settings": '{"image": "i:1", "createOptions": {"Tty": true}}'}}}}}
    desired = state_of(DEVICE, twin).module("m").desired
    assert (desired.image, desired.create_options) == ("i:1", '{"Tty":true}')


def test_small_readers():
    assert moment("2026-01-01T10:00:00+02:00").hour == 8
    assert moment("2026-13-01") is None and moment(5) is None
    assert number("12") == 12 and number(True) is None and number(1.5) is None and number("²") is None
    assert word(None) == "" and word([1]) == "" and word("a\nb") == "a b"
