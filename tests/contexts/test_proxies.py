"""One proxy for every leg: the context's, or the environment's, with NO_PROXY; and the leg that fails is named."""

from __future__ import annotations

import base64
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.cli.main import run
from services.contexts.connection_string import HubString, fields_of, parse_connection_string
from services.contexts.draft import Draft
from services.contexts.model import Context, EventSettings, HubSettings, SecretSource, SignIn
from services.contexts.proxies import proxy_for, use_proxy, without_password
from services.contexts.store import ContextStore
from services.hub.endpoint import find_endpoint
from services.names import hub_name
from services.operations.doctor.checks import network
from services.operations.doctor.checks.check import SharedFacts

KEY = base64.b64encode(b"k" * 32).decode()
EVENTS = f"Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=service;SharedAccessKey={KEY};EntityPath=hub"
NAMES = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that it is as before at the end
        monkeypatch.delenv(name)
    yield
    use_proxy("")


class Proxy(socketserver.ThreadingTCPServer):
    """Answers CONNECT as it is told to; ``asked`` are the heads of what it got."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = "200 Connection established"
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                head = b"".join(iter(self.rfile.readline, b"\r\n")).decode()
                proxy.asked.append(head)
                self.wfile.write(f"HTTP/1.1 {proxy.status}\r\n\r\n".encode())

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://user:geheim@127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def context(**fields: Any) -> Context:
    hub = HubSettings("my.azure-devices.net", SecretSource("env", "HUB"))
    return Context("edge", hub=hub, events=EventSettings(connection=SecretSource("env", "EVENTS")), **fields)


def test_a_context_s_proxy_takes_the_place_of_the_environment_s(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for("my.azure-devices.net") == ""
    monkeypatch.setenv("https_proxy", "http://corp:8080")
    monkeypatch.setenv("no_proxy", ".servicebus.windows.net,10.0.0.0/8")
    assert proxy_for("my.azure-devices.net") == "http://corp:8080"
    assert proxy_for("ns.servicebus.windows.net") == proxy_for("10.1.2.3") == ""
    for _ in range(2):
        use_proxy("http://own:3128")
        assert proxy_for("my.azure-devices.net") == "http://own:3128" and proxy_for("10.1.2.3") == ""
    use_proxy("")
    assert proxy_for("my.azure-devices.net") == "http://corp:8080"


@pytest.mark.parametrize(
    ("own", "no_proxy", "expected"),
    [("", "", "http://corp:8080"), ("http://events:1", "", "http://events:1"), ("", "servicebus.windows.net", "")],
)
def test_messages_go_by_the_same_proxy(monkeypatch: pytest.MonkeyPatch, own: str, no_proxy: str, expected: str) -> None:
    monkeypatch.setenv("EVENTS", EVENTS)
    monkeypatch.setenv("HTTPS_PROXY", "http://corp:8080")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    edge = context()
    assert find_endpoint(replace(edge, events=replace(edge.events, proxy=own))).proxy == expected


def test_the_doctor_names_the_legs_and_what_stands_before_them(monkeypatch: pytest.MonkeyPatch, proxy: Proxy) -> None:
    facts = SharedFacts(context(), "edge-1")
    assert [outcome.detail for outcome in network.proxy(facts)] == ["none, direct"]
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    [outcome] = network.proxy(facts)
    shown = without_password(proxy.url)
    assert (outcome.severity, outcome.detail) == ("ok", f"hub, messages by {shown}") and "geheim" not in shown
    assert proxy.asked[0].startswith("CONNECT my.azure-devices.net:443 ")
    assert base64.b64encode(b"user:geheim").decode() in proxy.asked[0]
    monkeypatch.setenv("NO_PROXY", "my.azure-devices.net")
    by_token = SharedFacts(replace(context(), hub=HubSettings("my.azure-devices.net"), sign_in=SignIn()), "edge-1")
    [outcome] = network.proxy(by_token)
    assert outcome.detail == f"Azure Resource Manager, sign-in by {shown}; hub, messages directly"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("407 Proxy Authentication Required", "It asks for a user and a password"),
        ("403 Forbidden", "have my.azure-devices.net:443 allowed"),
        ("502 Bad Gateway", "it must open tunnels (CONNECT) to port 443"),
    ],
)
def test_a_proxy_that_refuses_is_named_with_its_leg(
    monkeypatch: pytest.MonkeyPatch, proxy: Proxy, status: str, words: str
) -> None:
    proxy.status = status
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    hub, messages = network.proxy(SharedFacts(context(), "edge-1"))
    assert (hub.severity, hub.title, messages.title) == ("error", "Proxy for hub", "Proxy for messages")
    assert hub.finding is not None and words in hub.remedy and "geheim" not in repr(hub)


def test_a_pasted_host_for_devices_is_corrected_and_said() -> None:
    pasted = f"HostName=my.device.azure-devices.net;SharedAccessKeyName=service;SharedAccessKey={KEY}"
    parsed = parse_connection_string(pasted)
    assert isinstance(parsed, HubString) and parsed.host == "my.azure-devices.net" and parsed.corrected
    assert fields_of(parsed.text)["HostName"] == "my.azure-devices.net"
    assert Draft("edge").take(pasted) == (
        "hub my.azure-devices.net (pasted with the host for devices, which serves no console), policy service"
    )
    service = parse_connection_string(pasted.replace(".device.", ".service."))
    assert isinstance(service, HubString) and service.host == "my.service.azure-devices.net" and not service.corrected


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("my.azure-devices.net", "my"),
        ("my.service.azure-devices.net", "my"),
        ("my.device.azure-devices.cn", "my"),
        ("127.0.0.9", "127.0.0.9"),
    ],
)
def test_a_hub_s_name_is_the_first_part_of_its_host(host: str, name: str) -> None:
    assert hub_name(host) == name


def test_the_question_imports_no_requests() -> None:
    """Another thread may be importing it at that moment, and half of it would be found."""
    code = "import sys; from services.contexts.proxies import proxy_for; proxy_for('my.azure-devices.net'); print('requests' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_the_password_of_either_proxy_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    edge = context(proxy="http://user:geheim@corp:8080")
    ContextStore().add(replace(edge, events=replace(edge.events, proxy="http://user:geheim@events:1")))
    assert run(["context", "show", "edge", *arguments]) == 0
    text = capsys.readouterr().out
    assert "corp:8080" in text and "events:1" in text and "geheim" not in text
