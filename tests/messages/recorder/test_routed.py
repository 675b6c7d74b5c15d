"""Messages by token from an Event Hub that the hub routes to, through the recorder's own process."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.cli.main import run
from services.contexts.event_token import EventCredential
from services.contexts.model import CloudSettings, Context, EventSettings, HubSettings, SecretSource, SignIn
from services.contexts.store import ContextStore
from services.errors import OperatorError
from services.hub.endpoint import find_endpoint
from services.messages.recorder.handle import RecorderHandle
from services.messages.recorder.settings import Settings
from services.operations.message_routes import apply_routes, plan_routes

PRINCIPAL = SignIn("service-principal", "11111111-2222-3333-4444-555555555555", "app", SecretSource("env", "APP_SECRET"))
CONTEXT = Context(
    "site",
    hub=HubSettings("h.azure-devices.net"),
    sign_in=PRINCIPAL,
    events=EventSettings(namespace="site.servicebus.windows.net", event_hub="results"),
)


@pytest.fixture
def context(own_lab: dict[str, Any], tmp_path: Path) -> Context:
    """A context that receives from the lab's routed Event Hub with a service principal."""
    secret = tmp_path / "secret"
    secret.write_text(own_lab["client_secret"])
    secret.chmod(0o600)
    return dataclasses.replace(
        CONTEXT,
        hub=HubSettings(own_lab["host"], ca_file=own_lab["ca_file"]),
        cloud=CloudSettings(own_lab["https"], own_lab["https"], own_lab["ca_file"]),
        sign_in=SignIn("service-principal", own_lab["tenant"], own_lab["client_id"], SecretSource("file", str(secret))),
        events=EventSettings(namespace=own_lab["address"], event_hub=own_lab["routed_event_hub"], ca_file=own_lab["ca_file"]),
    )


def test_half_of_an_event_hub_is_no_endpoint() -> None:
    half = dataclasses.replace(CONTEXT, events=EventSettings(namespace="site.servicebus.windows.net"))
    with pytest.raises(OperatorError) as raised:
        find_endpoint(half)
    assert raised.value.code == "events.half-named"
    assert "event_hub" in raised.value.cause


def test_a_device_code_cannot_be_entered_in_the_recorder() -> None:
    with pytest.raises(OperatorError) as raised:
        find_endpoint(dataclasses.replace(CONTEXT, sign_in=SignIn("device-code")))
    assert raised.value.code == "events.device-code"


def test_the_recorder_is_given_what_it_signs_in_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("APP_SECRET", "hush-hush-hush")
    settings = Settings(find_endpoint(CONTEXT), tmp_path / "j.journal")
    assert "hush" not in repr(settings)
    text = settings.to_json()
    assert "hush-hush-hush" in text  # the child has no environment of ours
    monkeypatch.delenv("APP_SECRET")
    again = Settings.from_json(text).endpoint
    assert (again.namespace, again.entity) == ("site.servicebus.windows.net", "results")
    assert isinstance(again.credential, EventCredential)
    assert again.connection_string.reveal() == ""


@pytest.mark.parametrize(
    ("namespace", "scope"),
    [
        ("a.servicebus.windows.net", "https://eventhubs.azure.net//.default"),
        ("a.servicebus.usgovcloudapi.net", "https://eventhubs.azure.net//.default"),
        ("a.servicebus.chinacloudapi.cn", "https://eventhubs.chinacloudapi.cn/.default"),
    ],
)
def test_the_scope_is_that_of_the_cloud(namespace: str, scope: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("services.contexts.event_token.token", lambda _context, scope: asked.append(scope) or ("t", 1))
    context = dataclasses.replace(CONTEXT, events=EventSettings(namespace=namespace, event_hub="x"))
    assert EventCredential(context).get_token("https://eventhubs.azure.net//.default").token == "t"
    assert asked == [scope]


def test_tokens_are_renewed_and_a_role_that_is_taken_away_is_said(
    own_lab: dict[str, Any],
    context: Context,
    record: Callable[..., RecorderHandle],
    control: Callable[..., Any],
    eventually: Callable[..., Any],
) -> None:
    endpoint = find_endpoint(context)
    apply_routes(context, plan_routes(context, endpoint.namespace, endpoint.entity))
    control(own_lab, "faults", {"name": "short-tokens", "seconds": 15})
    handle = record(endpoint=endpoint)
    control(own_lab, "messages", {"count": 3})
    eventually(lambda: handle.status().committed == 3)
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 19)  # longer than a token lives
    control(own_lab, "messages", {"count": 3})
    status = eventually(lambda: (now := handle.status()).committed == 6 and now)
    assert status.error is None and status.state == "receiving"
    control(own_lab, "faults", {"name": "receiver-role-missing"})
    status = eventually(lambda: (now := handle.status()).error and now)
    assert status.error["code"] == "amqp.receiver-role-missing", dict(status.error)["raw"]
    assert "Azure Event Hubs Data Receiver" in status.error["remedy"]
    control(own_lab, "faults", {"name": "receiver-role-missing", "on": False})
    control(own_lab, "messages", {"count": 3})
    handle.try_now()
    eventually(lambda: (now := handle.status()).committed == 9 and not now.error)


def test_the_guide_shows_asks_writes_and_names_who_can_where_this_sign_in_cannot(
    own_lab: dict[str, Any], control: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DBE_CONSOLE_HOME", own_lab["config_home"])
    guide = ["context", "route-messages", "lab", "--namespace", own_lab["address"], "--event-hub", own_lab["routed_event_hub"]]
    control(own_lab, "faults", {"name": "hub-read-only"})
    assert run([*guide, "--yes"]) == 1
    output = capsys.readouterr()
    assert "az iot hub message-route create" in output.out and "every consumer of the hub" in output.err
    assert not ContextStore().resolve("lab").events.namespace
    control(own_lab, "faults", {"name": "hub-read-only", "on": False})
    assert run([*guide, "--dry-run"]) == 0
    assert "+ route dbe-console-events" in capsys.readouterr().out
    assert run([*guide, "--yes"]) == 0
    assert ContextStore().resolve("lab").events.event_hub == own_lab["routed_event_hub"]
    assert run([*guide, "--dry-run"]) == 0
    assert "already" in capsys.readouterr().out
