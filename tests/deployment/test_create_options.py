import json

import pytest

from services.client import run as client
from services.deployment.client_arguments import OPTIONS
from services.deployment.create_options import check
from services.deployment.docker_schema import SCHEMA
from services.deployment.presets import preset, presets
from services.deployment.surroundings import Surroundings


def found(options, around=None):
    text = options if isinstance(options, str) else json.dumps(options)
    return [(problem.severity, problem.message, problem.remedy) for problem in check(text, around).problems]


def one(options, around=None):
    problems = found(options, around)
    assert len(problems) == 1, problems
    return problems[0]


def test_the_samples_own_options_are_sound(content):
    host = json.loads(preset("fpga-host").render())
    assert found(host, Surroundings.in_manifest(content, "azureml-host")) == []
    assert found({"Tty": True, "Cmd": ["--input-tensors", "Placeholder:0", "--output-tensors", "a:0", "--wait", "0", "-s"]}) == []


@pytest.mark.parametrize("name", [item.name for item in presets()])
def test_no_preset_has_an_error(name):
    assert check(preset(name).render()).errors == ()


@pytest.mark.parametrize(
    ("options", "severity", "words"),
    [
        ({"HostConfg": {}}, "error", "HostConfig?"),
        ({"HostConfig": {"Priviledged": True}}, "error", "Privileged?"),
        ({"hostconfig": {}}, "warning", "HostConfig"),
        ({"PortBindings": {}}, "error", "HostConfig"),
        ({"HostConfig": {"Tty": True}}, "error", "beside HostConfig"),
        ({"Zebra": 1}, "warning", "Zebra"),
        ({"Tty": "true"}, "error", "true or false"),
        ({"Env": {"A": "1"}}, "error", "list"),
        ({"HostConfig": {"Memory": "1g"}}, "error", "number"),
        ({"HostConfig": {"Memory": 1.5}}, "error", "number"),
        ({"HostConfig": {"Devices": {}}}, "error", "list"),
        ({"HostConfig": {"PortBindings": {"80/tcp": {"HostPort": "80"}}}}, "error", "list"),
        ({"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": 80}]}}}, "error", "quotes"),
        ({"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "99999"}]}}}, "error", "65535"),
        ({"HostConfig": {"PortBindings": {"http": [{"HostPort": "80"}]}}}, "error", "50051/tcp"),
        ({"ExposedPorts": {"70000/tcp": {}}}, "error", "port of the container"),
        ({"HostConfig": {"PortBindings": {"1/tcp": [{"HostPort": "80"}], "2/tcp": [{"HostPort": "80"}]}}}, "error", "twice"),
        ({"HostConfig": {"Binds": ["/etc/hosts"]}}, "warning", "unnamed volume"),
        ({"HostConfig": {"Binds": ["etc/hosts"]}}, "error", "SOURCE:TARGET"),
        ({"HostConfig": {"Binds": ["/a:b"]}}, "error", "absolute"),
        ({"HostConfig": {"Binds": ["./a:/b"]}}, "error", "volume"),
        ({"HostConfig": {"Binds": ["/a:/b:rx"]}}, "error", "ro or rw"),
        ({"HostConfig": {"Binds": ["/var/run/docker.sock:/var/run/docker.sock"]}}, "warning", "whole device"),
        ({"HostConfig": {"RestartPolicy": {"Name": "always"}}}, "warning", "restart policy"),
        ({"HostConfig": {"Mounts": [{"Type": "volume", "Sourc": "a", "Target": "/b"}]}}, "error", "Source?"),
        ("[]", "error", "object"),
        ('{"Tty": true, "Tty": false}', "error", "twice"),
        ("{", "error", "closed"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(options, severity, words):
    problem = one(options)
    assert problem[0] == severity and words in " ".join(problem)


MOUNT = {"Type": "bind", "Source": "/a", "Target": "/b"}
DEVICE = {"PathOnHost": "/dev/ttyS0", "PathInContainer": "/dev/ttyS0"}


@pytest.mark.parametrize(
    ("options", "severity", "words"),
    [
        ({"Mounts": [{**MOUNT, "Type": "bnd"}]}, "error", "bind?"),
        ({"Mounts": [{**MOUNT, "Source": "a"}]}, "error", "Source"),
        ({"Mounts": [{**MOUNT, "Target": "b"}]}, "error", "Target"),
        ({"Mounts": [{**MOUNT, "Type": "tmpfs"}]}, "error", "no Source"),
        ({"Mounts": [{**MOUNT, "BindOptions": {"Propagation": "rshard"}}]}, "error", "rshared?"),
        ({"Binds": ["/x:/b"], "Mounts": [MOUNT]}, "error", "mounted already, by Binds"),
        ({"Devices": [{**DEVICE, "CgroupPermissions": "rwx"}]}, "error", "rwm"),
        ({"Devices": [{"PathInContainer": "/dev/a"}]}, "error", "no PathOnHost"),
        ({"DeviceCgroupRules": ["81:* rmw"]}, "error", "no rule"),
        ({"Memory": 512}, "error", "536870912 is 512 MB"),
        ({"Memory": 2**63}, "error", "whole number"),
        ({"Memory": 2**30, "MemorySwap": 2**29}, "error", "less than Memory"),
        ({"NanoCpus": 10**9, "CpuQuota": 5000}, "error", "one way"),
        ({"BlkioWeight": 5}, "error", "10 to 1000"),
        ({"Ulimits": [{"Name": "nofile", "Soft": 5, "Hard": 2}]}, "error", "hard"),
        ({"CapAdd": ["NET_ADMN"]}, "error", "NET_ADMIN?"),
        ({"ExtraHosts": ["camera 10.0.0.7"]}, "error", "NAME:ADDRESS"),
        ({"Dns": ["1.1.1"]}, "error", "no address"),
        ({"IpcMode": "hosty"}, "error", "host?"),
        ({"NetworkMode": "hostt"}, "warning", "host?"),
        ({"LogConfig": {"Type": "json-fle"}}, "warning", "json-file?"),
        ({"NetworkMode": "host", "PortBindings": {"80/tcp": [{"HostPort": "80"}]}}, "warning", "do nothing"),
        ({"PortBindings": {"80/tcp": [{"HostPort": "80", "HostIp": "999.1.1.1"}]}}, "error", "no address"),
        ({"PortBindings": {"90-80/tcp": []}}, "error", "no port"),
        ('{"HostConfig": {"Sysctls": {"a": "1", "a": "2"}}}', "error", "twice"),
        ({"Healthcheck": {"Test": ["CMD", "a"], "Interval": 30}}, "error", "30000000000"),
        ({"Healthcheck": {"Test": ["curl", "a"]}}, "warning", "CMD-SHELL"),
        ({"WorkingDir": "app"}, "error", "absolute"),
        ({"MacAddress": "02:42"}, "error", "MacAddress"),
        ({"createOptions": {"Tty": True}}, "error", "what stands in its createOptions"),
        ({"ports": ["80:80"]}, "error", "Docker Compose"),
        (json.dumps('{"Tty":true}'), "error", "backslashes"),
        ('{\\"Tty\\":true}', "error", "backslashes"),
        ("\ufeff{}", "error", "U+FEFF"),
        ('{"Hostname": "\\ud800"}', "error", "half of a character"),
    ],
)  # fmt: skip
def test_what_docker_refuses_though_its_type_is_right(options, severity, words):
    inside = isinstance(options, str) or set(options) <= {*SCHEMA[""], "createOptions", "ports"}
    problems = found(options if inside else {"HostConfig": options})
    wanted = [problem for problem in problems if words in " ".join(problem)]
    assert wanted and wanted[0][0] == severity and len(problems) <= 2, problems


# As they stand in the public documents of IoT Edge and of its modules.
@pytest.mark.parametrize(
    "options",
    [
        {"HostConfig": {"DeviceRequests": [{"Driver": "", "Count": -1, "DeviceIDs": None, "Capabilities": [["gpu"]]}], "Runtime": "nvidia"}},
        {"HostConfig": {"Mounts": [MOUNT, {"Type": "tmpfs", "Target": "/t"}, {"Type": "volume", "Source": "v", "Target": "/v"}]}},
        {"HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}}},
        {"HostConfig": {"LogConfig": {"Type": "", "Config": None}}},
        {"Healthcheck": {"Test": ["CMD-SHELL", "curl -f http://localhost"], "Interval": 30 * 10**9, "Timeout": 0, "Retries": 3}},
        {"HostConfig": {"DeviceCgroupRules": ["c 81:* rmw", "c 189:* rmw"], "Binds": ["/dev:/dev"], "Devices": [DEVICE]}},
        {"HostConfig": {"NetworkMode": "host"}, "NetworkingConfig": {"EndpointsConfig": {"host": {}}}},
        {"NetworkingConfig": {"EndpointsConfig": {"azure-iot-edge": {"Aliases": ["x"], "IPAMConfig": {"IPv4Address": "172.20.30.33"}}}}},
        {"HostConfig": {"Memory": 2**29, "MemorySwap": -1, "NanoCpus": 15 * 10**8, "OomScoreAdj": -500, "MemorySwappiness": -1, "PidsLimit": -1}},
        {"HostConfig": {"CapAdd": ["NET_ADMIN", "CAP_SYS_PTRACE", "all"], "IpcMode": "container:a", "PidMode": "host"}},
        {"HostConfig": {"ExtraHosts": ["a:1.2.3.4", "b:host-gateway"], "Dns": ["1.1.1.1", "::1"], "Tmpfs": {"/run": "rw"}}},
        {"HostConfig": {"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": -1}], "ShmSize": 67108864}},
        {"ExposedPorts": {"502": {}}, "HostConfig": {"PortBindings": {"7000-7010/tcp": [{"HostPort": "7000-7010"}]}}},
        {"HostConfig": {"PortBindings": {"5/tcp": [{"HostPort": "5", "HostIp": "127.0.0.1"}]}}},
        {"Env": ["LOCAL_STORAGE_ACCOUNT_KEY=k=="], "HostConfig": {"Binds": ["my-volume:/blobroot", "/srv/x y:/d:ro,z"]}},
        {"MacAddress": "02:42:ac:11:00:02", "WorkingDir": "/app", "StopSignal": "SIGTERM", "User": "1000:1000", "NetworkDisabled": False},
    ],
)  # fmt: skip
def test_options_of_the_field_have_no_finding(options):
    assert found(options) == []


@pytest.mark.parametrize(
    "options",
    ["", "  ", "{}", '{"Cmd": "a b"}', '{"Cmd": ["a"]}', '{"Entrypoint": null}', '{"HostConfig": {"PortBindings": {"50051": [{"HostPort": ""}]}}}',
     '{"k8s-experimental": {"resources": {"limits": {"x": 1}}}}', '{"HostConfig": {"Binds": ["data:/data:ro"]}}', '{"Volumes": {"/a": {}}}',
     '{"HostConfig": {"PortBindings": {"53/udp": [{"HostPort": "53"}], "53/tcp": [{"HostPort": "53"}]}}}'],
)  # fmt: skip
def test_what_is_sound_is_left_alone(options):
    assert found(options) == []


def test_line_and_column():
    problem = check('{\n  "HostConfig": {\n    "Privileged": "yes"\n  }\n}').problems[0]
    assert (problem.line, problem.column) == (3, 19)


def bind(port):
    return {"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": str(port)}]}}}


def test_ports_of_others(content):
    around = Surroundings.in_manifest(content, "new")
    assert "counter" in one(bind(8080), around)[1]
    severity, message, remedy = one(bind(443), around)
    assert severity == "error" and "edge runtime" in message and "8443" in remedy
    # The hub of this device does not bind 8883, so that it is only said.
    assert one(bind(8883), around)[0] == "warning"
    assert found(bind(8080), Surroundings.in_manifest(content, "counter")) == []


def test_the_fpga():
    devices = [{"PathOnHost": f"/dev/catapult{n}", "PathInContainer": f"/dev/catapult{n}"} for n in (0, 1)]
    assert "without Privileged" in one({"HostConfig": {"Devices": devices}})[1]
    assert "without Privileged" in one({"HostConfig": {"Devices": devices, "Privileged": False}})[1]
    assert "catapult1" in one({"HostConfig": {"Devices": devices[:1], "Privileged": True}})[1]
    around = Surroundings("b", others={"a": preset("fpga-host").render(), "c": preset("fpga-host-kubernetes").render()})
    messages = [message for _, message, _ in found(json.loads(preset("fpga-host").render({"port": "50060"})), around)]
    assert [name in message for name, message in zip("ac", messages, strict=True)] == [True, True]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--imput-tensors", "a:0"], "--input-tensors?"),
        (["--wait"], "lacks its value"),
        (["--wait", "-s"], "lacks its value"),
        (["--wait", "soon"], "seconds"),
        (["--port", "500510"], "port"),
        (["--suppress-messages=1"], "no value"),
        (["--wait 10"], "two texts"),
        (["extra"], "knows no argument"),
        (["-x"], "knows no argument"),
        (["--output-tensors", "Softmax"], "tensor"),
    ],
)
def test_the_clients_arguments(arguments, words):
    problem = one({"Cmd": arguments}, Surroundings("c", image="acr.azurecr.io/sample-client:1"))
    assert words in " ".join(problem)


@pytest.mark.parametrize(
    "arguments", [["-w", "0", "-s"], ["--wait=0"], ["-w5"], ["--out", "a:0,b:1"], ["-a", "10.0.0.4", "-p", "80"], []]
)
def test_the_clients_arguments_that_are_sound(arguments):
    assert found({"Cmd": arguments}, Surroundings("c", image="sample-client")) == []


def test_a_host_that_is_not_there():
    around = Surroundings("client", image="client", others={"edgeHub": "", "resnet-host": ""}, system=frozenset({"edgeHub"}))
    assert "resnet-host?" in one({"Cmd": ["-a", "resnet50-host"]}, around)[2]
    assert "without --address" in one({"Cmd": []}, around)[1]
    assert found({"Cmd": ["-a", "resnet-host"]}, around) == []


def test_the_table_of_the_clients_options_is_the_shipped_clients():
    actions = {option for action in client.parser()._actions for option in action.option_strings}
    assert actions == {name for long, (short, _) in OPTIONS.items() for name in (long, short)}


def test_other_modules_arguments_are_their_own():
    assert found({"Cmd": ["--anything"]}, Surroundings("m", image="acr.azurecr.io/other:1")) == []


def test_normalised_size_chunks_and_room(content):
    around = Surroundings.in_manifest(content, "new")
    report = check('{ "Tty" : true }', around)
    assert (report.normalised, report.size, report.chunks) == ('{"Tty":true}', 12, 1)
    assert report.room == around.room - 12 - len("createOptions")
    big = check(json.dumps({"Labels": {str(n): "x" * 500 for n in range(80)}}), around)
    assert big.room < 0 and any("too few" in problem.message for problem in big.errors)
    assert any("chunks" in problem.message for problem in big.problems)


def test_the_schema_names_only_objects_that_it_has():
    plain = {"str", "int", "num", "bool", "any", ""}
    for keys in SCHEMA.values():
        for kind in keys.values():
            for part in kind.split("|"):
                assert part.strip("[]{}") in plain | set(SCHEMA)


def test_null_is_no_options():
    assert check("null").problems == ()


def test_a_client_is_known_by_a_misspelt_argument_too():
    found = check('{"Cmd": ["--input-tensor", "Placeholder:0", "--output-tensrs", "a:0", "--waite", "0"]}').errors
    assert ["--output-tensrs" in found[0].message, "--waite" in found[1].message] == [True, True]
