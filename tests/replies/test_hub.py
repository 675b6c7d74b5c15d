"""A hub that misbehaves, through azure-iot-hub and through our own REST: no false success, no unending wait, no key elsewhere."""

from collections.abc import Callable
from pathlib import Path

import pytest
from replies.misbehaving import AWAY, MISBEHAVIOURS, Server, json_reply, reply

from services.contexts.model import Context, HubSettings, SecretSource
from services.hub import endpoint
from services.hub.client import Hub
from services.replies.bounds import Bounds

pytestmark = pytest.mark.usefixtures("hub_client")

BOUNDS = Bounds(bytes=1_000_000, read_seconds=1.0, seconds=0.5)
KEY = "Y2FuYXJ5LWNhbmFyeS1jYW5hcnk="


@pytest.fixture
def hub(server: Server, tmp_path: Path) -> Hub:
    secret = tmp_path / "connection"
    secret.write_text(f"HostName={server.host};SharedAccessKeyName=owner;SharedAccessKey={KEY}")
    secret.chmod(0o600)
    settings = HubSettings(server.host, SecretSource("file", str(secret)), ca_file=server.ca_file)
    return Hub(Context("other", hub=settings), bounds=BOUNDS)


NO_REPLY = {"no HTTP", "nothing at all", "cut header", "silent", "endless header"}


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_nothing_is_read_from_a_reply_that_is_none(hub: Hub, error_of: Callable, server: Server, name: str):
    server.behave = MISBEHAVIOURS[name]
    error = error_of(hub.devices)
    assert error.code == "hub.reply" or (name in NO_REPLY and error.code.startswith("network.")), error.code


ACCEPTED = {"empty", "no content where it is owed"}  # 200 and 204 without a word are what an apply is answered with


@pytest.mark.parametrize("name", [name for name in MISBEHAVIOURS if name not in ACCEPTED])
def test_no_deployment_counts_as_accepted_by_it(hub: Hub, error_of: Callable, server: Server, name: str):
    server.behave = MISBEHAVIOURS[name]
    error = error_of(lambda: hub.apply("dev1", {"modulesContent": {"$edgeHub": {}}}))
    assert error.code == "hub.reply" or (name in NO_REPLY and error.code.startswith("network.")), error.code
    assert len(server.requests) == 1, "a change is sent once"


@pytest.mark.parametrize("behaviour", [reply(204), reply(200), reply(200, "{}")])
def test_what_an_apply_is_answered_with(hub: Hub, server: Server, behaviour: Callable):
    server.behave = behaviour
    hub.apply("dev1", {"modulesContent": {}})


OBJECTS_OWED = {
    "device": lambda hub: hub.device("dev1"),
    "module twin": lambda hub: hub.module_twin("dev1", "$edgeAgent"),
    "statistics": lambda hub: hub.statistics(),
    "method": lambda hub: hub.invoke("dev1", "$edgeAgent", "ping", {}, response_timeout=5, connect_timeout=0),
    "patch": lambda hub: hub.patch_module_twin("dev1", "host", {"a": 1}, "*"),
}


@pytest.mark.parametrize(
    "body", [[], [{"deviceId": "dev1"}], 5, "x", None, {}, {"status": "soon", "properties": []}, {"deviceId": None}]
)
@pytest.mark.parametrize("name", OBJECTS_OWED)
def test_an_object_is_what_was_asked_for(hub: Hub, error_of: Callable, server: Server, name: str, body: object):
    if name == "patch" and isinstance(body, dict):
        pytest.skip("it is answered with an object whose fields nobody reads")
    server.behave = json_reply(body)
    assert error_of(lambda: OBJECTS_OWED[name](hub)).code == "hub.reply"


@pytest.mark.parametrize("body", [{}, {"value": []}, [1], ["dev1"], [None], [[]], [{}], [{"id": "dev1"}], 5, None, "[]"])
def test_an_empty_list_is_said_only_when_the_hub_said_one(hub: Hub, error_of: Callable, server: Server, body: object):
    server.behave = json_reply(body)
    assert error_of(hub.devices).code == "hub.reply"


def test_an_empty_list_is_one(hub: Hub, server: Server):
    server.behave = json_reply([])
    assert hub.devices() == []


@pytest.mark.parametrize("pause", ["nan", "inf", "-5", "1e400", "soon", "0", "-inf"])
def test_no_pause_that_is_asked_for_breaks_or_holds_the_console(hub: Hub, error_of: Callable, server: Server, pause: str):
    server.behave = reply(429, "{}", Retry_After=pause)
    assert error_of(hub.devices).code.startswith("hub.")


@pytest.mark.parametrize("status", [307, 308, 302])
def test_neither_key_nor_manifest_goes_where_a_redirect_leads(
    hub: Hub, error_of: Callable, serve: Callable[..., Server], server: Server, status: int
):
    other = serve("127.0.0.72")
    server.behave = reply(status, "", Location=f"https://{other.host}/devices/dev1/applyConfigurationContent")
    error = error_of(lambda: hub.apply("dev1", {"modulesContent": {}}))
    assert error.code == "hub.reply" and other.host in error.cause
    assert other.requests == []


def test_a_netrc_does_not_replace_the_key(hub: Hub, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {server.address} login thief password thief\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.behave = json_reply([])
    hub.devices()
    assert "Authorization: SharedAccessSignature sr=" in server.requests[0]


def test_no_cookie_is_kept(hub: Hub, server: Server):
    server.behave = reply(200, "[]", Set_Cookie="canary=1; Path=/")
    hub.devices()
    hub.devices()
    assert len(server.requests) == 2 and "canary" not in server.requests[1]


def test_where_a_redirect_led_is_told(hub: Hub, error_of: Callable, server: Server):
    server.behave = reply(302, "", Location=AWAY)
    assert "127.0.0.88:1" in error_of(hub.devices).cause


def lead(context: Context, hostname: str, monkeypatch: pytest.MonkeyPatch) -> str:
    answer = {"address": f"amqps://{hostname}:5671/entity/$management", "hostname": hostname}
    monkeypatch.setattr(endpoint, "_answer", lambda question, seconds: answer)
    return endpoint.find_endpoint(context).namespace


@pytest.mark.parametrize(
    ("host", "namespace"),
    [
        ("hub.azure-devices.net", "iothub-ns-1.servicebus.windows.net"),
        ("hub.azure-devices.us", "iothub-ns-1.servicebus.usgovcloudapi.net"),
        ("hub.azure-devices.cn", "IOTHUB-ns-1.servicebus.chinacloudapi.cn."),
        ("127.0.0.71:8443", "127.0.0.71"),
        ("hub.example", "events.example"),
    ],
)
def test_where_the_hubs_key_may_sign_for_its_messages(hub_at, monkeypatch, host: str, namespace: str):
    assert lead(hub_at(host, "hub.example=events.example"), namespace, monkeypatch) == namespace


@pytest.mark.parametrize(
    "namespace",
    [
        "127.0.0.88",
        "servicebus.windows.net.evil.example",
        "evilservicebus.windows.net",
        "ns.servicebus.chinacloudapi.cn",
        "",
        "[::1",
    ],
)
def test_no_token_is_signed_for_another_host(hub_at, monkeypatch, error_of, namespace: str):
    error = error_of(lambda: lead(hub_at("hub.azure-devices.net"), namespace, monkeypatch))
    assert error.code == "context.untrusted-host" and "context trust" in error.remedy


@pytest.fixture
def hub_at(tmp_path: Path) -> Callable[..., Context]:
    def make(host: str, *trusted: str) -> Context:
        secret = tmp_path / "at"
        secret.write_text(f"HostName={host};SharedAccessKeyName=owner;SharedAccessKey={KEY}")
        secret.chmod(0o600)
        return Context("other", hub=HubSettings(host, SecretSource("file", str(secret))), trusted_hosts=trusted)

    return make
