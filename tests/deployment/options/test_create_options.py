import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.client import run as client
from services.deployment.manifest.content import agent_of
from services.deployment.options.check import check
from services.deployment.options.client_arguments import OPTIONS
from services.deployment.options.docker_schema import SCHEMA
from services.deployment.options.placement import Placement
from services.deployment.options.presets import preset, presets, render


def found(options, around=None):
    text = options if isinstance(options, str) else json.dumps(options)
    return [(problem.severity, problem.message, problem.remedy) for problem in check(text, around).problems]


def one(options, around=None):
    problems = found(options, around)
    assert len(problems) == 1, problems
    return problems[0]


def test_the_samples_own_options_are_sound(content):
    host = json.loads(
        render(
            preset("fpga-host"),
        )
    )
    assert found(host, Placement.of(agent_of(content), "azureml-host")) == []
    assert found({"Tty": True, "Cmd": ["--input-tensors", "Placeholder:0", "--output-tensors", "a:0", "--wait", "0", "-s"]}) == []


@pytest.mark.parametrize("name", [item.name for item in presets()])
def test_no_preset_has_an_error(name):
    assert (
        check(
            render(
                preset(name),
            )
        ).errors
        == ()
    )


@pytest.mark.parametrize(
    ("options", "severity", "words"),
    [
        ({"HostConfg": {}}, "error", "HostConfig?"),
        ({"HostConfig": {"Priviledged": True}}, "error", "Privileged?"),
        ({"hostconfig": {}}, "warning", "HostConfig"),
        ({"PortBindings": {}}, "warning", "HostConfig"),
        ({"HostConfig": {"Tty": True}}, "warning", "beside HostConfig"),
        ({"Zebra": 1}, "warning", "Zebra"),
        ({"Tty": "true"}, "error", "true or false"),
        ({"Env": {"A": "1"}}, "error", "list"),
        ({"HostConfig": {"Memory": "1g"}}, "error", "number"),
        ({"HostConfig": {"Memory": 1.5}}, "error", "number"),
        ({"HostConfig": {"Devices": {}}}, "error", "list"),
        ({"HostConfig": {"PortBindings": {"80/tcp": {"HostPort": "80"}}}}, "error", "list"),
        ({"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": 80}]}}}, "warning", 'the agent reads "80"'),
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
        ({"PortBindings": {"90-80/tcp": []}}, "error", "range of ports"),
        ('{"HostConfig": {"Sysctls": {"net.a": "1", "net.a": "2"}}}', "error", "twice"),
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


HOST = {"HostConfig": {"NetworkMode": "host"}}
SHARED = {"HostConfig": {"NetworkMode": "container:azureml-host"}, "NetworkingConfig": {"EndpointsConfig": {}}}


def with_host(options, **keys):
    return {**options, "HostConfig": {**options.get("HostConfig", {}), **keys}}


# Each is refused by Docker or the agent, or loses data, for the reason its source gives (services/deployment/option_*.py).
@pytest.mark.parametrize(
    ("options", "severity", "words"),
    [
        (HOST, "warning", '{"EndpointsConfig": {"host": {}}}'),
        ({"HostConfig": {"NetworkMode": "none"}}, "warning", '{"EndpointsConfig": {"none": {}}}'),
        ({"HostConfig": {"NetworkMode": "container:a"}}, "warning", '{"EndpointsConfig": {}}'),
        ({"HostConfig": {"NetworkMode": "container:"}, "NetworkingConfig": {"EndpointsConfig": {}}}, "error", "names no container"),
        ({**HOST, "NetworkingConfig": {"EndpointsConfig": {"azure-iot-edge": {}}}}, "error", "azure-iot-edge neither"),
        ({**HOST, "NetworkingConfig": {"EndpointsConfig": None}}, "warning", "its own network"),
        ({"NetworkingConfig": {"EndpointsConfig": {"a": {}, "b": {}}}}, "error", "one network only"),
        ({**SHARED, "Hostname": "h"}, "error", "no Hostname"),
        ({**SHARED, "ExposedPorts": {"80/tcp": {}}}, "error", "no ExposedPorts"),
        (with_host(SHARED, PortBindings={"80/tcp": [{"HostPort": "80"}]}), "error", "no PortBindings"),
        (with_host(SHARED, Dns=["1.1.1.1"]), "error", "no Dns"),
        (with_host(SHARED, ExtraHosts=["a:1.1.1.1"]), "error", "no ExtraHosts"),
        ({"Hostname": "h", "HostConfig": {"UTSMode": "host"}}, "error", "UTSMode"),
        ({"HostConfig": {"PortBindings": {"443": [{"HostPort": "443"}], "443/TCP": [{"HostPort": "8443"}]}}}, "error", "same port"),
        ({"HostConfig": {"PortBindings": {"0/tcp": [{"HostPort": "443"}]}}}, "error", "no port"),
        ({"ExposedPorts": {"7000-7010/tcp": {}}}, "error", "range of ports"),
        ({"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "80/tcp"}]}}}, "error", "HostPort"),
        ({"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "0.0.0.0:80"}]}}}, "error", "HostPort"),
        ({"Volumes": {"/data": {}}}, "warning", '"Binds": ["data:/data"]'),
        ({"Volumes": {"data:/data": {}}}, "error", "SOURCE:TARGET"),
        ({"Volumes": {"data": {}}}, "error", "no absolute path"),
        ({"HostConfig": {"Mounts": [{"Type": "volume", "Target": "/data"}]}}, "warning", "unnamed volume"),
        ({"HostConfig": {"Mounts": [{"Type": "volume", "Source": "/srv", "Target": "/data"}]}}, "error", '"Type": "bind"'),
        ({"HostConfig": {"Mounts": [{"Type": "tmpfs", "Target": "/t", "BindOptions": {"Propagation": "shared"}}]}}, "error", "BindOptions"),
        ({"HostConfig": {"Binds": ["/a:/x", "/b:/x/"]}}, "error", "mounted already, by Binds"),
        ({"HostConfig": {"Binds": ["/a:/"]}}, "error", "whole file system"),
        ({"HostConfig": {"Binds": ["/a:/b:ro,rw"]}}, "error", "contradicts"),
        ({"HostConfig": {"Binds": ["~/a:/b"]}}, "error", "shell"),
        ({"HostConfig": {"Tmpfs": {"run": "rw"}}}, "error", "no absolute path"),
        ({"HostConfig": {"Binds": ["/a:/run"], "Tmpfs": {"/run": "rw"}}}, "error", "mounted already"),
        ({"HostConfig": {"RestartPolicy": {"Name": "unless_stopped"}}}, "error", "400"),
        ({"HostConfig": {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 3}}}, "error", "on-failure only"),
        ({"HostConfig": {"RestartPolicy": {"Name": "always"}, "AutoRemove": True}}, "error", "AutoRemove"),
        ({"HostConfig": {"AutoRemove": "true"}}, "warning", "whenever it stops"),
        ({"HostConfig": {"Devices": ["/dev/video0:/dev/video1"]}}, "error", '"PathInContainer": "/dev/video1"'),
        ({"Cmd": "run --fast 'a b'"}, "error", '["run", "--fast", "a b"]'),
        ({"Entrypoint": "sh"}, "error", '["sh"]'),
        ({"Env": ["=x"]}, "error", "Docker refuses"),
        ({"Env": ["A = 1"]}, "warning", "blank"),
        ({"Env": ["A=1", "A=2"]}, "warning", "twice"),
        ({"HostConfig": {"Memory": "512m"}}, "error", "536870912"),
        ({"HostConfig": {"Memory": "1073741824"}}, "warning", "Write 1073741824"),
        ({"HostConfig": {"Memory": 1.5e9}}, "warning", "Write 1500000000"),
        ({"HostConfig": {"Memory": 10**30}}, "error", "whole number"),
        ({"HostConfig": {"NanoCpus": 1.5}}, "error", "whole number"),
        ({"HostConfig": {"ShmSize": -1}}, "error", "or more"),
        ({"HostConfig": {"Privileged": "true"}}, "warning", "Write true"),
        ({"HostConfig": {"Privileged": "yes"}}, "error", "true or false"),
        ({"HostConfig": {"Privileged": 1}}, "warning", "Write true"),
        ({"Tty": "true"}, "error", "true or false"),
        ({"Labels": {"a": 1}}, "warning", 'Write "1"'),
        ({"HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"max-file": 3}}}}, "warning", 'Write "3"'),
        ({"HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"max-sise": "3m"}}}}, "error", "max-size?"),
        ({"HostConfig": {"LogConfig": {"Type": "journald", "Config": {"max-size": "3m"}}}}, "error", "knows no max-size"),
        ({"HostConfig": {"LogConfig": {"Type": "local", "Config": {"max-size": "ten"}}}}, "error", "no size"),
        ({"HostConfig": {"LogConfig": {"Type": "local", "Config": {"max-file": "0"}}}}, "error", "from 1"),
        ({"HostConfig": {"Sysctls": {"vm.max_map_count": "262144"}}}, "error", "whole device"),
        ({**with_host(HOST, Sysctls={"net.core.somaxconn": "1"}), "NetworkingConfig": {"EndpointsConfig": {"host": {}}}}, "error", "device's own"),
        ({"HostConfig": {"SecurityOpt": ["seccomp=/etc/profile.json"]}}, "error", "reads no file"),
        ({"HostConfig": {"SecurityOpt": ["seccom=unconfined"]}}, "error", "seccomp?"),
        ({"HostConfig": {"Ulimits": [{"Name": "nofiles", "Soft": 1, "Hard": 2}]}}, "error", "nofile?"),
        ({"HostConfig": {"Ulimits": [{"Name": "nofile", "Hard": 2}]}}, "warning", "no Soft"),
        ({"HostConfig": {"DeviceRequests": [{"Count": -1, "DeviceIDs": ["0"], "Capabilities": [["gpu"]]}]}}, "error", "one way"),
        ({"HostConfig": {"CpusetCpus": "0,a"}}, "error", "list of processors"),
        ({"StopSignal": "SIGTREM"}, "error", "SIGTERM"),
        ({"Healthcheck": {"Test": "curl -f x", "Interval": 30 * 10**9}}, "error", '["CMD-SHELL", "curl -f x"]'),
        ({"Healthcheck": {"Test": ["CMD", "a"], "Interval": "30s"}}, "error", "30000000000"),
        ({"Healthcheck": {"Test": ["CMD", "a"], "Retries": -1}}, "error", "Retries"),
        ({"NetworkingConfig": {"EndpointsConfig": {"n": {"IPAMConfig": {"IPv4Address": "172.20.30.0/24"}}}}}, "error", "without a mask"),
        ({"HostConfig": {"PortBindings": {"80/tcp": "8080"}}}, "error", 'Write [{"HostPort": "8080"}]'),
        ({"HostConfig": {"PortBindings": {"80/tcp": ["8080"]}}}, "error", 'Write {"HostPort": "8080"}'),
        ({"HostConfig": {"PortBindings": {"80/tcp": {"HostPort": "8080"}}}}, "error", "put [ ] around it"),
        ({"HostConfig": {"Mounts": ["/a:/b"]}}, "error", "stands in Binds"),
        ({"HostConfig": {"LogConfig": "local"}}, "error", '{"Type": "local"}'),
        ({"HostConfig": {"RestartPolicy": "always"}}, "error", '{"Name": "always"}'),
        ({"HostConfig": {"Ulimits": ["nofile=1024:2048"]}}, "error", '"Soft": 1024, "Hard": 2048'),
        ({"Labels": ["a=b"]}, "error", '{ "NAME": "value"'),
        ({"Binds": ["/a:/b"], "Privileged": True, "NetworkMode": "host"}, "error", '{ "HostConfig": … } around'),
        ({"restart": "always"}, "error", "restart policy"),
        ({"image": "a:1", "createOptions": "{}"}, "error", "createOptions, and that alone"),
        ({"createOptions01": "{}"}, "error", "createOptions, and that alone"),
        ({"type": "docker", "status": "running", "settings": {"image": "a"}}, "error", "settings does not belong"),
        ([{"Id": "a", "Created": "b", "Config": {"Env": []}, "HostConfig": {}}], "error", "docker inspect"),
        ({"Id": "a", "State": {}, "HostConfig": {}}, "error", "Id does not belong"),
        ({"Tty": True, "HostConfig": {"Tty": True}}, "warning", "Delete it: it stands beside HostConfig"),
        ({"HostConfig": {}, "HostConfg": {}}, "warning", "check its spelling"),
        ("docker run -d -p 80:80 nginx", "error", "docker run's words"),
        ("--privileged -v /a:/b", "error", "docker run's words"),
        ("HostConfig:\n  Privileged: true\n", "error", "YAML"),
    ],
)  # fmt: skip
def test_what_the_engine_or_the_agent_refuses_or_loses(options, severity, words):
    problems = found(options)
    matching = [problem for problem in problems if words in " ".join(problem)]
    assert matching and matching[0][0] == severity, problems
    # Beside it stands at most the remark that the agent sets a key itself, or the advice for the whole.
    assert len(problems) <= 2, problems


def test_no_key_is_proposed_that_is_there():
    problems = found({"HostConfig": {"Binds": [], "Bind": []}, "Config": {}, "Env": [], "Envs": []})
    assert not [remedy for _, _, remedy in problems if "Did you mean" in remedy], problems


# As they stand in the public documents of IoT Edge and of its modules.
@pytest.mark.parametrize(
    "options",
    [
        {"HostConfig": {"DeviceRequests": [{"Driver": "", "Count": -1, "DeviceIDs": None, "Capabilities": [["gpu"]]}], "Runtime": "nvidia"}},
        {"HostConfig": {"Mounts": [MOUNT, {"Type": "tmpfs", "Target": "/t"}, {"Type": "volume", "Source": "vol", "Target": "/v"}]}},
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
        {"ExposedPorts": {"502": {}}, "HostConfig": {"PortBindings": {"7000/tcp": [{"HostPort": "7000-7010"}]}}},
        {"HostConfig": {"PortBindings": {"5/tcp": [{"HostPort": "5", "HostIp": "127.0.0.1"}]}}},
        {"Env": ["LOCAL_STORAGE_ACCOUNT_KEY=k=="], "HostConfig": {"Binds": ["my-volume:/blobroot", "/srv/x y:/d:ro,z"]}},
        {"MacAddress": "02:42:ac:11:00:02", "WorkingDir": "/app", "StopSignal": "SIGTERM", "User": "1000:1000", "NetworkDisabled": False},
    ],
)  # fmt: skip
def test_options_of_the_field_have_no_finding(options):
    assert found(options) == []


@pytest.mark.parametrize(
    "options",
    ["", "  ", "{}", '{"Cmd": ["a"]}', '{"Entrypoint": null}', '{"HostConfig": {"PortBindings": {"50051": [{"HostPort": ""}]}}}',
     '{"k8s-experimental": {"resources": {"limits": {"x": 1}}}}', '{"HostConfig": {"Binds": ["data:/data:ro"]}}',
     '{"Volumes": {"/a": {}}, "HostConfig": {"Binds": ["data:/a/"]}}', '{"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "0"}]}}}',
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
    around = Placement.of(agent_of(content), "new")
    assert "counter" in one(bind(8080), around)[1]
    severity, message, remedy = one(bind(443), around)
    assert severity == "error" and "edge runtime" in message and "8443" in remedy
    # The hub of this device does not bind 8883, so that it is only said.
    assert one(bind(8883), around)[0] == "warning"
    assert found(bind(8080), Placement.of(agent_of(content), "counter")) == []


def test_the_fpga():
    devices = [{"PathOnHost": f"/dev/catapult{n}", "PathInContainer": f"/dev/catapult{n}"} for n in (0, 1)]
    assert "without Privileged" in one({"HostConfig": {"Devices": devices}})[1]
    assert "without Privileged" in one({"HostConfig": {"Devices": devices, "Privileged": False}})[1]
    assert "catapult1" in one({"HostConfig": {"Devices": devices[:1], "Privileged": True}})[1]
    around = Placement(
        "b",
        others={
            "a": render(
                preset("fpga-host"),
            ),
            "c": render(
                preset("fpga-host-kubernetes"),
            ),
        },
    )
    messages = [message for _, message, _ in found(json.loads(render(preset("fpga-host"), {"port": "50060"})), around)]
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
    problem = one({"Cmd": arguments}, Placement("c", image="acr.azurecr.io/sample-client:1"))
    assert words in " ".join(problem)


@pytest.mark.parametrize(
    "arguments", [["-w", "0", "-s"], ["--wait=0"], ["-w5"], ["--out", "a:0,b:1"], ["-a", "10.0.0.4", "-p", "80"], []]
)
def test_the_clients_arguments_that_are_sound(arguments):
    assert found({"Cmd": arguments}, Placement("c", image="sample-client")) == []


def test_a_host_that_is_not_there():
    around = Placement("client", image="client", others={"edgeHub": "", "resnet-host": ""}, system=frozenset({"edgeHub"}))
    assert "resnet-host?" in one({"Cmd": ["-a", "resnet50-host"]}, around)[2]
    assert "without --address" in one({"Cmd": []}, around)[1]
    assert found({"Cmd": ["-a", "resnet-host"]}, around) == []


def test_the_table_of_the_clients_options_is_the_shipped_clients():
    actions = {option for action in client.parser()._actions for option in action.option_strings}
    assert actions == {name for long, (short, _) in OPTIONS.items() for name in (long, short)}


def test_other_modules_arguments_are_their_own():
    assert found({"Cmd": ["--anything"]}, Placement("m", image="acr.azurecr.io/other:1")) == []


def test_normalised_size_chunks_and_room(content):
    around = Placement.of(agent_of(content), "new")
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


@given(st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(sorted({key for keys in SCHEMA.values() for key in keys} | {"80/tcp", "host", "x"})), inner, max_size=5),
    ),
    max_leaves=20,
))  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_no_options_raise_and_what_is_sent_is_what_was_read(value):
    report = check(json.dumps(value))
    assert json.loads(report.normalised) == value
    assert all(problem.line >= 1 and problem.message for problem in report.problems)
