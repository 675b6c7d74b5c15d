"""A registry that misbehaves; its redirects and its realms."""

import base64
from collections.abc import Callable

import pytest
from replies.misbehaving import MISBEHAVIOURS, Server, json_reply, reply

from services.contexts.model import Context
from services.records import RegistryCredentials, Secret
from services.registry import RegistryApi, parse_reference
from services.replies.bounds import Bounds

BOUNDS = Bounds(bytes=1_000_000, read_seconds=1.0, seconds=0.5)
PASSWORD = "CANARYREGPW"
BASIC = base64.b64encode(f"u:{PASSWORD}".encode()).decode()
DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def api(server: Server) -> Callable[..., RegistryApi]:
    def make(*trusted: str) -> RegistryApi:
        credentials = RegistryCredentials(server.host, "u", Secret(PASSWORD))
        context = Context("other", trusted_hosts=trusted)
        return RegistryApi(server.host, credentials, server.ca_file, context=context, bounds=BOUNDS)

    return make


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_no_image_is_read_from_a_reply_that_is_none(api: Callable, server: Server, error_of: Callable, name: str):
    server.behave = MISBEHAVIOURS[name]
    error = error_of(lambda: api().describe(parse_reference(f"{server.host}/a:1")))
    assert error.code.startswith(("registry.", "network.")), error.code


IS_A_REGISTRY = {"empty", "blank", "begun with content"}


@pytest.mark.parametrize("name", [name for name in MISBEHAVIOURS if name not in IS_A_REGISTRY])
def test_nobody_is_let_in_by_it(api: Callable, server: Server, error_of: Callable, name: str):
    server.behave = MISBEHAVIOURS[name]
    assert error_of(api().check).code.startswith(("registry.", "network."))


STRANGE = [
    {},
    {"manifests": 5},
    {"manifests": [1]},
    {"manifests": {"platform": {}}},
    {"manifests": None},
    {"config": "x"},
    {"config": [1]},
    {"config": None},
    {"fsLayers": 5},
]


@pytest.mark.parametrize("body", STRANGE)
def test_what_is_no_manifest(api: Callable, server: Server, error_of: Callable, body: object):
    server.behave = json_reply(body)
    assert error_of(lambda: api().describe(parse_reference(f"{server.host}/a:1"))).code == "registry.strange"


@pytest.mark.parametrize(
    "body",
    [
        {"manifests": [{"platform": "linux"}, {"platform": 5}, {"platform": {"os": 5, "architecture": ["sparc"]}}, {}]},
        {"manifests": []},
        {"config": {"digest": 5}},
        {"config": {"digest": "sha256:x"}},
        {"config": {}},
    ],
)
def test_an_odd_manifest_is_one_without_platforms_that_can_be_read(api: Callable, server: Server, body: object):
    server.behave = json_reply(body)
    facts = api().describe(parse_reference(f"{server.host}/a:1"))
    assert facts is not None and not any("sparc" in platform for platform in facts.platforms)


@pytest.mark.parametrize("config", ["deep", "NaN", "list of numbers", "garbled gzip", "page", "huge number", "null"])
def test_a_config_that_misbehaves(api: Callable, server: Server, error_of: Callable, config: str):
    server.routes["blobs"] = MISBEHAVIOURS[config]
    server.behave = json_reply({"config": {"digest": DIGEST}})
    assert error_of(lambda: api().describe(parse_reference(f"{server.host}/a:1"))).code == "registry.strange"


def test_a_read_follows_a_redirect_without_our_password(api: Callable, server: Server, serve: Callable[..., Server]):
    storage = serve("127.0.0.72")
    storage.behave = json_reply({"os": "linux", "architecture": "arm64"})
    server.routes["blobs"] = reply(307, "", Location=f"https://{storage.host}/signed?sig=1")
    server.routes["manifests"] = json_reply({"config": {"digest": DIGEST}})
    registry = api()
    registry._authorization = {"Authorization": f"Basic {BASIC}"}
    facts = registry.describe(parse_reference(f"{server.host}/a:1"))
    assert facts is not None and facts.platforms == ("linux/arm64",)
    assert BASIC in server.requests[0] and len(storage.requests) == 1
    assert "authorization" not in storage.requests[0].lower()


@pytest.mark.parametrize("place", ["http://{storage}/x", "ftp://{storage}/x", "https://[::1", ""])
def test_a_redirect_leads_by_https_alone(
    api: Callable, server: Server, serve: Callable[..., Server], error_of: Callable, place: str
):
    storage = serve("127.0.0.72", False)
    server.routes["blobs"] = reply(302, "", Location=place.format(storage=storage.host))
    server.routes["manifests"] = json_reply({"config": {"digest": DIGEST}})
    error = error_of(lambda: api().describe(parse_reference(f"{server.host}/a:1")))
    assert error.code == "registry.strange" and storage.requests == []


def test_a_redirect_in_circles(api: Callable, server: Server, error_of: Callable):
    server.behave = reply(302, "", Location="/v2/again")
    assert error_of(api().check).code == "registry.strange"
    assert len(server.requests) == 4


def challenged(server: Server, realm: str) -> None:
    server.behave = reply(401, "{}", WWW_Authenticate=f'Bearer realm="{realm}",service="x"')


def test_the_password_goes_to_no_realm_elsewhere(api: Callable, server: Server, serve: Callable[..., Server], error_of: Callable):
    other = serve("127.0.0.72")
    other.behave = json_reply({"token": "t"})
    challenged(server, f"https://{other.host}/token")
    error = error_of(api().check)
    assert error.code == "context.untrusted-host" and other.requests == []
    assert f"dbe-console context trust other --host {server.address}={other.address}" in error.remedy


def test_a_realm_that_was_confirmed_is_asked(api: Callable, server: Server, serve: Callable[..., Server], error_of: Callable):
    other = serve("127.0.0.72")
    other.behave = json_reply({"token": "TOKEN"})
    challenged(server, f"https://{other.host}/token")
    error = error_of(api(f"{server.address}={other.address}").check)
    assert BASIC in other.requests[0] and "unauthorized" in error.code
    assert "Authorization: Bearer TOKEN" in server.requests[1] and BASIC not in "".join(server.requests)


@pytest.mark.parametrize(
    "answer", [{}, {"token": 5}, {"token": ["x"]}, {"token": "a\r\nX: y"}, {"token": ""}, {"access_token": "ä"}]
)
def test_a_token_that_is_none(api: Callable, server: Server, error_of: Callable, answer: object):
    server.routes["token"] = json_reply(answer)
    challenged(server, f"https://{server.host}/token")
    assert error_of(api().check).code == "registry.strange"


def test_a_realm_that_redirects_is_not_followed(api: Callable, server: Server, serve: Callable[..., Server], error_of: Callable):
    other = serve("127.0.0.72")
    server.routes["token"] = reply(307, "", Location=f"https://{other.host}/token")
    challenged(server, f"https://{server.host}/token")
    assert error_of(api().check).code == "registry.strange" and other.requests == []


def test_a_netrc_replaces_no_token(api: Callable, server: Server, tmp_path, monkeypatch: pytest.MonkeyPatch):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {server.address} login thief password thief\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.behave = json_reply({})
    registry = api()
    registry._authorization = {"Authorization": "Bearer TOKEN"}
    registry.check()
    assert "Authorization: Bearer TOKEN" in server.requests[0]
