"""Wordings as hub, agent, hosts and networks give them, and the state that each one must name."""

# ruff: noqa: E501 - wordings stand as they come

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.diagnosis import RULES, diagnose, explain, network
from services.records import Evidence

HUB = "ErrorCode:{};Unauthorized"
CASES = [
    (
        "device-offline",
        Evidence("hub", 404, "404103", "ErrorCode:DeviceNotOnline;The operation failed because the device is not online"),
    ),
    ("device-offline", Evidence("hub", 404, "", '{"Message":"{\\"errorCode\\":404102,\\"message\\":\\"…\\"}"}')),
    ("module-missing", Evidence("hub", 404, "404010", "ErrorCode:ModuleNotFound;module x")),
    ("device-missing", Evidence("hub", 404, "DeviceNotFound", "ErrorCode:DeviceNotFound;E2")),
    ("desired-too-big", Evidence("hub", 403, "403100", "ErrorCode:DeviceModelMaxPropertiesExceeded;…")),
    (
        "string-too-big",
        Evidence("hub", 400, "ArgumentInvalid", "ErrorCode:ArgumentInvalid;Property or Tag value should be maximum 4096 bytes"),
    ),
    ("concurrent-apply", Evidence("hub", 409, "409402", "")),
    ("quota-exceeded", Evidence("hub", 403, "403002", "ErrorCode:IotHubQuotaExceeded")),
    ("throttled", Evidence("hub", 429, "429002", "")),
    ("basic-tier", Evidence("hub", 403, "403010", "")),
    ("token-expired", Evidence("hub", 401, "401003", "ErrorCode:IotHubUnauthorizedAccess;The specified SAS token is expired.")),
    ("unauthorized", Evidence("hub", 401, "401003", "ErrorCode:IotHubUnauthorizedAccess;Unauthorized")),
    ("agent-desired-locked", Evidence("hub", 401, "401100", "")),
    ("changed-meanwhile", Evidence("hub", 412, "", "")),
    ("one-identity-two-clients", Evidence("hub", 409, "409002", "")),
    ("hub-trouble", Evidence("hub", 500, "500001", "ErrorCode:ServerError")),
    (
        "too-many-readers",
        Evidence(
            "amqp",
            code="amqp:resource-limit-exceeded",
            text="Exceeded the maximum number of allowed receivers per partition in a consumer group which is 5.",
        ),
    ),
    ("link-stolen", Evidence("amqp", code="amqp:link:stolen", text="New receiver with higher epoch of '1' is created")),
    ("events-unauthorized", Evidence("amqp", code="amqp:unauthorized-access", text="Unauthorized access.")),
    ("consumer-group-missing", Evidence("amqp", code="amqp:not-found", text="The messaging entity 'x' could not be found.")),
    (
        "pull-unauthorized",
        Evidence(
            "agent",
            500,
            "deployment",
            "One or more errors occurred. (Error calling Create module host: Could not create module host\n\tcaused by: Could not pull image reg.io/a:1\n\tcaused by: Get https://reg.io/v2/a/manifests/1: unauthorized: authentication required)",
        ),
    ),
    ("pull-failed", Evidence("agent", 500, "deployment", 'Module host: registry operation error: pull image "reg.io/a:1"')),
    (
        "pull-denied",
        Evidence(
            "agent", 500, "deployment", "pull access denied for reg.io/a, repository does not exist or may require 'docker login'"
        ),
    ),
    ("slow-pull", Evidence("agent", 500, "deployment", "The operation was canceled.")),
    (
        "logs-filter",
        Evidence("agent", 400, "GetModuleLogs", "GetModuleLogs: The request is malformed: Invalid isoformat string: '10x'"),
    ),
    (
        "slow-pull",
        Evidence(
            "agent",
            500,
            "deployment",
            "The request was canceled due to the configured HttpClient.Timeout of 100 seconds elapsing.",
        ),
    ),
    (
        "port-taken",
        Evidence(
            "agent",
            500,
            "deployment",
            "driver failed programming external connectivity on endpoint host: Bind for 0.0.0.0:50051 failed: port is already allocated",
        ),
    ),
    (
        "port-taken",
        Evidence(
            "agent", 500, "deployment", "Error starting userland proxy: listen tcp4 0.0.0.0:50051: bind: address already in use"
        ),
    ),
    (
        "no-fpga",
        Evidence(
            "agent",
            500,
            "deployment",
            'error gathering device information while adding custom device "/dev/catapult0": no such file or directory',
        ),
    ),
    ("agent-stopped", Evidence("agent", 406, "deployment", "Agent is not running")),
    ("no-deployment", Evidence("agent", 417, "deployment", "Agent received empty configuration…")),
    ("bad-configuration", Evidence("agent", 400, "deployment", "Agent configuration format is invalid.")),
    (
        "schema-refused",
        Evidence("agent", 412, "deployment", "The deployment schema version 2.0 is not compatible with the expected version 1.1"),
    ),
    ("crash-segfault", Evidence("agent", 139, "backoff", "", module="m")),
    ("crash-killed", Evidence("agent", 137, "failed", "", module="m")),
    ("crash-illegal-instruction", Evidence("agent", 132, "backoff", "", module="m")),
    ("crash", Evidence("agent", 1, "backoff", "", module="m")),
    (
        "fpga-flashing",
        Evidence("grpc", code="UNAVAILABLE", text="AzureML host container is not done flashing the FPGA.", seconds=20),
    ),
    ("fpga-flashing", Evidence("grpc", code="UNAVAILABLE", text="no details")),
    ("fpga-flashing-too-long", Evidence("grpc", code="UNAVAILABLE", text="not ready", seconds=400)),
    (
        "host-gone",
        Evidence(
            "grpc",
            code="UNAVAILABLE",
            text="failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused",
        ),
    ),
    (
        "wrong-port",
        Evidence(
            "grpc",
            code="UNAVAILABLE",
            text="failed to connect to all addresses; last error: INTERNAL: Trying to connect an http1.x server (HTTP status 400)",
        ),
    ),
    ("tensor-names", Evidence("grpc", code="INVALID_ARGUMENT", text="no tensor x")),
    ("deadline", Evidence("grpc", code="DEADLINE_EXCEEDED", text="Deadline Exceeded")),
    ("wrong-service", Evidence("grpc", code="UNIMPLEMENTED", text="")),
    (
        "fpga-flashing",
        Evidence("client", text="Unable to inference because AzureML host container is not done flashing the FPGA."),
    ),
    (
        "fpga-flashing-too-long",
        Evidence("client", text="Unable to inference because AzureML host container is not done flashing the FPGA.", seconds=301),
    ),
    (
        "tensor-names",
        Evidence(
            "client", text="Unable to inference because the names of the input and output tensors used for scoring are incorrect."
        ),
    ),
    (
        "deadline",
        Evidence(
            "client",
            text="Unable to inference for unknown reason. See stack trace below:\nTraceback…\n\tstatus = StatusCode.DEADLINE_EXCEEDED\n",
        ),
    ),
    ("retries-included", Evidence("client", text="(1042 ms) The image a.jpg was classified as tabby with confidence 0.4.")),
    (
        "certificate-untrusted",
        Evidence(
            "network",
            text="[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in certificate chain",
        ),
    ),
    ("name-unresolved", Evidence("network", code="gaierror", text="[Errno -2] Name or service not known")),
    ("refused", Evidence("network", text="[Errno 111] Connection refused")),
    ("proxy-failed", Evidence("network", text="Cannot connect to proxy.', OSError('Tunnel connection failed: 403 Forbidden')")),
    ("clock-off", Evidence("network", code="clock-skew", seconds=7200)),
    ("clock-drift", Evidence("network", code="clock-skew", seconds=30)),
    (
        "role-missing",
        Evidence("workspace", 403, "AuthorizationFailed", "The client does not have authorization to perform action"),
    ),
    ("registry-unauthorized", Evidence("registry", 401, "UNAUTHORIZED", "authentication required")),
    ("image-missing", Evidence("registry", 404, "MANIFEST_UNKNOWN", "manifest unknown")),
]


@pytest.mark.parametrize(("state", "evidence"), CASES, ids=[f"{state}-{index}" for index, (state, _) in enumerate(CASES)])
def test_each_wording_names_its_state(state, evidence):
    found = diagnose(evidence)
    assert found[0].state == state
    error = explain(evidence)
    assert error.code == f"{evidence.source}.{state}"
    assert error.what and error.cause
    assert error.remedy
    if found[0].likely:
        assert found[0].settle
    assert found[0].evidence
    assert "{" not in error.what + error.cause + error.remedy


def test_every_rule_can_be_said_and_its_pattern_read():
    for source, rules in {**RULES, "network": network.RULES}.items():
        for rule in rules:
            assert re.fullmatch(r"[a-z0-9-]+", rule.state)
            assert rule.word and " " not in rule.word, rule
            assert not (rule.likely and not rule.settle), f"{source}: {rule.state} is likely, and nothing would settle it"
            re.compile(rule.pattern)


def test_two_pulls_that_fail_are_two_findings_and_a_port_beside_them_a_third():
    text = (
        "Could not pull image reg.io/a:1: unauthorized: authentication required. "
        "Could not pull image reg.io/b:2: unauthorized: authentication required. "
        "Bind for 0.0.0.0:50051 failed: port is already allocated"
    )
    found = diagnose(Evidence("agent", 500, "deployment", text))
    assert {finding.state for finding in found} == {"pull-unauthorized", "port-taken"}
    assert sum("reg.io/a:1" in finding.cause for finding in found) == 1
    assert sum("reg.io/b:2" in finding.cause for finding in found) == 1
    assert any("50051" in finding.reason for finding in found)


def test_unknown_evidence_is_shown_whole_sanitised_and_without_its_secrets():
    error = explain(Evidence("hub", 418, "418999", "tea\x1b[31mpot SharedAccessKey=c2VjcmV0;x password: hunter22"))
    assert error.code == "hub.unknown"
    assert "418999" in error.what
    assert "tea␛[31mpot" in error.cause and "tea␛[31mpot" in error.raw
    for secret in ("c2VjcmV0", "hunter22", "\x1b"):
        assert secret not in str(error) + error.raw


@pytest.mark.parametrize(
    "text",
    [
        "HostName=h;SharedAccessKeyName=owner;SharedAccessKey=SECRET+/=",
        "SharedAccessSignature sr=h&sig=SECRET%3D&se=1&skn=owner",
        "https://blob/x?sv=1&sig=SECRET",
        '{"registryCredentials":{"a":{"username":"u","password":"SECRET","address":"x"}}}',
        '"{\\"password\\":\\"SECRET\\"}"',
        "Authorization: Bearer SECRETSECRET",
        "http://user:SECRET@proxy:3128",
        '"primaryKey": "SECRET"',
    ],
)
def test_secrets_are_masked(text):
    error = explain(Evidence("hub", 400, "", text))
    assert "SECRET" not in error.raw + str(error)


@given(
    st.sampled_from(sorted(RULES)),
    st.none() | st.integers(-(10**9), 10**9),
    st.text(max_size=40),
    st.text(max_size=400),
    st.none() | st.floats(0, 1e9),
)
def test_any_evidence_gives_an_error_that_can_be_shown(source, status, code, text, seconds):
    error = explain(Evidence(source, status, code, text, seconds=seconds))
    assert error.what and error.code.startswith(source)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", str(error) + error.raw)


def test_a_huge_description_takes_no_time(benchmark_seconds=1.0):
    import time

    start = time.process_time()
    diagnose(Evidence("agent", 500, "deployment", "Could not pull image " * 200_000))
    assert time.process_time() - start < benchmark_seconds


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence("grpc", code="UNKNOWN", text="10.0.0.3:50051: strange (deadline 3 s)"),
        Evidence("agent", 500, "deployment", "something failed in a new way, running, 139"),
        Evidence("http", 200, "", "504 timeouts were counted"),
    ],
)
def test_numbers_and_words_in_passing_name_nothing(evidence):
    assert {finding.state for finding in diagnose(evidence)} <= {"host-error", "plan-failed", "unknown"}


@pytest.mark.parametrize("text", [
    "a-hub.azure-devices.net: HTTPSConnectionPool(host='a-hub.azure-devices.net', port=443): Max retries exceeded with url: /devices"
    " (Caused by NameResolutionError(\"Failed to resolve 'a-hub.azure-devices.net' ([Errno -2] Name or service not known)\"))",
    "a-hub.azure-devices.net:5671: [Errno -3] Temporary failure in name resolution",
])  # fmt: skip
def test_a_name_that_cannot_be_resolved_is_said(text):
    assert explain(Evidence("network", code="gaierror", text=text)).what == "The name a-hub.azure-devices.net cannot be resolved."
    assert explain(Evidence("network", code="gaierror", text="?")).what == "The name of the host cannot be resolved."
