import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.lab.cloud.hub.twins import merge
from services.lab.cloud.manifests import content, module, options
from services.lab.device.deployment import Refused, join, parse, parse_options
from services.lab.device.logs import moment
from services.lab.device.report import difference, module_report

BUSY = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
GOOD = content({"a": module("example.com/a:1")})["modulesContent"]["$edgeAgent"]["properties.desired"]


@BUSY
@given(st.text(min_size=1, max_size=3000))
def test_chunks_are_joined(text):
    assert join({"image": "x", **options(text)}) == text


def test_a_gap_between_chunks_is_a_bad_format():
    with pytest.raises(Refused) as refused:
        join({"createOptions": "a", "createOptions02": "b"})
    assert refused.value.code == 400


@BUSY
@given(st.sampled_from(["schemaVersion", "runtime", "systemModules", "modules"]), JSON)
def test_any_json_is_read_or_refused(key, value):
    try:
        parse({**GOOD, key: value})
    except Refused as refused:
        assert refused.code in (400, 412)


@BUSY
@given(
    st.dictionaries(
        st.sampled_from(["status", "restartPolicy", "env", "settings", "type", "startupOrder", "imagePullPolicy"]),
        JSON,
        min_size=1,
    ),
    JSON,
)
def test_any_module_is_read_or_refused(change, create_options):
    entry = {**GOOD["modules"]["a"], **change}
    if isinstance(entry.get("settings"), dict):
        entry["settings"] = {"image": "a:1", "createOptions": json.dumps(create_options)}
    try:
        parse({**GOOD, "modules": {"a": entry}})
    except Refused as refused:
        assert refused.code == 400


@pytest.mark.parametrize(
    "change", [{"imagePullPolicy": "always"}, {"startupOrder": -1}, {"startupOrder": 2**32}, {"startupOrder": True}]
)
def test_a_policy_or_order_that_does_not_exist_is_refused(change):
    with pytest.raises(Refused) as refused:
        parse({**GOOD, "modules": {"a": {**GOOD["modules"]["a"], **change}}})
    assert refused.value.code == 400


@pytest.mark.parametrize("text", ["", "null", "{}", "  "])
def test_empty_options_are_valid(text):
    assert parse_options(text).ports == ()


@pytest.mark.parametrize("text", ["{", "[]", '"x"', '{"HostConfig": 5}', '{"HostConfig": {"PortBindings": {"x": [{}]}}}'])
def test_options_that_are_refused(text):
    with pytest.raises(Refused):
        parse_options(text)


@BUSY
@given(
    st.dictionaries(st.text(min_size=1, max_size=3), JSON, max_size=4),
    st.dictionaries(st.text(min_size=1, max_size=3), JSON, max_size=4),
)
def test_the_patch_between_two_reports(before, after):
    def plain(value):
        return {key: plain(inner) for key, inner in value.items() if inner is not None} if isinstance(value, dict) else value

    twin = {}
    merge(twin, before)
    merge(twin, difference(before, after))
    expected = {}
    merge(expected, after)
    assert plain(twin) == plain(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m", 1e9 - 600),
        ("1h30m", 1e9 - 5400),
        ("2 days", 1e9 - 172800),
        ("1000000000", 1e9),
        ("2001-09-09T01:46:40.1234567Z", 1e9 + 0.123456),
    ],
)
def test_times_of_a_log_filter(text, expected):
    assert moment(text, 1e9) == pytest.approx(expected)


def test_time_that_is_none():
    with pytest.raises(ValueError):
        moment("yesterday", 1e9)


def test_the_report_repeats_create_options_in_the_agents_own_chunks():
    long = json.dumps({"Env": [f"NAME{number}=value" for number in range(60)]})  # as az writes it: one string
    entry = {**GOOD["modules"]["a"], "settings": {"image": "a:1", "createOptions": long}}
    settings = module_report(parse({**GOOD, "modules": {"a": entry}}).modules["a"], None, "unknown")["settings"]
    assert len(settings["createOptions"]) == 512
    assert join(settings) == long
