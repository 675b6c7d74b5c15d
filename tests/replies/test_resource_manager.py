"""A resource manager that misbehaves, and links that lead elsewhere."""

from collections.abc import Callable

import pytest
from replies.misbehaving import MISBEHAVIOURS, Server, json_reply, reply

from services.contexts import discovery, sign_in
from services.contexts.discovery import FoundHub, ResourceManager
from services.contexts.model import CloudSettings, Context
from services.replies.bounds import Bounds

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
HUB_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h"


@pytest.fixture
def manager(server: Server, monkeypatch: pytest.MonkeyPatch) -> ResourceManager:
    monkeypatch.setattr(discovery, "token", lambda context: ("CANARYTOKEN", 2**40))
    cloud = CloudSettings(f"https://{server.host}", f"https://{server.host}", server.ca_file)
    return ResourceManager(Context("other", cloud=cloud), bounds=Bounds(bytes=1_000_000, read_seconds=1.0, seconds=0.5))


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_nothing_is_read_from_a_reply_that_is_none(manager: ResourceManager, server: Server, error_of: Callable, name: str):
    server.behave = MISBEHAVIOURS[name]
    assert error_of(lambda: manager.hubs(SUBSCRIPTION)).code in ("arm.reply", "arm.unreachable")


READS = {
    "subscriptions": lambda manager: manager.subscriptions(),
    "workspaces": lambda manager: manager.workspaces(SUBSCRIPTION),
    "hubs": lambda manager: manager.hubs(SUBSCRIPTION),
    "registries": lambda manager: manager.registries(SUBSCRIPTION),
    "hub": lambda manager: manager.hub(HUB_ID),
    "hub plan": lambda manager: manager.hub_plan(HUB_ID),
    "policies": lambda manager: manager.hub_connection_string(FoundHub(HUB_ID, "h", "h.azure-devices.net")),
    "workspace": lambda manager: manager.workspace(SUBSCRIPTION, "g", "w"),
}
BODIES = [
    {},
    {"value": None},
    {"value": {}},
    {"value": [1]},
    {"value": [[]]},
    {"value": [{}]},
    {"value": [{"id": 5}]},
    {"value": "x"},
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("name", READS)
def test_a_list_is_what_was_asked_for(manager: ResourceManager, server: Server, error_of: Callable, name: str, body: object):
    server.behave = json_reply(body)
    assert error_of(lambda: READS[name](manager)).code == "arm.reply"


def test_an_empty_list_is_said_when_the_service_says_one(manager: ResourceManager, server: Server):
    server.behave = json_reply({"value": []})
    assert manager.hubs(SUBSCRIPTION) == []


@pytest.mark.parametrize(
    "link", ["https://{other}/next", "http://{same}/next", "https://{same}.evil.example/", "https://127.0.0.71:1/", "next", 5]
)
def test_the_token_goes_to_no_other_page(
    manager: ResourceManager, server: Server, serve: Callable[..., Server], error_of: Callable, link: object
):
    other = serve("127.0.0.72")
    place = link.format(other=other.host, same=server.host) if isinstance(link, str) else link
    server.behave = json_reply({"value": [], "nextLink": place})
    assert error_of(lambda: manager.hubs(SUBSCRIPTION)).code in ("arm.reply", "arm.unreachable")
    assert other.requests == [] and len(server.requests) == 1


def test_pages_of_the_same_host_are_read(manager: ResourceManager, server: Server):
    row = {"id": HUB_ID, "name": "h", "properties": {"hostName": "h.azure-devices.net"}}
    server.routes["page=2"] = json_reply({"value": [row]})
    server.behave = json_reply({"value": [row], "nextLink": f"https://{server.host}/x?page=2"})
    assert len(manager.hubs(SUBSCRIPTION)) == 2
    assert all("Authorization: Bearer CANARYTOKEN" in request for request in server.requests)


def test_an_events_endpoint_elsewhere_is_given_no_key(manager: ResourceManager, server: Server, error_of: Callable):
    hub = FoundHub(HUB_ID, "h", "h.azure-devices.net", events_namespace="sb://evil.example/", events_entity="h")
    assert error_of(lambda: manager.events_connection_string(hub)).code == "context.untrusted-host"
    assert server.requests == []


@pytest.mark.parametrize(
    "name", ["redirect 307", "redirect 308", "page", "deep", "list of numbers", "garbled gzip", "null", "NaN"]
)
def test_a_sign_in_that_misbehaves(
    server: Server, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, error_of: Callable, name: str
):
    other = serve("127.0.0.72")
    server.behave = reply(int(name[-3:]), "", Location=f"https://{other.host}/") if "redirect" in name else MISBEHAVIOURS[name]
    monkeypatch.setenv("CANARY", "CANARYSECRET")
    cloud = CloudSettings(f"https://{server.host}", f"https://{server.host}", server.ca_file)
    principal = sign_in.SignIn("service-principal", "tenant", "client", sign_in_secret())
    assert error_of(lambda: sign_in.token(Context("other", cloud=cloud, sign_in=principal))).code.startswith("sign-in.")
    assert other.requests == []


def sign_in_secret() -> object:
    from services.contexts.model import SecretSource

    return SecretSource("env", "CANARY")
