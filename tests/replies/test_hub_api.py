"""azure-iot-hub and our own REST ask a hub for the same, and say the same of what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from replies.misbehaving import Server, json_reply, reply

from services.contexts import hub_api
from services.contexts.hub_api import HubApi
from services.contexts.hub_rest import HubRest
from services.contexts.model import Context, HubSettings, SecretSource
from services.errors import OperatorError
from services.hub.client import Hub
from services.records import Secret
from services.replies.bounds import Bounds

pytestmark = pytest.mark.skipif(not hub_api.has_sdk(), reason="azure-iot-hub has no wheels for this machine")
BOUNDS = Bounds(bytes=1_000_000, read_seconds=1.0, seconds=0.5)
KEY = "SharedAccessKeyName=owner;SharedAccessKey=Y2FuYXJ5LWNhbmFyeS1jYW5hcnk="
ODD = "a b/ö%$?#&+"  # in a URL's path
DESIRED = {"a": None, "b": [1, 2.5, None, True, {"c": "ö"}], "d": {"e": None}, "2026-01-01T00:00:00Z": "2026-01-01T00:00:00Z"}

CALLS: dict[str, Callable[[HubApi], Any]] = {
    "devices": lambda api: api.devices(1000),
    "device": lambda api: api.device(ODD),
    "modules": lambda api: api.modules(ODD),
    "twin": lambda api: api.module_twin(ODD, "$edgeAgent"),
    "patch": lambda api: api.patch_module_twin("d", ODD, DESIRED, "AAAA="),
    "patch with a quoted etag": lambda api: api.patch_module_twin("d", "m", {}, '"AAAA="'),
    "patch of any etag": lambda api: api.patch_module_twin("d", "m", {"a": 1}, "*"),
    "method of a module": lambda api: api.invoke("d", ODD, "ping", {"a": [None, "ö"]}, 5, 0),
    "method of a device": lambda api: api.invoke("d", None, "reboot", "text", 30, 10),
    "method with null": lambda api: api.invoke("d", "m", "ping", None, 5, 0),
    "method with an empty list": lambda api: api.invoke("d", "m", "ping", [], 5, 0),
    "query": lambda api: api.query("SELECT * FROM devices WHERE deviceId = 'ö'", None, 1000),
    "next page": lambda api: api.query("SELECT * FROM devices", "a+token=", 5),
    "apply": lambda api: api.apply(ODD, {"$edgeAgent": {"properties.desired": DESIRED}, "m": {}}),
    "configurations": lambda api: api.configurations(100),
    "statistics of devices": lambda api: api.device_statistics(),
    "statistics of the service": lambda api: api.service_statistics(),
}
_HEADERS = re.compile(r"(?im)^(accept|content-type|content-length|if-match|x-ms-[\w-]+): (.*?)\r?$")


def _request(text: str) -> tuple[str, list[tuple[str, str]], str, str]:
    """The first line, the headers that matter, whose key signed it for what, and the body."""
    head, _, body = text.partition("\r\n\r\n")
    signed = re.sub(r"sig=[^&]*&se=\d+", "", re.search(r"(?im)^authorization: (.*?)\r?$", head)[1])  # type: ignore[index]
    headers = sorted((name.lower(), value) for name, value in _HEADERS.findall(head))
    return head.split("\r\n")[0], headers, signed, body


@pytest.mark.parametrize("name", CALLS)
def test_both_send_the_same(server: Server, name: str) -> None:
    server.behave = json_reply({})
    sdk = hub_api.hub_by_key(Secret(f"HostName={server.host};{KEY}"), server.ca_file, BOUNDS)
    rest = HubRest(server.host, Secret(f"HostName={server.host};{KEY}"), server.ca_file, BOUNDS)
    assert CALLS[name](sdk).json() == CALLS[name](rest).json() == {}
    by_sdk, by_rest = map(_request, server.requests)
    assert by_sdk == by_rest


def _error(context: Context, monkeypatch: pytest.MonkeyPatch, *, by_sdk: bool) -> dict[str, Any]:
    with monkeypatch.context() as patched, pytest.raises(OperatorError) as caught:
        patched.setattr(hub_api, "has_sdk", lambda: by_sdk)
        Hub(context, bounds=BOUNDS).device_state("dev1")
    error = caught.value
    text = re.sub(r"0x[0-9a-f]+", "", error.raw)
    return {
        "what": error.what,
        "cause": error.cause,
        "remedy": error.remedy,
        "code": error.code,
        "state": error.state,
        "raw": text,
    }


ANSWERS = {
    "key": reply(
        401, '{"Message":"ErrorCode:IotHubUnauthorizedAccess;Unauthorized"}', iothub_errorcode="IotHubUnauthorizedAccess"
    ),
    "address": reply(403, '{"Message":"ErrorCode:IotHubForbidden;IP"}'),
    "missing": reply(404, '{"Message":"ErrorCode:DeviceNotFound;dev1"}', iothub_errorcode="DeviceNotFound"),
    "precondition": reply(412, '{"Message":"ErrorCode:PreconditionFailed;etag"}'),
    "quota": reply(429, '{"Message":"ErrorCode:ThrottlingException;later"}'),
    "trouble": reply(503, "<html>"),
    "captive": reply(200, "<html>Sign in</html>"),
    "redirect": reply(307, "", Location="https://127.0.0.88:1/"),
    "another shape": json_reply([]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_both_say_the_same_of_an_answer(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    server.behave = ANSWERS[name]
    context = _context(server.host, server.ca_file, tmp_path)
    assert _error(context, monkeypatch, by_sdk=True) == _error(context, monkeypatch, by_sdk=False)


@pytest.mark.parametrize("way", ["nobody", "no name", "untrusted", "no address"])
def test_both_say_the_same_of_no_answer(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    import certifi

    hosts = {"nobody": "127.0.0.79:1", "no name": "hub.invalid", "untrusted": server.host, "no address": "127.0.0.71:999999"}
    context = _context(hosts[way], certifi.where() if way == "untrusted" else server.ca_file, tmp_path)
    assert _error(context, monkeypatch, by_sdk=True) == _error(context, monkeypatch, by_sdk=False)


@pytest.mark.parametrize(
    "text", ["HostName=h;SharedAccessKeyName=n;SharedAccessKey=abc", "HostName=;SharedAccessKeyName=n;SharedAccessKey=YWJj"]
)
def test_a_string_that_cannot_sign_is_named_by_both(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for by_sdk in (True, False):
        monkeypatch.setattr(hub_api, "has_sdk", lambda by_sdk=by_sdk: by_sdk)
        with pytest.raises(OperatorError) as caught:
            hub_api.hub_by_key(Secret(text))
        assert caught.value.code == "hub.connection-string" and "abc" not in str(caught.value)


def _context(host: str, ca_file: str, folder: Path) -> Context:
    secret = folder / "connection"
    secret.write_text(f"HostName={host};{KEY}")
    secret.chmod(0o600)
    return Context("other", hub=HubSettings(host, SecretSource("file", str(secret)), ca_file=ca_file))
