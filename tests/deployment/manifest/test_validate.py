import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deployment.manifest.changes import SetModule
from services.deployment.manifest.content import merge
from services.deployment.manifest.file import fill, load
from services.deployment.manifest.validate import validate

AGENT = ("modulesContent", "$edgeAgent", "properties.desired")
HUB = ("modulesContent", "$edgeHub", "properties.desired")
HUB_LOGIN = {"username": "u", "password": "p"}


def with_options(options):
    return {"image": "a.azurecr.io/c:1", "createOptions": options}


def put(content, path, value):
    place = content
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = value
    return content


def errors(content, **more):
    return [problem for problem in validate(content, **more) if problem.severity == "error"]


def test_a_sound_manifest(content):
    assert list(validate(content)) == []


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        ((*AGENT, "schemaVersion"), "1.2", "412"),
        ((*AGENT, "runtime", "type"), "podman", "docker"),
        ((*AGENT, "modules", "my module"), {"settings": {"image": "i"}}, "module name"),
        ((*AGENT, "modules", "counter", "status"), "started", "400"),
        ((*AGENT, "modules", "counter", "restartPolicy"), "unless-stopped", "400"),
        ((*AGENT, "modules", "counter", "imagePullPolicy"), "always", "400"),
        ((*AGENT, "modules", "counter", "startupOrder"), -1, "0 to 4294967295"),
        ((*AGENT, "modules", "counter", "settings", "image"), "", "missing"),
        ((*AGENT, "modules", "counter", "settings", "image"), "acr.azurecr.io/c:1:1.0", "image reference"),
        ((*AGENT, "modules", "counter", "settings", "image"), "https://acr.azurecr.io/c:1", "image reference"),
        ((*AGENT, "modules", "counter", "settings", "image"), "$HOST_URL", "filled in"),
        ((*AGENT, "modules", "counter", "settings", "createOptions03"), "x", "chunk"),
        ((*AGENT, "modules", "counter", "env", "A B"), {"value": "1"}, "environment variable"),
        ((*AGENT, "modules", "counter", "env", "A"), "1", "value"),
        ((*AGENT, "modules", "counter", "env", "C"), {"value": "HostName=h;SharedAccessKeyName=iothubowner;SharedAccessKey=x"}, "owns the hub"),
        ((*AGENT, "modules", "counter", "env", "A"), {"value": "x" * 4097}, "4096"),
        ((*AGENT, "runtime", "settings", "registryCredentials", "acr", "password"), "", "missing"),
        (("modulesContent", "$edgeHub", "properties.desired", "routes", "r"), "FROM /messages/* INTO ", "no sink"),
        (("modulesContent", "$edgeHub", "properties.desired", "routes", "r"), {"route": "nonsense"}, "FROM SOURCE"),
        ((*HUB, "routes", "r"), {"route": "FROM /messages/* INTO $upstream"}, "schema version 1.1"),
        ((*HUB, "routes", "r"), {"route": "FROM /messages/* INTO $upstream", "priority": 10}, "0 (first) to 9"),
        ((*HUB, "routes", "r"), {"route": "FROM /messages/* INTO $upstream", "timeToLiveSecs": "5 s"}, "Seconds"),
        ((*HUB, "routes"), ["FROM /* INTO $upstream"], "no object"),
        ((*HUB, "routes", "r"), 5, "no route"),
        ((*HUB, "schemaVersion"), "1.4", "1.3"),
        ((*HUB, "schemaVersion"), 1.1, "quotes"),
        ((*HUB, "schemaVersion"), None, "missing"),
        ((*HUB, "storeAndForwardConfiguration"), None, "timeToLiveSecs"),
        ((*HUB, "storeAndForwardConfiguration", "timeToLiveSecs"), "2 h", "seconds"),
        ((*HUB, "storeAndForwardConfiguration", "timeToLiveSecs"), 2**31, "seconds"),
        (HUB, {}, "schemaVersion"),
        ((*AGENT, "schemaVersion"), "1.1.1", "412"),
        ((*AGENT, "schemaVersion"), "1", "412"),
        ((*AGENT, "schemaVersion"), 1.0, "quotes"),
        ((*AGENT, "modules", "counter", "settings", "image"), "$upstream/c:1", "port"),
        ((*AGENT, "modules", "counter", "type"), "Docker", "400"),
        ((*AGENT, "modules", "counter", "settings", "createOptionsOld"), "{}", "taken for a part"),
        ((*AGENT, "modules", "counter", "settings", "myCreateOptions"), "{}", "taken for a part"),
        ((*AGENT, "runtime", "settings", "registryCredentials", "acr", "address"), "https://acr.azurecr.io", "Write acr.azurecr.io"),
        ((*AGENT, "runtime", "settings", "registryCredentials", "acr", "address"), "acr.azurecr.io/", "Write acr.azurecr.io"),
        ((*AGENT, "runtime", "settings", "registryCredentials", "acr", "address"), "acr.azurecr.io/team", "Write acr.azurecr.io"),
        ((*AGENT, "runtime", "settings", "registryCredentials", "acr", "address"), " acr.azurecr.io", "Write acr.azurecr.io"),
        ((*AGENT, "runtime", "settings", "registryCredentials", "acr", "address"), "acr.azurecr.io:443", "the port, too"),
        ((*AGENT, "schemaVersion"), "${EDGEAGENT_SCHEMA_VERSION}", "never filled in"),
        ((*AGENT, "modules", "counter", "status"), "$CLIENT_STATUS", "never filled in"),
        ((*AGENT, "modules", "counter", "settings"), with_options('{"HostConfig":{"Binds":["$DATA:/data"]}}'), "never filled in"),
        ((*AGENT, "modules", "counter", "env"), [], "no object"),
        ((*AGENT, "modules", "counter", "settings"), "x", "no object"),
        (("modulesContent", "counter", "properties.desired", "a.b"), 1, "key"),
        (("modulesContent", "counter", "properties.desired", "count"), 2**52, "in quotes"),
        ((*AGENT, "modules", "counter", "settings", "image"), "<registry>/c:1", "filled in"),
        (("modulesContent", "counter", "properties.desired", "big"), ["x" * 4000] * 9, "32768"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(content, path, value, word):
    found = errors(put(content, path, value))
    assert found and any(word in f"{problem.place} {problem.message} {problem.remedy}" for problem in found), found
    assert all(problem.remedy for problem in found)


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        # what the runtime takes is no error: Docker Hub's public images need no password, an unused registry harms nobody
        (
            (*AGENT, "runtime", "settings", "registryCredentials", "hub"),
            HUB_LOGIN | {"address": "docker.io"},
            "https://index.docker.io/v1/",
        ),
        (
            (*AGENT, "runtime", "settings", "registryCredentials", "old"),
            HUB_LOGIN | {"address": "https://old.azurecr.io"},
            "Write old.azurecr.io",
        ),
        ((*AGENT, "modules", "counter", "env"), {"KEY": {"value": "<your key>"}}, "never filled in"),
        ((*AGENT, "modules", "counter", "settings"), with_options('{"MemorySwap":0}'), "belongs in HostConfig"),
        (
            (*AGENT, "modules", "counter", "settings"),
            with_options('{"HostConfig":{"Devices":[{"PathOnHost":"dev/nvhost-gpu","PathInContainer":"dev/nvhost-gpu"}]}}'),
            "no absolute path",
        ),
    ],
)
def test_what_the_runtime_takes_is_a_warning(content, path, value, word):
    put(content, path, value)
    problems = list(validate(content))
    assert [problem.severity for problem in problems] == ["warning"], problems
    assert word in f"{problems[0].message} {problems[0].remedy}"


def test_routes_in_both_forms_are_sound(content):
    put(content, (*HUB, "schemaVersion"), "1.1")
    put(content, (*HUB, "routes", "r"), {"route": "FROM /messages/* INTO $upstream", "priority": 0, "timeToLiveSecs": 86400})
    assert list(validate(content)) == []


def test_a_key_that_is_most_likely_misspelt(content):
    put(content, (*AGENT, "modules", "counter", "restartPolicyy"), "always")
    put(content, (*AGENT, "modules", "counter", "settings", "imag"), "i:1")
    remedies = [(problem.severity, problem.remedy) for problem in validate(content)]
    there = [("warning", f"Delete it: {name} is there already.") for name in ("restartPolicy", "image")]
    assert remedies == there
    module = content["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["counter"]
    del module["restartPolicy"]
    assert "Did you mean restartPolicy?" in [problem.remedy for problem in validate(content)]


def test_a_deployment_that_is_too_big_is_told_once(content):
    for number in range(9):
        options = json.dumps({"Labels": {"x": "y" * 4000}})
        content = merge(content, SetModule(f"m{number}", image="i:1", create_options=options))
    assert [problem.place for problem in errors(content)] == ["$edgeAgent"]


def test_depth(content):
    deep = {}
    for _ in range(12):
        deep = {"a": deep}
    assert any(
        "deeper" in problem.message
        for problem in errors(put(content, ("modulesContent", "counter", "properties.desired", "x"), deep))
    )


def test_the_schema_of_an_old_agent(content):
    put(content, (*AGENT, "schemaVersion"), "1.1")
    assert list(validate(content, agent_version="1.4.0")) == []
    (problem,) = validate(content, agent_version="1.0.9")
    assert problem.severity == "warning" and "1.0.10" in problem.message


def test_what_was_wrong_before_does_not_forbid_a_change(content):
    put(content, (*AGENT, "modules", "printer", "settings", "createOptions"), "{broken")
    assert errors(content)
    after = merge(content, SetModule("counter", status="stopped"))
    assert errors(after, before=content) == []
    assert any("before this change" in problem.message for problem in validate(after, before=content))


def test_a_port_conflict_between_modules(content):
    after = merge(
        content, SetModule("web", image="i:1", create_options='{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8080"}]}}}')
    )
    assert any("web" in problem.place and "8080" in problem.message for problem in errors(after, before=content))


@pytest.mark.parametrize(
    "junk", [{}, {"modulesContent": 1}, {"modulesContent": {}}, {"modulesContent": {"$edgeAgent": 3, "x": None}}]
)
def test_junk_is_an_error_and_no_exception(junk):
    assert errors(junk)


TEMPLATE = Path(__file__).with_name("databox-edge-template.json")


def test_the_samples_own_manifest():
    given = load(TEMPLATE.read_text("utf-8"))
    assert {"azureml-host.image", "azureml-client.status"} <= {problem.place for problem in errors(given)}
    values = {
        "ACR_NAME": "acr", "ACR_PASSWORD": "p", "HOST_URL": "acr.azurecr.io/resnet50:1", "HOST_STATUS": "running",
        "CLIENT_URL": "acr.azurecr.io/client:1", "CLIENT_STATUS": "running", "INPUT_TENSOR": "Placeholder:0",
        "OUTPUT_TENSOR": "classifier/resnet_v1_50/predictions/Softmax:0",
    }  # fmt: skip
    device = "HostName=h;DeviceId=d;SharedAccessKey=a2V5"
    assert errors(fill(given, {**values, "DEVICE_CONNECTION_STRING": device})) == []
    owner = "HostName=h;SharedAccessKeyName=iothubowner;SharedAccessKey=a2V5"
    assert "owns the hub" in errors(fill(copy.deepcopy(given), {**values, "DEVICE_CONNECTION_STRING": owner}))[0].message
    assert json.loads(TEMPLATE.read_text("utf-8"))["modulesContent"]["$edgeHub"]


def test_a_clash_is_told_once_of_the_module_that_changes(content):
    after = copy.deepcopy(content)
    modules = after["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]
    modules["new"] = copy.deepcopy(modules["counter"])
    told = [problem for problem in validate(after, before=content) if "port 8080" in problem.message]
    assert [problem.place.partition(".")[0] for problem in told] == ["new"]
    told = [problem for problem in validate(after) if "port 8080" in problem.message]
    assert [problem.place.partition(".")[0] for problem in told] == ["counter", "new"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*AGENT, "schemaVersion"), "1.1.0"),
        ((*AGENT, "schemaVersion"), "1.0.5"),
        ((*HUB, "schemaVersion"), "1.1.0"),
        ((*HUB, "schemaVersion"), "1.2"),
        ((*HUB, "schemaVersion"), "1.3"),
        ((*HUB, "routes", "r"), "SELECT * FROM /messages/modules/counter/outputs/* INTO $upstream"),
        ((*HUB, "routes", "r"), 'from /messages/* where not (a = "b") into BROKEREDENDPOINT("modules/counter/inputs/in/")'),
        ((*HUB, "routes", "r"), ""),
        ((*HUB, "routes", "r"), None),
        ((*HUB, "storeAndForwardConfiguration", "timeToLiveSecs"), "7200"),
        ((*HUB, "storeAndForwardConfiguration", "timeToLiveSecs"), -1),
        ((*HUB, "storeAndForwardConfiguration", "storeLimits"), {"maxSizeBytes": 10**9}),
        ((*AGENT, "modules", "counter", "restartPolicy"), None),
        ((*AGENT, "modules", "counter", "startupOrder"), None),
        ((*AGENT, "modules", "counter", "settings", "image"), "$upstream:443/azureiotedge-simulated-temperature-sensor:1.0"),
        ((*AGENT, "modules", "counter", "settings", "image"), "localhost:5000/c@sha256:" + "a" * 64),
        ((*AGENT, "runtime", "settings", "registryCredentials", "acr", "address"), "ACR.azurecr.io"),
        ((*AGENT, "runtime", "settings", "registryCredentials", "acr", "address"), "https://index.docker.io/v1/"),
        ((*AGENT, "runtime", "settings", "registryCredentials", "acr", "address"), "$upstream:443"),
        ((*AGENT, "modules", "counter", "settings", "createOptions"), '{"HostConfig": {"Privileged": "true"}}'),
    ],
)  # fmt: skip
def test_what_the_runtime_takes_is_not_refused(content, path, value):
    if path[-1] == "createOptions":
        content["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["counter"]["settings"].pop(
            "createOptions01", None
        )
    assert errors(put(content, path, value)) == []


def test_a_section_that_is_not_there_is_remarked(content):
    del content["modulesContent"]["$edgeHub"]
    assert [(problem.place, problem.severity) for problem in validate(content)] == [("$edgeHub", "warning")]


def test_words_in_another_letter_case(content):
    put(content, (*AGENT, "modules", "counter", "status"), "Running")
    put(content, (*AGENT, "modules", "counter", "restartPolicy"), "OnFailure")
    remedies = [(problem.severity, problem.remedy) for problem in validate(content)]
    assert remedies == [("warning", "Write running."), ("warning", "Write on-failure.")]


def test_routes_of_modules_that_are_not_there(content):
    put(content, (*HUB, "routes", "a"), "FROM /messages/modules/countr/outputs/* INTO $upstream")
    put(content, (*HUB, "routes", "b"), 'FROM /messages/* INTO BrokeredEndpoint("/modules/gone/inputs/in")')
    problems = [problem for problem in validate(content) if problem.place.startswith("$edgeHub.routes")]
    assert [(problem.severity, problem.remedy) for problem in problems] == [
        ("warning", "Did you mean counter?"),
        ("warning", "Add the module, or delete the route."),
    ]


def test_what_edge_hub_finds_only_later_is_said_so(content):
    put(content, (*HUB, "routes", "a"), "FROM /messages/* WHERE temperature > 30 INTO $upstream")
    (problem,) = errors(content)
    assert "reports 200 and goes on with its old routes" in problem.message and "as_number" in problem.remedy


KEYS = st.sampled_from((
    "$edgeAgent", "$edgeHub", "properties.desired", "schemaVersion", "routes", "modules", "systemModules", "settings", "env", "image",
    "createOptions", "createOptions01", "registryCredentials", "runtime", "address", "storeAndForwardConfiguration", "r", "route",
))  # fmt: skip
SOUND = json.loads(
    next((Path(__file__).parents[2] / "cases" / "field").glob("01-*")).joinpath("manifest.json").read_text("utf-8")
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@given(
    JUNK,
    st.sampled_from((HUB, AGENT, ("modulesContent",), (*AGENT, "modules"), (*AGENT, "modules", "counter"), (*HUB, "routes"))),
)
@settings(max_examples=150, deadline=None)
def test_no_manifest_raises(junk, path):
    for problem in validate(put(copy.deepcopy(SOUND), path, junk)):
        assert problem.place and problem.message and problem.severity in ("error", "warning")


def test_create_options_as_an_object_are_checked_as_the_text_that_is_sent(content):
    """As templates of the IoT Edge tools have them: a twin takes no key with a dot, a label of Docker may have some."""
    options = {"Labels": {"com.docker.compose.version": "1.2.3"}, "HostConfig": {"Binds": ["/data:/data"]}}
    put(content, (*AGENT, "modules", "counter", "settings"), {"image": "a.azurecr.io/c:1", "createOptions": options})
    assert list(validate(load(json.dumps(content)))) == []


def test_the_name_that_the_preview_had_for_a_manifest(content):
    """``az iot edge`` takes it, too (operations/hub.py, legacy_edge_key)."""
    assert load(json.dumps({"moduleContent": content["modulesContent"]})) == content
    assert load(json.dumps({"content": {"moduleContent": content["modulesContent"]}})) == content
