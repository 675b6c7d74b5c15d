"""Deployments at scale and other configurations, on the hub's model by itself (docs/facts/fleets.md, 1)."""

from __future__ import annotations

import pytest

from services.lab.clock import Clock
from services.lab.cloud.hub import Hub, HubError
from services.lab.cloud.manifests import content, module
from services.lab.faults import Faults

HOST = module("registry.example/host:1")
LAYER = {  # the form of the az extension's tests/iothub/configurations/test_edge_deployment_layered.json
    "modulesContent": {
        "$edgeAgent": {"properties.desired.modules.mymodule0": HOST},
        "$edgeHub": {"properties.desired.routes.route0": "from /messages/* INTO $upstream"},
        "mymodule0": {"properties.desired.settings": {"prop0": "val0"}},
    }
}


@pytest.fixture
def hub():
    clock = Clock()
    hub = Hub("h", "h.example", "events", clock, Faults())
    for name, floor in (("d1", 1), ("d2", 2)):
        hub.add_device(name, edge=True).twin.tags["floor"] = floor
    return hub


def put(hub, name, what, priority, target="*", **more):
    return hub.configurations.put(name, {"content": what, "priority": priority, "targetCondition": target, **more}, None)


def desired(hub, module_name, device="d1"):
    return hub.registered(device, module_name).twin.desired.content


def status(hub, module_name="$edgeAgent", device="d1"):
    return hub.registered(device, module_name).twin.configurations


def test_a_layer_needs_a_base_of_lower_priority(hub):
    put(hub, "layer", LAYER, 20)
    assert desired(hub, "$edgeAgent") == {} and status(hub) == {"layer": "Targeted"}
    put(hub, "base", content({"own": HOST}), 20)
    assert set(desired(hub, "$edgeAgent")["modules"]) == {"own"}  # of equal priority the layer is dropped
    hub.configurations.remove("base")
    put(hub, "lower", content({"own": HOST}), 10)
    assert set(desired(hub, "$edgeAgent")["modules"]) == {"own", "mymodule0"}
    assert set(desired(hub, "$edgeHub")["routes"]) == {"upstream", "route0"}
    assert desired(hub, "mymodule0") == {"settings": {"prop0": "val0"}}
    assert status(hub) == {"layer": "Applied", "lower": "Applied"}


def test_of_two_layers_the_higher_wins_an_entry_and_a_deleted_one_leaves(hub):
    put(hub, "base", content({}), 1)
    put(hub, "low", LAYER, 2)
    other = module("registry.example/host:2")
    put(hub, "high", {"modulesContent": {"$edgeAgent": {"properties.desired.modules.mymodule0": other}}}, 3)
    assert desired(hub, "$edgeAgent")["modules"]["mymodule0"]["settings"]["image"] == "registry.example/host:2"
    hub.configurations.remove("high")
    assert desired(hub, "$edgeAgent")["modules"]["mymodule0"]["settings"]["image"] == "registry.example/host:1"
    hub.configurations.remove("low")
    assert desired(hub, "$edgeAgent")["modules"] == {}


def test_a_layer_of_a_modules_properties_alone_is_applied_on_that_modules_twin(hub):
    put(hub, "base", content({"m": HOST}), 1)
    hub.ensure_module("d1", "m")
    put(hub, "settings", {"modulesContent": {"m": {"properties.desired.section": {"a": 1}}}}, 2)
    assert desired(hub, "m") == {"section": {"a": 1}}
    assert status(hub, "m") == {"settings": "Applied"}
    assert status(hub)["settings"] == "Targeted"


def test_at_a_tie_the_newest_wins_and_the_whole_of_it(hub):
    put(hub, "first", content({"a": HOST}), 5)
    put(hub, "second", content({"b": HOST}), 5)
    assert set(desired(hub, "$edgeAgent")["modules"]) == {"b"}
    assert status(hub) == {"first": "Targeted", "second": "Applied"}


def test_what_no_longer_targets_a_device_leaves_its_modules_and_takes_back_its_settings(hub):
    put(hub, "edge", content({"a": HOST}), 1, "tags.floor = 1")
    put(hub, "device", {"deviceContent": {"properties.desired.settings.a": {"b": 1}}}, 1, "tags.floor = 1")
    device = hub.registered("d1").twin
    assert device.desired.content == {"settings": {"a": {"b": 1}}}
    hub.registered("d1").twin.tags["floor"] = 3
    hub.configurations.reconcile()
    assert device.desired.content.get("settings", {}).get("a", {}) == {}
    assert set(desired(hub, "$edgeAgent")["modules"]) == {"a"}


def test_module_content_targets_module_twins(hub):
    hub.ensure_module("d1", "m")
    what = {"moduleContent": {"properties.desired.settings": {"key": "value"}}}
    put(hub, "modules", what, 1, "from devices.modules where moduleId = 'm'")
    assert desired(hub, "m") == {"settings": {"key": "value"}}
    assert status(hub, "m") == {"modules": "Applied"} and status(hub) == {}
    view = hub.configurations.view(hub.configurations.all["modules"])
    assert view["systemMetrics"]["results"] == {"targetedCount": 1, "appliedCount": 1}
    with pytest.raises(HubError) as refused:
        put(hub, "wrong", what, 1, "*")
    assert refused.value.code == 400401


@pytest.mark.parametrize(
    ("what", "more", "code"),
    [
        (content({}), {"target": "deviceId =="}, 400401),
        ({"modulesContent": {"$edgeAgent": {"modules": {}}}}, {}, 400402),
        ({"modulesContent": {"$edgeAgent": {"properties.desired": {"schemaVersion": "1.0"}}}}, {}, 400402),
        ({"somethingElse": {}}, {}, 400402),
        ({"deviceContent": {"tags.a": 1}}, {}, 400402),
        (content({}), {"metrics": {"queries": {"m": "SELECT NOTHING"}}}, 400404),
    ],
)
def test_what_is_refused_says_which_part(hub, what, more, code):
    with pytest.raises(HubError) as refused:
        put(hub, "c", what, 1, **more)
    assert refused.value.code == code


def test_a_content_cannot_be_changed(hub):
    put(hub, "c", content({}), 1)
    with pytest.raises(HubError) as refused:
        hub.configurations.put("c", {"content": content({"a": HOST})}, "*")
    assert refused.value.code == 400403
    assert hub.configurations.put("c", {"content": content({}), "priority": 7}, "*")[0].priority == 7


def test_an_empty_target_condition_targets_nobody(hub):
    put(hub, "c", content({"a": HOST}), 1, "")
    assert desired(hub, "$edgeAgent") == {}


def test_a_layer_cannot_be_set_on_one_device(hub):
    with pytest.raises(HubError) as refused:
        hub.configurations.apply("d1", LAYER)
    assert refused.value.code == 400402
