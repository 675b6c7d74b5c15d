"""Wordings as people met them (issues of iotedge, moby, Azure's registry and SDKs; the agents' own sources, 1.0 to 1.5): each names
its state and its module, and is sure of it only where the words leave no choice."""

# ruff: noqa: E501 - wordings stand as they come

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from services.diagnosis import diagnose, findings
from services.hub.twin import state_of
from services.records import Device, Evidence

SURE, LIKELY = False, True
CREATE = "One or more errors occurred. (Error calling Create module host: Could not create module host\n\tcaused by: "
START = "Error calling start module host: Could not start module host\n\tcaused by: "
PULL = "Could not pull image r.azurecr.io/h:1\n\tcaused by: "
OCI = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "
ADDING = "error gathering device information while adding custom device "

OF_A_STEP = [
    # agents of 1.2 and later keep the engine's words to themselves
    ('Error calling prepare update for module host: registry operation error: pull image "r.azurecr.io/h:1"', "pull-failed", LIKELY),
    ('(Error calling Create module host: runtime operation error: create module "host")', "step-hidden", LIKELY),
    ('(Error calling start module host: runtime operation error: start module "host")', "step-hidden", LIKELY),
    # pulls
    (CREATE + PULL + "Get https://r.azurecr.io/v2/h/manifests/1: unauthorized: authentication required, visit https://aka.ms/acr/authorization", "pull-unauthorized", SURE),
    (PULL + "Head https://r.azurecr.io/v2/h/manifests/1: denied: client with IP '20.1.1.1' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.", "registry-firewall", SURE),
    (PULL + "pull access denied for h, repository does not exist or may require 'docker login': denied: requested access to the resource is denied", "pull-denied", SURE),
    (PULL + 'manifest for r.azurecr.io/h:1 not found: manifest unknown: manifest tagged by "1" is not found', "image-missing", SURE),
    (PULL + "no matching manifest for linux/arm64/v8 in the manifest list entries", "wrong-architecture", SURE),
    (PULL + "invalid reference format", "bad-image-name", SURE),
    (PULL + "write /var/lib/docker/tmp/GetImageBlob564898599: no space left on device", "disk-full", SURE),
    (PULL + 'Get "https://r.azurecr.io/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)', "registry-unreachable", SURE),
    (PULL + "Get https://r.azurecr.io/v2/: dial tcp: lookup r.azurecr.io on 192.168.10.10:53: server misbehaving", "registry-unreachable", SURE),
    (PULL + "error pulling image configuration: Get https://x.blob.core.windows.net/y: dial tcp 20.60.1.1:443: connect: connection refused", "registry-unreachable", SURE),
    (PULL + "Get https://r.azurecr.io/v2/: Proxy Authentication Required", "proxy-auth", SURE),
    (PULL + "Get https://r.azurecr.io/v2/: x509: certificate signed by unknown authority", "registry-untrusted", SURE),
    (PULL + "x509: certificate has expired or is not yet valid: current time 2018-01-01T00:00:00Z is before 2020-01-01T00:00:00Z", "device-clock", SURE),
    (PULL + "http: server gave HTTP response to HTTPS client", "registry-plain", SURE),
    (PULL + "toomanyrequests: You have reached your pull rate limit.", "registry-throttled", SURE),
    (PULL + "unexpected EOF", "pull-broken", SURE),
    (CREATE + "No such image: r.azurecr.io/h:1", "image-not-here", LIKELY),
    # the engine
    (START + ADDING + '"/dev/catapult0": no such file or directory', "no-fpga", SURE),
    (START + ADDING + '"/dev/video0": no such file or directory', "no-device", SURE),
    (START + "open /dev/catapult0: device or resource busy", "fpga-busy", SURE),
    (START + "open /dev/catapult0: operation not permitted", "fpga-refused", SURE),
    (START + "OCI runtime create failed: container with id exists: 10df3f2c: unknown", "engine-leftover", SURE),
    (START + OCI + 'exec: "python": executable file not found in $PATH: unknown', "command-missing", SURE),
    (START + OCI + 'exec: "/run.sh": permission denied: unknown', "command-refused", SURE),
    (START + OCI + 'error during container init: error mounting "/x" to rootfs at "/y": not a directory', "mount-failed", SURE),
    (START + OCI + "exec /usr/bin/python3: exec format error", "wrong-architecture", SURE),
    (START + OCI + "error during container init: write /proc/self/attr/keycreate: permission denied", "start-refused", LIKELY),
    (START + 'process_linux.go:297: applying cgroup configuration for process caused "No such device or address"', "limits-refused", LIKELY),
    (START + 'unable to retrieve OCI runtime error: exec: "nvidia-container-runtime": executable file not found in $PATH', "runtime-missing", SURE),
    (START + "driver failed programming external connectivity on endpoint host (ab): Bind for :::50051 failed: port is already allocated", "port-taken", SURE),
    (START + "listen tcp 10.1.2.3:50051: bind: cannot assign requested address", "bad-host-address", SURE),
    (START + "driver failed programming external connectivity on endpoint host: (iptables failed: iptables --wait -t nat", "engine-network", SURE),
    (CREATE + 'Conflict. The container name "/host" is already in use by container "abcd".', "name-taken", SURE),
    # what a pull ends with
    (PULL + "stream error: stream ID 5; INTERNAL_ERROR; received from peer", "pull-broken", SURE),
    (PULL + "http2: server sent GOAWAY and closed the connection", "pull-broken", SURE),
    (PULL + "write tcp 10.0.0.4:51234->20.60.1.1:443: write: broken pipe", "pull-broken", SURE),
    (PULL + "dial tcp: lookup r.azurecr.io: Temporary failure in name resolution", "registry-unreachable", SURE),
    (PULL + "dial tcp [::1]:443: connect: cannot assign requested address", "registry-unreachable", SURE),
    (PULL + "Tag 1 was not found in repository", "image-missing", SURE),
    (PULL + "error parsing HTTP 404 response body: invalid character 'p' after top-level value", "image-missing", SURE),
    (PULL + 'media type "application/vnd.oci.image.index.v1+json" in the manifest list entries unsupported', "image-format", SURE),
    (PULL + "[DEPRECATION NOTICE] Docker Image Format v1 and Docker Image manifest version 2, schema 1 support is disabled by default", "image-format", SURE),
    (PULL + "error pulling image configuration: unknown blob", "image-missing", SURE),
    (PULL + "invalid checksum digest format", "bad-image-name", SURE),
    (PULL + "tls: first record does not look like a TLS handshake", "registry-plain", SURE),
    ("Error calling prepare update for module host: The operation has timed out.", "slow-pull", LIKELY),
    # create options
    (CREATE + "Unknown runtime specified nvidia", "runtime-missing", SURE),
    (CREATE + "maximum retry count cannot be used with restart policy 'always'", "bad-create-options", SURE),
    (CREATE + "invalid character '}' looking for beginning of object key string", "bad-create-options", SURE),
    (CREATE + "invalid endpoint settings:\ninvalid IPv4 address: 300.1.1.1", "bad-create-options", SURE),
    (START + "user specified IP address is supported on user defined networks only", "bad-create-options", SURE),
    (START + "failed to create task for container: failed to initialize logging driver: dial tcp 10.0.0.1:24224: connect: connection refused", "bad-create-options", SURE),
    (START + "cannot join network of a non running container: ab12", "network-missing", SURE),
    (START + "joining network namespace of container: No such container: azureml-host", "network-missing", SURE),
    (START + "unable to find user appuser: no matching entries in passwd file", "user-missing", SURE),
    (START + OCI + 'chdir to cwd ("/app") set in config.json failed: no such file or directory: unknown', "command-missing", SURE),
    (START + "layer does not exist", "image-unpack", LIKELY),
    ("Error calling stop module host: Could not stop module host\n\tcaused by: tried to kill container, but did not receive an exit event", "engine-leftover", SURE),
    ("Error calling stop module host: cannot stop container: host: permission denied", "engine-leftover", SURE),
    # what nothing else knows is still said of its module
    ("Error calling start module host: Could not start module host\n\tcaused by: a wording of tomorrow", "plan-failed", LIKELY),
    (CREATE + "Range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available", "bad-create-options", SURE),
]  # fmt: skip
OF_THE_DEVICE = [
    ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", "engine-gone", SURE),
    ("Connection refused /var/run/iotedge/mgmt.sock", "edge-daemon-gone", SURE),
    ("A task was canceled.", "slow-pull", LIKELY),
    ("The operation has timed out.", "slow-pull", LIKELY),
    ("Das HttpClient.Timeout von 300 Sekunden ist abgelaufen.", "slow-pull", LIKELY),
    ("Error calling List modules: Could not list modules\n\tcaused by: operation timed out", "modules-unlisted", SURE),
    ("Connection refused (localhost:15580)", "edge-daemon-gone", SURE),
    ("Resource temporarily unavailable (h.azure-devices.net:443)", "agent-network", LIKELY),
    ("The SSL connection could not be established, see inner exception.", "agent-network", LIKELY),
    ("Could not acquire permit to call ModuleManager, hit limit of 5 concurrent requests", "edge-daemon-busy", SURE),
]
OF_A_MODULE = [
    # an agent on Kubernetes says 0 where the container never ran
    ("backoff", 0, "Module in Back-off reason: ImagePullBackOff", "pull-failed", LIKELY),
    ("failed", 137, "Module Failed reason: OOMKilled", "out-of-memory", SURE),
    ("failed", 0, "K8s reason: Unschedulable with message: 1 Insufficient microsoft.com/fpga_catapult.", "no-room", SURE),
    ("backoff", 0, "Module in Back-off reason: ContainerCreating", "starting", SURE),
    ("failed", 137, "", "crash-killed", LIKELY),
    ("backoff", 127, "", "command-missing", LIKELY),
    ("backoff", 0, "", "ended-well", SURE),
    ("failed", None, "", "crash", SURE),
    ("dead", None, "", "dead", SURE),
]


def found(text: str, module: dict | None = None) -> set[tuple[str, str, bool]]:
    """What is said of a device with a module ``host``, there or not, and ``other``, which is not: (module, state, likely)."""
    desired = {"type": "docker", "status": "running", "settings": {"image": "r.azurecr.io/h:1", "createOptions": "{}"}}
    twin = {
        "properties": {
            "desired": {
                "$version": 3,
                "modules": {"host": desired, "other": {**desired, "settings": {"image": "r.azurecr.io/o:1"}}},
            },
            "reported": {
                "lastDesiredVersion": 3,
                "lastDesiredStatus": {"code": 500 if text else 200, "description": text},
                "modules": {} if module is None else {"host": module},
            },
        }
    }
    every = findings(state_of(Device("d", True), twin, datetime.now(timezone.utc)))
    return {(one.module, one.state, one.likely) for one in every if one.state != "not-created"}


@pytest.mark.parametrize(("text", "state", "likely"), OF_A_STEP)
def test_a_step_that_failed(text, state, likely):
    assert found(text) == {("host", state, likely)}


@pytest.mark.parametrize(("text", "state", "likely"), OF_THE_DEVICE)
def test_the_device(text, state, likely):
    assert found(text) == {("", state, likely)}


@pytest.mark.parametrize(("status", "code", "text", "state", "likely"), OF_A_MODULE)
def test_a_module(status, code, text, state, likely):
    assert found("", {"runtimeStatus": status, "exitCode": code, "statusDescription": text}) == {("host", state, likely)}


def test_of_two_steps_that_failed_both_are_named():
    both = CREATE + PULL + "manifest unknown) (Error calling start module other: runtime operation error: start module other)"
    assert found(both) == {("host", "image-missing", SURE), ("other", "step-hidden", LIKELY)}


@pytest.mark.parametrize(
    ("evidence", "states"),
    [
        (Evidence("hub", 504, "", "<html>504 Gateway Time-out</html>"), ["hub-trouble"]),
        (Evidence("hub", 404, "", "<html>404</html>"), ["not-a-hub"]),
        (Evidence("hub", 407, "", "Proxy Authentication Required"), ["proxy-auth"]),
        (Evidence("hub", 401, "", "ErrorCode:IotHubUnauthorizedAccess;The specified SAS token is expired."), ["token-expired"]),
        (Evidence("amqp", code="ConnectError", text="[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"), ["certificate-untrusted"]),
        (Evidence("amqp", code="ConnectError", text="[Errno -3] Temporary failure in name resolution"), ["name-unresolved"]),
        (Evidence("amqp", code="amqp:client-error", text="CBS Token authentication failed.\nStatus code: None"), ["events-unauthorized"]),
        (Evidence("amqp", code="amqp:precondition-failed", text="At least one receiver for the endpoint is created with epoch of '0', and so non-epoch receiver is not allowed."), ["link-stolen"]),
        (Evidence("amqp", code="amqp:resource-limit-exceeded", text="The maximum number of connections was exceeded"), ["endpoint-limit"]),
        (Evidence("amqp", code="amqp:resource-limit-exceeded", text="Cannot allocate more handles. The maximum number of handles is 4999."), ["endpoint-limit"]),
        (Evidence("amqp", code="amqp:resource-limit-exceeded", text="ConnectionsQuotaExceeded for namespace x. 276167e3_G47"), ["endpoint-limit"]),
        (Evidence("amqp", code="amqp:socket-error", text="[Errno -2] Name or service not known"), ["name-unresolved"]),
        (Evidence("amqp", code="amqp:socket-error", text="[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"), ["certificate-untrusted"]),
        (Evidence("amqp", code="amqp:socket-error", text="[Errno 104] Connection reset by peer"), ["connection-cut"]),
        (Evidence("grpc", code="UNKNOWN", text="Object reference not set to an instance of an object."), ["tensor-names"]),
        (Evidence("grpc", code="INVALID_ARGUMENT", text="Expected image (JPEG, PNG, or GIF), got unknown format"), ["picture-refused"]),
        (Evidence("grpc", code="RESOURCE_EXHAUSTED", text="OOM when allocating tensor"), ["host-exhausted"]),
        (Evidence("grpc", code="UNAVAILABLE", text="Connect Failed"), ["host-gone"]),
        (Evidence("grpc", code="PERMISSION_DENIED", text="Received http2 header with status: 403"), ["wrong-port"]),
        (Evidence("registry", 403, "DENIED", "client with IP '1.2.3.4' is not allowed access."), ["registry-firewall"]),
        (Evidence("registry", None, "", "write /app/x: Permission denied"), ["unknown"]),
        (Evidence("network", text="certificate verify failed: Hostname mismatch, certificate is not valid for 'x'"), ["certificate-name"]),
        (Evidence("network", text="Tunnel connection failed: 407 Proxy Authentication Required"), ["proxy-auth"]),
        (Evidence("workspace", text="AADSTS50053: account is locked"), ["sign-in-failed"]),
    ],
)  # fmt: skip
def test_the_services(evidence, states):
    assert [one.state for one in diagnose(evidence)] == states
