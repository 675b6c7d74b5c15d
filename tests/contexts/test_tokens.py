"""A context with data-plane roles alone: no key is listed, and everything goes by the sign-in's token."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.cli.main import run
from services.contexts.model import Context
from services.contexts.store import ContextStore
from services.errors import OperatorError
from services.hub.client import Hub
from services.hub.endpoint import find_endpoint
from services.hub.errors import reply_error

pytestmark = pytest.mark.usefixtures("hub_client")

SAID = '{{"Message": "ErrorCode:IotHubUnauthorizedAccess;Principal p is not authorized for {} due to no assigned permissions"}}'


@pytest.fixture
def home(own_lab: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DBE_CONSOLE_HOME", own_lab["config_home"])
    return Path(own_lab["config_home"])


@pytest.mark.parametrize(
    ("call", "role"),
    [
        ("GET on /devices", "IoT Hub Data Reader"),
        ("POST on /devices/query", "IoT Hub Data Reader"),
        ("POST on /twins/d/modules/$edgeAgent/methods", "IoT Hub Data Contributor"),
        ("POST on /devices/d/applyConfigurationContent", "IoT Hub Data Contributor"),
        ("PATCH on /twins/d", "IoT Hub Data Contributor"),
    ],
)
def test_the_role_that_is_missing_is_named(call: str, role: str) -> None:
    error = reply_error(401, SAID.format(call), {"iothub-errorcode": "IotHubUnauthorizedAccess"}, token=True)
    assert error.state == "role-missing"
    assert role in error.remedy.split("(")[0] and "on this hub" in error.remedy


def test_a_token_that_is_refused_without_words_is_no_matter_of_keys() -> None:
    refused = '{"Message": "ErrorCode:IotHubUnauthorizedAccess;Unauthorized"}'
    error = reply_error(401, refused, {"iothub-errorcode": "IotHubUnauthorizedAccess"}, token=True)
    assert "token" in error.what and "key" not in error.remedy
    assert "key" in reply_error(401, refused, {"iothub-errorcode": "IotHubUnauthorizedAccess"}).remedy


def test_context_add_without_the_right_to_list_keys(
    own_lab: dict[str, Any], home: Path, control: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    control(own_lab, "faults", {"name": "no-listkeys"})
    principal = ["--sign-in", "service-principal", "--tenant", own_lab["tenant"], "--client-id", own_lab["client_id"]]
    secret = ["--client-secret", f"file:{home / 'config' / 'secrets' / 'lab-principal'}"]
    cloud = ["--resource-manager", own_lab["https"], "--authority", own_lab["https"], "--ca-file", own_lab["ca_file"]]
    add = ["context", "add", *principal, *secret, *cloud, "--device", "databox-edge-1"]
    assert run([*add, "roles", "--subscription", own_lab["subscription"]]) == 0
    assert "reached with its token" in capsys.readouterr().err
    context = ContextStore().resolve("roles")
    assert context.hub is not None and context.hub.connection is None
    assert Hub.open(context).device("databox-edge-1").edge
    with pytest.raises(OperatorError) as raised:
        find_endpoint(context)
    assert raised.value.code == "events.keys-only" and "route-messages" in raised.value.remedy
    # Nothing of ARM at all: the hub's and the Event Hub's names, and two data-plane roles.
    routed = ["--namespace", own_lab["address"], "--event-hub", own_lab["routed_event_hub"]]
    assert run([*add, "data-plane", "--hub-host", own_lab["host"], *routed]) == 0
    assert "4 partitions" in capsys.readouterr().err
    control(own_lab, "faults", {"name": "receiver-role-missing"})
    control(own_lab, "faults", {"name": "role-missing"})
    assert run([*add, "refused", "--hub-host", own_lab["host"], *routed]) == 1
    output = capsys.readouterr().err
    assert "Azure Event Hubs Data Receiver" in output and "IoT Hub Data Reader" in output


def test_a_role_that_is_taken_away_while_the_hub_is_open_is_named(
    own_lab: dict[str, Any], home: Path, control: Callable[..., Any]
) -> None:
    lab: Context = ContextStore().resolve("lab")
    assert lab.hub is not None
    hub = Hub.open(dataclasses.replace(lab, hub=dataclasses.replace(lab.hub, connection=None)))
    assert hub.devices()
    control(own_lab, "faults", {"name": "role-missing", "kept": "reader"})
    assert hub.devices()
    with pytest.raises(OperatorError) as raised:
        hub.invoke("databox-edge-1", "$edgeAgent", "ping", {})
    assert raised.value.state == "role-missing" and "Data Contributor" in raised.value.remedy
    control(own_lab, "faults", {"name": "role-missing"})
    with pytest.raises(OperatorError) as raised:
        hub.devices()
    assert raised.value.state == "role-missing"


def test_a_sign_in_that_fails_is_named_where_the_hub_is_asked(
    own_lab: dict[str, Any], home: Path, control: Callable[..., Any]
) -> None:
    lab: Context = ContextStore().resolve("lab")
    assert lab.hub is not None
    control(own_lab, "faults", {"name": "sign-in"})
    hub = Hub.open(dataclasses.replace(lab, hub=dataclasses.replace(lab.hub, connection=None)))
    with pytest.raises(OperatorError) as raised:
        hub.devices()
    assert raised.value.code == "sign-in.failed"
