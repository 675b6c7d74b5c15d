"""Words of engine, daemon and registry for a step that failed, as reports and sources give them, in every wrapping that an agent
from 1.0.0 to 1.6 hands on: each names its state."""

# ruff: noqa: E501 - wordings stand as they come

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.diagnosis import RULES, diagnose
from services.diagnosis.nearest import nearest_kind
from services.records import DesiredModule, Device, DeviceState, Evidence, Module

OCI = "OCI runtime create failed: container_linux.go:380: starting container process caused: process_linux.go:545: container init caused: "
GET = 'Get "https://r.azurecr.io/v2/": '
PROXY = "driver failed programming external connectivity on endpoint m1 (fa6e): Error starting userland proxy: "

STARTS = [
    # ports
    (PROXY + "Bind for 0.0.0.0:443: unexpected error Permission denied", "port-taken"),  # iot-edge-v1#653
    (PROXY + "listen tcp4 0.0.0.0:50051: bind: address already in use", "port-taken"),
    ("failed to set up container networking: driver failed programming external connectivity on endpoint m1 (ab): failed to bind host port for 0.0.0.0:50051:172.18.0.3:50051/tcp: address already in use", "port-taken"),
    ("Ports are not available: exposing port TCP 0.0.0.0:443 -> 0.0.0.0:0: listen tcp 0.0.0.0:443: bind: Only one usage of each socket address is normally permitted.", "port-taken"),
    (PROXY + "listen tcp 0.0.0.0:443: bind: permission denied", "port-refused"),
    ("Ports are not available: listen tcp 0.0.0.0:50051: bind: An attempt was made to access a socket in a way forbidden by its access permissions.", "port-refused"),
    (PROXY + "error while calling PortManager.AddPort(): cannot expose privileged port 443, you can add 'net.ipv4.ip_unprivileged_port_start=443'", "port-refused"),
    (PROXY + "listen tcp4 10.0.0.9:80: bind: cannot assign requested address", "bad-host-address"),
    (PROXY + "mkdir /port/tcp:0.0.0.0:8883:tcp:172.18.0.3:8883: input/output error", "engine-network"),  # iotedge#856
    # devices
    ('linux runtime spec devices: error gathering device information while adding custom device "/dev/catapult1": no such file or directory', "no-fpga"),
    ('error gathering device information while adding custom device "/dev/ttyUSB0": no such file or directory', "no-device"),
    ('error gathering device information while adding custom device "/dev/foo": not a device node', "no-device"),
    ('error gathering device information while adding custom device "/dev/video0": operation not permitted', "device-refused"),
    ('error gathering device information while adding custom device "/dev/catapult0": permission denied', "fpga-refused"),
    # folders
    (OCI + 'rootfs_linux.go:75: mounting "/var/lib/iotedge/mnt/m1.sock" to rootfs at "/var/run/iotedge/workload.sock" caused: mount through procfd: not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)?', "mount-failed"),  # iotedge#5967
    ("error while creating mount source path '/data': mkdir /data: read-only file system", "read-only-disk"),
    ("error while creating mount source path '/data': mkdir /data: permission denied", "mount-failed"),
    ("get models: no such volume", "mount-failed"),
    ("path /x is mounted on / but it is not a shared mount", "mount-failed"),
    # networks
    ('failed to add interface veth15550b3 to sandbox: error setting interface "veth15550b3" IP to 172.18.0.5/16: cannot program address 172.18.0.5/16 in sandbox interface because it conflicts with existing route', "host-network"),
    ("cannot attach both user-defined and non-user-defined network-modes", "host-network"),
    ("Container cannot be connected to network endpoints: azure-iot-edge, host", "host-network"),
    ("container sharing network namespace with another container or host cannot be connected to any other network", "host-network"),
    ("conflicting options: port publishing and the container type network mode", "host-network"),
    ("could not find a network matching network mode plant: network plant not found", "network-missing"),
    ("network host not found", "network-missing"),  # iotedge#63
    ("network azure-iot-edge not found", "engine-network"),
    ("network 2ab5e0b65f36e1d3b0a2 not found", "engine-network"),
    ("endpoint with name m1 already exists in network azure-iot-edge", "engine-leftover"),  # iotedge#5435
    ("failed to create endpoint m1 on network nat: failed during hnsCallRawResponse: hnsCall failed in Win32: The process cannot access the file because it is being used by another process. (0x20)", "engine-network"),  # iotedge#5005
    ("could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network", "network-addresses"),
    ('bad format for add-host: "plc1"', "bad-add-host"),
    ('invalid IP address in add-host: "plc"', "bad-add-host"),
    # limits, runtime, command
    ("cgroups: cgroup mountpoint does not exist: unknown", "limits-refused"),  # iotedge#5812
    ("failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error running hook #0: error running hook: exit status 1, stdout: , stderr: Auto-detected mode as 'legacy'\nnvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: cannot open shared object file: no such file or directory: unknown", "runtime-missing"),
    ('could not select device driver "" with capabilities: [[gpu]]', "runtime-missing"),
    ("unknown or invalid runtime name: nvidia", "runtime-missing"),
    ("unable to find user app: no matching entries in passwd file", "user-missing"),
    ("Duplicate mount point: /data", "bad-create-options"),
    ('invalid port specification: "30000-30009"', "bad-create-options"),
    (OCI + 'exec: "/run.sh": permission denied: unknown', "command-refused"),
    ("no command specified", "command-missing"),
    # the engine
    ('Conflict. The container name "/m1" is already in use by container "abc". You have to remove (or rename) that container', "name-taken"),
    ("Conflict with current operation", "name-taken"),
    ("fork/exec /usr/bin/containerd-shim: resource temporarily unavailable", "device-exhausted"),
    ("cannot allocate memory: unknown", "device-exhausted"),
    ('connection error: desc = "transport: error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"', "engine-gone"),
    ("ttrpc: closed: unknown", "engine-gone"),
    ("error creating overlay mount to /var/lib/docker/overlay2/x/merged: invalid argument", "engine-leftover"),
    ("failed to update store for object type *libnetwork.endpointCnt: Key not found in store", "engine-leftover"),
    ("network id not found", "engine-network"),
    ('invalid CapAdd: unknown capability: "CAP_FOO"', "bad-create-options"),
    ("container 4c encountered an error during CreateContainer: failure in a Windows system call: The virtual machine could not be started because a required feature is not installed. (0xc0351000)", "start-refused"),
    ("write /var/lib/docker/containers/x/config.v2.json: input/output error", "disk-failing"),
    ('error mounting "/dev/catapult0" to rootfs at "/dev/catapult0": mount /dev/catapult0: permission denied', "fpga-refused"),
    ("write /var/lib/docker/x: no space left on device", "disk-full"),
    ("exec /app: exec format error", "wrong-architecture"),
]  # fmt: skip

PULLS = [
    (GET + "unauthorized: Access to the registry r.azurecr.io was denied. Response code 401", "pull-unauthorized"),
    ("Head \"https://r.azurecr.io/v2/h/manifests/1\": unauthorized: Invalid clientid or client secret.", "pull-unauthorized"),
    ("failed to resolve reference \"r.azurecr.io/h:1\": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://r.azurecr.io/oauth2/token: 401 Unauthorized", "pull-unauthorized"),
    ("denied: requested access to the resource is denied", "pull-denied"),
    ("pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed", "pull-denied"),
    ("manifest for r.azurecr.io/h:1 not found: manifest unknown: manifest unknown", "image-missing"),
    ("failed to resolve reference \"r.azurecr.io/h:9\": r.azurecr.io/h:9: not found", "image-missing"),
    ("name unknown: repository name not known to registry", "image-missing"),
    ("denied: client with IP '20.1.1.1' is not allowed access, refer https://aka.ms/acr/firewall to grant access", "registry-firewall"),
    ("image operating system \"windows\" cannot be used on this platform", "wrong-architecture"),
    ("no matching manifest for linux/arm/v7 in the manifest list entries", "wrong-architecture"),
    ("image with reference r.azurecr.io/h:1 was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)", "wrong-architecture"),
    ("a Windows version 10.0.17763-based image is incompatible with a 10.0.14393 host", "wrong-architecture"),
    ("unsupported media type application/vnd.oci.image.layer.v1.tar+zstd", "image-format"),
    ("missing signature key", "image-format"),
    ("failed to register layer: ApplyLayer exit status 1 stdout:  stderr: lchown /x: invalid argument", "image-unpack"),
    ("failed to register layer: write /usr/x: no space left on device", "disk-full"),
    ("There is not enough space on the disk.", "disk-full"),
    ("filesystem layer verification failed for digest sha256:ab", "pull-broken"),
    ("failed to copy: httpReadSeeker: failed open: unexpected status code https://r.azurecr.io/v2/h/blobs/sha256:fe: 500 Internal Server Error", "pull-broken"),
    (GET + "proxyconnect tcp: dial tcp 10.1.1.1:3128: connect: connection refused", "proxy-failed"),
    (GET + "Forbidden", "proxy-failed"),
    (GET + "Proxy Authentication Required", "proxy-auth"),
    (GET + "dial tcp: lookup r.azurecr.io on 127.0.0.53:53: read udp 127.0.0.1:4->127.0.0.53:53: i/o timeout", "registry-unreachable"),
    (GET + "dial tcp 204.79.197.219:443: connectex: A connection attempt failed because the connected party did not properly respond after a period of time", "registry-unreachable"),
    (GET + "net/http: TLS handshake timeout", "registry-unreachable"),
    (GET + "tls: failed to verify certificate: x509: certificate signed by unknown authority", "registry-untrusted"),
    (GET + "remote error: tls: handshake failure", "registry-untrusted"),
    ("unexpected HTTP status: 503 Service Unavailable", "pull-broken"),
    ('error parsing HTTP 403 response body: unexpected end of JSON input: ""', "proxy-failed"),
    ('error parsing HTTP 401 response body: unexpected end of JSON input: ""', "pull-unauthorized"),
    ("unknown: The operation is disallowed on this registry, repository or image. View troubleshooting steps at https://aka.ms/acr/faq/", "pull-denied"),
    ("denied: registry is disabled", "pull-denied"),
    ("manifest invalid: manifest invalid", "image-format"),
    ("toomanyrequests: You have reached your unauthenticated pull rate limit.", "registry-throttled"),
    ("unexpected status from HEAD request to https://r.azurecr.io/v2/h/manifests/1: 429 Too Many Requests", "registry-throttled"),
]  # fmt: skip


def _chain(step: str, words: str) -> str:
    return f"One or more errors occurred. (Error calling {step} module m1: Could not {step} module m1\n\tcaused by: {words})"


@pytest.mark.parametrize("beside", ["The operation was canceled.", "(The operation was canceled.)", "A task was canceled."])
def test_a_step_that_failed_beside_another_is_not_laid_to_its_module(beside: str) -> None:
    options = json.dumps({"HostConfig": {"PortBindings": {"50051/tcp": [{"HostPort": "50051"}]}}})
    host = Module("m1", DesiredModule("reg.io/host:1", options, "running"), None)
    state = DeviceState(Device("edge-1", False), (host,))
    bound = "Bind for 0.0.0.0:50051 failed: port is already allocated"
    evidence = Evidence("agent", 500, "deployment", f"{_chain('start', bound)} {beside}", state=state)
    assert {(finding.state, finding.module) for finding in diagnose(evidence)} == {("port-taken", "m1"), ("slow-pull", "")}


def _twice(step: str, words: str) -> str:
    return f"Error calling {step} module m1: Could not {step} module m1\n\tcaused by: Could not {step} module m1\n\tcaused by: {words}"


def _rust(step: str, words: str) -> str:
    return f'Error calling {step} module m1: Container runtime error - ApiError(ApiError {{ code: InternalServerError, content: Some(Object({{"message": String({json.dumps(words)})}})) }})'


def _docker(step: str, words: str) -> str:
    return f"One or more errors occurred. (Docker API responded with status code=InternalServerError, response={json.dumps({'message': words})}\n)"


def states(text: str) -> set[str]:
    return {finding.state for finding in diagnose(Evidence("agent", 500, "deployment", text))}


@pytest.mark.parametrize("wrap", [_chain, _twice, _rust, _docker])
@pytest.mark.parametrize(("words", "state"), STARTS)
def test_a_start_that_was_refused(wrap, words, state):
    assert states(wrap("start", words)) == {state}


@pytest.mark.parametrize("wrap", [_chain, _rust, _docker])
@pytest.mark.parametrize(("words", "state"), PULLS)
def test_a_pull_that_failed(wrap, words, state):
    assert states(wrap("create", f"Could not pull image r.azurecr.io/h:1\n\tcaused by: {words}")) == {state}


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("Error calling Create module m1: Could not create module m1", "step-hidden"),  # 1.3.0 drops the cause
        ('Error calling start module m1: runtime operation error: start module "m1"', "step-hidden"),
        ("Error calling Create module m1: Container runtime error", "step-hidden"),
        ('Error calling prepare update for module m1: registry operation error: pull image "r.azurecr.io/h:1"', "pull-failed"),
        ("Error calling stop module m1: Could not stop module m1\n\tcaused by: Target of operation already in this state", "container-gone"),
        ("Error calling stop module m1: Could not stop module m1\n\tcaused by: No such container: m1", "container-gone"),
        ("Error calling Delete module m1: Module not found", "container-gone"),
        ("Error calling Create identity for m1: A request to Azure IoT Hub failed", "identity-failed"),
        ("Permission denied /var/run/iotedge/mgmt.sock", "edge-daemon-gone"),
        ("Could not acquire permit to call ModuleManager, hit limit of 5 concurrent requests", "edge-daemon-busy"),
    ],
)  # fmt: skip
def test_a_daemon_that_keeps_the_cause_or_has_trouble_of_its_own(text, state):
    assert states(text) == {state}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Auf dem Datenträger ist kein Speicherplatz mehr (os error 28)", "disk"),
        ("Der Zugriff auf den Socket ist unzulässig: WinError 10048", "port"),
        ("le flux a rompu: x509 handshake", "certificates"),
    ],
)
def test_unknown_words_are_shown_whole_with_the_nearest_kind_as_a_guess(text, kind):
    assert kind in nearest_kind(text)
    one = diagnose(Evidence("agent", 500, "deployment", f"Error calling weave module m1: {text}"))[0]
    if one.state == "plan-failed":
        assert one.likely and text in one.evidence[1] and "a guess" in one.cause


def test_nothing_is_guessed_of_words_that_say_nothing():
    assert nearest_kind("der Fluss wurde verschränkt") == ""


@pytest.mark.parametrize("source", ["hub", "amqp", "registry", "network"])
def test_each_rule_of_a_service_names_its_source(source):
    from services.diagnosis import network

    rules = network.RULES if source == "network" else RULES[source]
    assert [rule.state for rule in rules if not rule.source] == []


def test_each_rule_of_a_step_names_its_source():
    from services.diagnosis.agent import container, engine, pull

    assert [rule.state for rule in (*container.RULES, *engine.RULES, *pull.RULES) if not rule.source] == []


_PIECES = [
    *(words for words, _ in STARTS + PULLS),
    "One or more errors occurred. (",
    ")",
    "\n\tcaused by: ",
    "\\",
    '"',
    "{",
    "Error calling ",
]


@given(st.lists(st.sampled_from(_PIECES), max_size=8).map("".join), st.sampled_from(sorted(RULES)))
def test_any_medley_of_words_gives_findings_that_can_be_shown(text, source):
    for finding in diagnose(Evidence(source, 500, "deployment", text)):
        assert finding.state and finding.word and finding.reason and finding.cause


@pytest.mark.parametrize("source", sorted(RULES))
@pytest.mark.parametrize("piece", ["https://", "0.0.0.0:", "a", "exec /", "image ", "denied: ", " ", "\\", "registry "])
def test_a_hostile_text_takes_no_time(source, piece):
    """Twins and replies may hold megabytes: a pattern that is quadratic in them stops the screen."""
    begun = time.process_time()
    diagnose(Evidence(source, 401 if source == "hub" else 500, "deployment", piece * (40_000 // len(piece))))
    assert time.process_time() - begun < 6.0  # what was quadratic took minutes
