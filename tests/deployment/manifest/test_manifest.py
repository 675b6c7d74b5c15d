import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chunks import join
from services.deployment.manifest.changes import (
    MergeContent,
    RemoveModule,
    RemoveRoute,
    ReplaceContent,
    SendUpstream,
    SetModule,
    SetRegistry,
    SetRoute,
)
from services.deployment.manifest.content import agent_of, content_of, edge_hub_of, forwards_upstream, merge, modules_of
from services.deployment.manifest.diff import az_commands, diff, unchanged
from services.deployment.manifest.file import fill, load
from services.deployment.manifest.merge_warnings import left_out
from services.errors import OperatorError
from services.hub.twin import state_of
from services.records import Device, RegistryCredentials, Secret

names = st.text(alphabet="abcXYZ0_-", min_size=1, max_size=6)
texts = st.text(max_size=20)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda x: st.lists(x, max_size=3) | st.dictionaries(texts, x, max_size=3),
    max_leaves=8,
)
options = st.none() | texts | st.just('{"Tty":true}') | st.text(alphabet="ab", min_size=600, max_size=1400)
modules = st.fixed_dictionaries(
    {"settings": st.dictionaries(st.sampled_from(["image", "createOptions", "createOptions01", "x"]), anything, max_size=4)},
    optional={"status": st.sampled_from(["running", "stopped"]), "env": st.dictionaries(names, st.fixed_dictionaries({"value": texts}), max_size=3),
              "startupOrder": st.integers(0, 9), "other": anything},
)  # fmt: skip
routes = texts | st.fixed_dictionaries({"route": texts}, optional={"priority": st.integers(0, 9)})
registries = st.dictionaries(
    names, st.fixed_dictionaries({"address": st.sampled_from(["r.azurecr.io", "a.io", "b.io"]), "password": texts}), max_size=3
)
contents = st.fixed_dictionaries(
    {
        "modulesContent": st.fixed_dictionaries(
            {
                "$edgeAgent": st.fixed_dictionaries(
                    {
                        "properties.desired": st.fixed_dictionaries(
                            {
                                "schemaVersion": st.sampled_from(["1.0", "1.1", "1.1.0"]),
                                "systemModules": st.dictionaries(st.sampled_from(["edgeAgent", "edgeHub"]), modules, min_size=1),
                                "modules": st.dictionaries(names, modules, max_size=5),
                            },
                            optional={
                                "runtime": anything | st.fixed_dictionaries({"settings": st.fixed_dictionaries({"registryCredentials": registries})}),
                                "extra": anything,
                            },
                        )
                    }
                ),
                "$edgeHub": st.fixed_dictionaries(
                    {"properties.desired": st.fixed_dictionaries(
                        {"schemaVersion": st.sampled_from(["1.0", "1.1"]), "routes": st.dictionaries(names, routes, max_size=3)},
                        optional={"storeAndForwardConfiguration": anything},
                    )}
                ),
            },
            optional={name: st.fixed_dictionaries({"properties.desired": st.dictionaries(names, anything, max_size=2)}) for name in "abc"},
        )
    }
)  # fmt: skip
changes = st.lists(
    st.one_of(
        st.builds(SetModule, names, image=st.just("i:1"), create_options=options, status=st.none() | st.sampled_from(["running", "stopped"]),
                  env=st.dictionaries(names, st.none() | texts, max_size=2), startup_order=st.none() | st.integers(0, 5)),
        st.builds(RemoveModule, names),
        st.builds(SetRegistry, st.builds(RegistryCredentials, st.just("r.azurecr.io"), texts, texts.map(Secret))),
        st.builds(SetRoute, names, texts),
        st.builds(RemoveRoute, names),
        st.builds(SendUpstream, names),
        st.builds(MergeContent, contents),
    ),
    max_size=4,
)  # fmt: skip


def touched_by(made):
    named = {change.name for change in made if isinstance(change, (SetModule, RemoveModule))}
    return named.union(*(modules_of(change.content) for change in made if isinstance(change, MergeContent)))


def registries_of(content):
    runtime = agent_of(content).get("runtime")
    settings_of_it = runtime.get("settings") if isinstance(runtime, dict) else None
    found = settings_of_it.get("registryCredentials") if isinstance(settings_of_it, dict) else None
    return {name: entry for name, entry in found.items() if isinstance(entry, dict)} if isinstance(found, dict) else {}


@given(contents, changes)
@settings(max_examples=80, deadline=None)
def test_merging_never_loses_or_changes_another_module(content, made):
    original = copy.deepcopy(content)
    try:
        merged = merge(content, *made)
    except OperatorError:
        assert any(isinstance(change, RemoveModule) for change in made)
        return
    finally:
        assert content == original  # what was given is never written to
    touched = touched_by(made)
    for name, module in modules_of(original).items():
        if name not in touched:
            assert modules_of(merged)[name] == module
    assert agent_of(merged)["systemModules"] == agent_of(original)["systemModules"]
    if "extra" in agent_of(original):
        assert agent_of(merged)["extra"] == agent_of(original)["extra"]
    routed = {change.name for change in made if isinstance(change, (SetRoute, RemoveRoute))}
    routed = routed.union(*(edge_hub_of(change.content)["routes"] for change in made if isinstance(change, MergeContent)))
    for name, route in edge_hub_of(original)["routes"].items():
        if name not in routed and not name.endswith("-upstream"):
            assert edge_hub_of(merged)["routes"][name] == route
    brought = [change.content for change in made if isinstance(change, MergeContent)]
    for name, entry in registries_of(original).items():
        given = entry["address"] == "r.azurecr.io" and any(isinstance(change, SetRegistry) for change in made)
        if not given and not any(name in registries_of(content) for content in brought):
            assert registries_of(merged)[name] == entry
    own = {name for content in brought for name in content["modulesContent"]} | touched
    for name, twin in original["modulesContent"].items():
        if not name.startswith("$") and name not in own:
            assert merged["modulesContent"][name] == twin
    assert edge_hub_of(merged).get("storeAndForwardConfiguration") == edge_hub_of(original).get("storeAndForwardConfiguration")


@given(contents, names, options)
@settings(max_examples=30, deadline=None)
def test_create_options_come_back_as_they_were_set(content, name, text):
    module = modules_of(merge(content, SetModule(name, image="i:1", create_options=text or "")))[name]
    found = join(module["settings"])
    try:
        assert json.loads(found) == json.loads(text or "null") if found else not (text or "").strip()
    except ValueError:
        assert found == text


def test_a_state_is_read_into_a_manifest_and_back(content):
    twin = {"properties": {"desired": {**agent_of(content), "$version": 3, "$metadata": {"a": 1}}}}
    made = content_of(
        state_of(Device("d", True), twin), {**edge_hub_of(content), "$version": 9}, {"counter": {"speed": 3, "$version": 1}}
    )
    assert made == content


def test_a_first_deployment_has_the_runtime():
    twin = {"properties": {"desired": {"$version": 1}, "reported": {"version": {"version": "1.4.20"}}}}
    made = merge(content_of(state_of(Device("d", True), twin)), SetModule("m", image="i:1"))
    assert agent_of(made)["systemModules"]["edgeAgent"]["settings"]["image"].endswith(":1.4")
    assert "8883" in join(agent_of(made)["systemModules"]["edgeHub"]["settings"])
    assert modules_of(made)["m"]["status"] == "running"
    assert (agent_of(made)["schemaVersion"], edge_hub_of(made)["schemaVersion"]) == ("1.1", "1.1")


@pytest.mark.parametrize(("agent", "tag"), [("", "1.6"), ("2.0", "1.6"), ("1.1.19", "1.1"), ("1.6.1", "1.6")])
def test_a_first_deployment_asks_for_a_supported_runtime_and_changes_none(agent, tag):
    twin = {"properties": {"desired": {"$version": 1}, "reported": {"version": {"version": agent}}}}
    system = agent_of(content_of(state_of(Device("d", True), twin)))["systemModules"]
    assert {module["settings"]["image"].rpartition(":")[2] for module in system.values()} == {tag}


def test_stale_chunks_are_removed(content):
    settings_now = modules_of(merge(content, SetModule("counter", create_options='{ "Tty" : true }')))["counter"]["settings"]
    assert settings_now == {"image": "acr.azurecr.io/counter:2.3", "createOptions": '{"Tty":true}'}


def test_a_change_of_status_changes_nothing_else(content):
    merged = merge(content, SetModule("counter", status="stopped"))
    expected = copy.deepcopy(content)
    expected["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["counter"]["status"] = "stopped"
    assert merged == expected


def test_environment(content):
    env = modules_of(merge(content, SetModule("counter", env={"STORE": None, "NEW": "1"})))["counter"]["env"]
    assert env == {"API_KEY": {"value": "k-123"}, "NEW": {"value": "1"}}


def test_credentials_of_a_known_registry_replace_its_entry(content):
    merged = merge(content, SetRegistry(RegistryCredentials("ACR.azurecr.io", "u2", Secret("p2"))))
    entries = agent_of(merged)["runtime"]["settings"]["registryCredentials"]
    assert entries == {"acr": {"address": "ACR.azurecr.io", "username": "u2", "password": "p2"}}
    merged = merge(content, SetRegistry(RegistryCredentials("https://new.azurecr.io/", "u", Secret("p"))))
    entries = agent_of(merged)["runtime"]["settings"]["registryCredentials"].values()
    assert "new.azurecr.io" in {entry["address"] for entry in entries}, "the agent compares it as it stands"
    merged = merge(content, SetRegistry(RegistryCredentials("docker.io", "u", Secret("p"))))
    assert agent_of(merged)["runtime"]["settings"]["registryCredentials"]["index"]["address"] == "https://index.docker.io/v1/"
    other = merge(content, SetRegistry(RegistryCredentials("10.0.0.1:5000", "u", Secret("p"))))
    assert set(agent_of(other)["runtime"]["settings"]["registryCredentials"]) == {"acr", "10"}


def test_startup_order_raises_the_schema_version(content):
    assert agent_of(merge(content, SetModule("counter", startup_order=1)))["schemaVersion"] == "1.1"


@pytest.mark.parametrize(
    "change",
    [
        RemoveModule("edgeHub"),
        RemoveModule("edgeAgent"),
        SetModule("edgeHub", status="stopped"),
        SetModule("edgeHub", image="registry/accel-resnet50:1"),
        RemoveModule("none"),
        SetModule("none"),
    ],
)
def test_what_cannot_be_done_is_refused(content, change):
    with pytest.raises(OperatorError) as caught:
        merge(content, change)
    assert caught.value.cause and caught.value.remedy


def test_the_runtime_may_get_another_version_from_another_registry(content):
    settings = agent_of(content)["systemModules"]["edgeHub"]["settings"]
    settings["image"] = "mcr.microsoft.com/azureiotedge-hub:1.4"
    other = "mirror.local:5000/iot/azureiotedge-hub@sha256:0"
    merged = merge(content, SetModule("edgeHub", image=other))
    assert agent_of(merged)["systemModules"]["edgeHub"]["settings"]["image"] == other


def test_routes(content):
    assert not forwards_upstream(content, "client")
    merged = merge(content, SendUpstream("client"))
    assert forwards_upstream(merged, "client") and not forwards_upstream(merged, "other")
    assert merge(merged, SendUpstream("client")) == merged
    assert forwards_upstream(merge(content, SetRoute("r", "from /messages/* into $upstream")), "x")


def test_replacing_is_only_done_when_asked(content):
    new = {"modulesContent": {"$edgeAgent": {"properties.desired": {"modules": {}}}}}
    assert merge(content, ReplaceContent(new)) == new
    assert modules_of(merge(content, MergeContent(new))) == modules_of(content)


def test_files(content):
    assert load(json.dumps(content)) == content
    assert load(json.dumps(content["modulesContent"])) == content
    assert load(json.dumps({"id": "x", "content": content})) == content
    for text in ("", "[]", "{}", '{"modulesContent": 1}', '{"modulesContent": {"a": 1}}', "[" * 100000):
        with pytest.raises(OperatorError):
            load(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"modulesContent": {"$edgeAgent": {"properties.desired.modules.own": {}}}}', '{"modules": {"own": …}}'),
        ('{"modulesContent": {"$edgeHub": {"properties.desird": {}}}}', "properties.desird"),
        ('{"modulesContent": {"own": {"properties.desired": {"a": 1, "a": 2}}}}', "a is written twice"),
        ('{"modulesContent": {"own": {"properties.desired": {"a": NaN}}}}', "NaN"),
    ],
)
def test_what_a_file_would_lose_without_a_word_is_refused(text, says):
    with pytest.raises(OperatorError) as caught:
        load(text)
    assert says in str(caught.value) and caught.value.remedy


def test_what_a_merge_leaves_of_the_runtime_is_said():
    def with_runtime(image, options, seconds):
        agent = {"systemModules": {"edgeHub": {"settings": {"image": image, **options}}}, "modules": {}}
        hub = {"routes": {}, "storeAndForwardConfiguration": {"timeToLiveSecs": seconds}}
        return {"modulesContent": {"$edgeAgent": {"properties.desired": agent}, "$edgeHub": {"properties.desired": hub}}}

    has = with_runtime("hub:1.4", {"createOptions": '{"a"', "createOptions01": ":1}"}, 7200)
    assert not list(left_out(with_runtime("hub:1.4", {"createOptions": {"a": 1}}, 7200), has))
    (said,) = left_out(with_runtime("hub:1.5", {"createOptions": {"a": 1}}, 60), has)
    assert "systemModules.edgeHub, $edgeHub.storeAndForwardConfiguration" in said.message and said.severity == "warning"


def test_keys_that_nobody_knows_are_not_dropped_without_a_word():
    agent = {"runtime": {"type": "containerd", "settings": {}}, "modules": {}, "integrity": {"signature": "s"}}
    given = {"modulesContent": {"$edgeAgent": {"properties.desired": agent}, "$edgeHub": {"properties.desired": {"broker": 1}}}}
    (said,) = left_out(given, merge({"modulesContent": {}}, MergeContent(given)))
    assert "leaves runtime.type, $edgeAgent.integrity, $edgeHub.broker as" in said.message


def test_variables_are_filled_in():
    assert fill({"a": ["$X ${Y}", "$upstream"], "$X": 1}, {"X": "1", "Y": "2"}) == {"a": ["1 2", "$upstream"], "1": 1}


def test_the_difference_shows_the_change_and_no_secret(content):
    merged = merge(content, SetModule("counter", env={"API_KEY": "k-999"}, status="stopped"))
    lines = [f"{line.sign}{line.text.strip()}" for line in diff(content, merged)]
    assert '-"status": "running",' in lines and '+"status": "stopped",' in lines
    assert not any("k-123" in line or "k-999" in line or "old-pass" in line for line in lines)
    assert [line[:10] for line in lines if "•••(" in line and line[0] in "+-"] == ['-"value": ', '+"value": '], "another digest"


def test_no_difference(content):
    assert diff(content, copy.deepcopy(content)) == ()
    assert unchanged(content, merge(content, SetModule("counter", status="running")))
    assert not unchanged(content, merge(content, SetModule("counter", env={"API_KEY": "other"})))


def test_the_command(content):
    assert az_commands("myhub.azure-devices.net", "dev 1") == (
        "az iot edge set-modules --hub-name myhub --device-id 'dev 1' --content deployment.json",
    )


def test_create_options_of_a_file_are_packed_as_the_agent_reads_them(content):
    """az takes an object too; the agent, and the hub's 4 KB a text, do not."""
    options = {"Labels": {str(n): "x" * 90 for n in range(60)}}
    for options_given in (options, json.dumps(options, indent=4)):
        module = {"type": "docker", "settings": {"image": "i:1", "createOptions": options_given}}
        file = {"modulesContent": {"$edgeAgent": {"properties.desired": {"modules": {"new": module}}}}}
        for change in (MergeContent(file), ReplaceContent(file)):
            found = modules_of(merge(content, change))["new"]["settings"]
            assert all(len(value) <= 512 for key, value in found.items()) and json.loads(join(found)) == options
    doubled = SetModule("counter", create_options='{"Tty": true, "Tty": false}')
    assert join(modules_of(merge(content, doubled))["counter"]["settings"]) == doubled.create_options, "for the check to name"


def test_a_route_with_a_priority_raises_the_hubs_schema_version(content):
    route = {"route": "FROM /messages/* INTO $upstream", "priority": 0}
    file = {"modulesContent": {"$edgeHub": {"properties.desired": {"routes": {"first": route}}}}}
    merged = merge(content, MergeContent(file))
    assert edge_hub_of(merged)["schemaVersion"] == "1.1" and edge_hub_of(merged)["routes"]["first"] == route


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"modulesContent": {"$edgeAgent": {},}}', "Line 1, column 37"),
        ('{"modulesContent":\n {"a": {}, "a": {}}}', "Line 2, column 12: a is written twice"),
        ('{"modulesContent": {"a": NaN}}', "NaN"),
        ('{"modulesContent": {"$edgeAgent": {"properties.desired": {"modules": []}}}}', "$edgeAgent.modules is no object"),
        ('{"modulesContent": {"$edgeHub": {"properties.desired": {"routes": ["FROM"]}}}}', "$edgeHub.routes is no object"),
        ('{"modulesContent": {"m": {"properties.desired": 5}}}', "m is no object"),
    ],
)
def test_a_broken_file_is_told_by_its_place(text, words):
    with pytest.raises(OperatorError) as caught:
        load(text)
    assert words in f"{caught.value.what} {caught.value.cause}" and caught.value.remedy


def test_a_whole_manifest_leaves_what_the_device_has_as_it_is_written():
    """The drill found it: a rollback wrote another module's create options anew, without their blanks."""
    spaced = '{"HostConfig": {"PortBindings": {"9100/tcp": [{"HostPort": "9100"}]}}}'

    def whole(image: str) -> dict:
        modules = {
            "theirs": {"type": "docker", "settings": {"image": "r.io/a:1", "createOptions": spaced}},
            "ours": {"type": "docker", "settings": {"image": image, "createOptions": '{ "Env": [] }'}},
        }
        return {"modulesContent": {"$edgeAgent": {"properties.desired": {"modules": modules}}}}

    before = whole("r.io/b:2")
    after = modules_of(merge(before, ReplaceContent(whole("r.io/b:1"))))
    assert after["theirs"] == modules_of(before)["theirs"]
    assert after["ours"]["settings"] == {"image": "r.io/b:1", "createOptions": '{"Env":[]}'}
