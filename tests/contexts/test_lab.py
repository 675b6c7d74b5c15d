"""Signing in, discovery and the guided way, against the lab's ARM, hub and sign-in."""

import dataclasses
import json
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from services.contexts.discovery import ResourceManager
from services.contexts.draft import Draft
from services.contexts.model import CloudSettings, Context, SecretSource, SignIn
from services.contexts.secrets import reveal
from services.contexts.sign_in import DeviceCode, credential, forget_credential, show_device_codes, token
from services.contexts.store import ContextStore
from services.errors import OperatorError
from services.hub.client import Hub
from services.hub.endpoint import find_endpoint
from services.records import Secret


@pytest.fixture
def context(lab_home: Path) -> Context:
    return ContextStore().resolve("lab")


def draft_of(lab: dict, context: Context) -> Draft:
    return Draft("edge", sign_in=context.sign_in, cloud=context.cloud, ca_file=lab["ca_file"])


def test_one_credential_for_all_who_sign_in_alike(context: Context):
    value, expires = token(context)
    assert value.count(".") == 2
    assert expires > 0
    assert credential(context) is credential(dataclasses.replace(context, name="other"))
    forget_credential(context)


def test_discovery_finds_what_the_lab_has(context: Context, lab: dict):
    resources = ResourceManager(context)
    assert [found.id for found in resources.subscriptions()] == [lab["subscription"]]
    assert lab["workspace"] in [found.name for found in resources.workspaces(lab["subscription"])]
    hubs = {found.resource_id.lower(): found for found in resources.hubs(lab["subscription"])}
    hub = hubs[lab["hub_resource_id"].lower()]
    assert hub == resources.hub(lab["hub_resource_id"])
    assert resources.hub_connection_string(hub).reveal() == lab["hub_connection_string"]
    assert resources.hub_connection_string(hub, write=False).reveal() == lab["readonly_connection_string"], (
        "the weakest that does"
    )
    assert f"EntityPath={lab['event_hub_entity']}" in resources.events_connection_string(hub).reveal()
    assert resources.registries(lab["subscription"])[0][1] == lab["registry_server"]


def test_what_is_not_there_and_what_is_no_id(context: Context, lab: dict):
    resources = ResourceManager(context)
    with pytest.raises(OperatorError) as caught:
        resources.workspace(lab["subscription"], lab["resource_group"], "nowhere")
    assert caught.value.code == "arm.404"
    with pytest.raises(OperatorError) as caught:
        resources.hub("my-hub")
    assert caught.value.code == "arm.resource-id"


def test_guided_from_a_config_json_and_a_wrapped_connection_string(lab: dict, context: Context, tmp_path: Path, lab_home: Path):
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps(
            {"subscription_id": lab["subscription"], "resource_group": lab["resource_group"], "workspace_name": lab["workspace"]}
        )
    )
    draft = draft_of(lab, context)
    assert lab["workspace"] in draft.take(str(config))
    pasted = lab["hub_connection_string"]
    assert "hub " in draft.take(f"  {pasted[:20]}\n{pasted[20:50]}\r\n {pasted[50:]}\n")
    assert "events of" in draft.take(lab["event_hub_connection_string"])
    draft.device = "databox-edge-1"
    steps = {step.name: step for step in draft.test()}
    assert {name: step.state for name, step in steps.items()} == dict.fromkeys(
        ("workspace", "hub", "device", "events"), "done"
    ), steps
    stored = draft.store(ContextStore())
    assert stored.hub is not None
    assert stored.hub.connection is not None
    assert reveal(stored.hub.connection).reveal() == pasted
    assert stat.S_IMODE(Path(stored.hub.connection.value).stat().st_mode) == 0o600
    text = ContextStore().path.read_text()
    assert "SharedAccessKey" not in text
    assert ContextStore().resolve("edge") == stored


def test_events_are_tried_by_the_way_they_will_come(lab: dict, context: Context, websockets: None, connect_proxy: tuple):
    proxy, asked = connect_proxy
    draft = draft_of(lab, context)
    draft.take(lab["event_hub_connection_string"])
    for draft.transport, draft.proxy, way in (("websocket", "", "port 443"), ("websocket", proxy, "by the proxy")):
        (step,) = [step for step in draft.test() if step.state != "running"]
        assert step.state == "done" and way in step.detail, step
    assert asked == [f"{lab['address']}:443"]
    events = draft.context().events
    assert (events.transport, events.proxy) == ("websocket", proxy)
    draft.proxy = "http://127.0.0.1:9"
    (step,) = [step for step in draft.test() if step.state != "running"]
    assert step.state == "failed" and "proxy" in step.remedy
    draft.event_string = None
    draft.take(lab["hub_connection_string"])
    for draft.proxy, state in ((proxy, "done"), ("http://127.0.0.1:9", "failed"), ("http://", "failed"), ("proxy:x", "failed")):
        assert {step.name: step.state for step in draft.test()}["proxy"] == state


def test_what_does_not_work_is_found_before_it_is_stored(lab: dict, context: Context, lab_home: Path):
    draft = draft_of(lab, context)
    key = lab["hub_connection_string"].rpartition("SharedAccessKey=")[2]
    draft.take(lab["hub_connection_string"].replace(key, "d3Jvbmc="))
    draft.device = "databox-edge-9"
    failed = {step.name: step for step in draft.test() if step.state == "failed"}
    assert "401" in failed["hub"].detail
    assert "d3Jvbmc=" not in repr(failed)
    good = draft_of(lab, context)
    good.take(lab["hub_connection_string"])
    good.device = "databox-edge-9"
    assert [step.name for step in good.test() if step.state == "failed"] == ["device"]


def test_a_name_that_is_taken_leaves_no_secret_behind(lab: dict, context: Context, lab_home: Path):
    draft = draft_of(lab, context)
    draft.name = "lab"
    draft.take(lab["hub_connection_string"])
    with pytest.raises(OperatorError) as caught:
        draft.store(ContextStore())
    assert caught.value.code == "context.exists"
    assert not (lab_home / "config" / "secrets").exists()


@pytest.mark.parametrize(
    ("pasted", "says"),
    [
        ("HostName=h;DeviceId=d;SharedAccessKey=x", "device's own"),
        ("HostName=h;SharedAccessKeyName=o", "SharedAccessKey is missing"),
        ("Endpoint=sb://h/;SharedAccessKeyName=o;SharedAccessKey=x", "EntityPath is missing"),
        ("HostName=a;SharedAccessKeyName=o;SharedAccessKey=x;HostName=b;SharedAccessKeyName=p;SharedAccessKey=y", "twice"),
        ('{"subscription_id": 1}', "missing"),
        ("{", "config.json"),
        ("what?", "nothing a context"),
    ],
)
def test_pastes_that_will_not_do(pasted: str, says: str):
    with pytest.raises(OperatorError) as caught:
        Draft("edge").take(pasted)
    assert says in str(caught.value)


def test_a_device_code_is_shown_and_asked_for_when_nobody_is_there(lab: dict, context: Context):
    cloud = CloudSettings(context.cloud.resource_manager, context.cloud.authority, context.cloud.ca_file)
    alone = Context("alone", cloud=cloud, sign_in=SignIn("device-code", lab["tenant"], lab["client_id"]))
    show_device_codes(None)
    with pytest.raises(OperatorError) as caught:
        token(alone)
    assert caught.value.code == "sign-in.nobody"
    shown: list[DeviceCode] = []
    over: list[DeviceCode] = []
    others = [threading.Thread(target=token, args=(alone,)) for _ in range(2)]

    def enter(code: DeviceCode) -> Callable[[], None]:
        shown.append(code)
        if code is shown[0]:
            for other in others:  # who asks meanwhile gets no code of its own
                other.start()
        page = requests.get(code.uri, params={"code": code.code}, verify=lab["ca_file"], timeout=60)
        assert page.ok
        return lambda: over.append(code)

    show_device_codes(enter)
    try:
        value, _ = token(alone)
        assert value and token(alone)[0]
        for other in others:
            other.join()
    finally:
        show_device_codes(None)
        forget_credential(alone)
    assert len(shown) == 1 and over == shown
    assert shown[0].code
    assert shown[0].uri.startswith("https://")


def test_a_private_authority_that_is_not_trusted(context: Context):
    untrusted = dataclasses.replace(context, cloud=dataclasses.replace(context.cloud, ca_file=""))
    with pytest.raises(OperatorError) as caught:
        token(untrusted)
    assert caught.value.code == "sign-in.failed" and "signed by nobody trusted here" in caught.value.what


def test_a_missing_ca_file_is_named(lab: dict, context: Context):
    lost = dataclasses.replace(context, cloud=dataclasses.replace(context.cloud, ca_file="/nowhere/ca.pem"))
    assert context.hub is not None
    hub = dataclasses.replace(context, hub=dataclasses.replace(context.hub, ca_file="/nowhere/ca.pem"))
    events = dataclasses.replace(context, events=dataclasses.replace(context.events, ca_file="/nowhere/ca.pem"))
    draft = draft_of(lab, context)
    draft.take(lab["hub_connection_string"])
    draft.ca_file = "/nowhere/ca.pem"
    for asking in (lambda: token(lost), lambda: Hub.open(hub).devices(), lambda: find_endpoint(events), draft.devices):
        with pytest.raises(OperatorError, match=r"There is no CA file /nowhere/ca\.pem"):
            asking()


def test_a_secret_of_a_service_principal_can_be_pasted(lab: dict, context: Context, lab_home: Path):
    draft = draft_of(lab, context)
    draft.sign_in = SignIn("service-principal", lab["tenant"], lab["client_id"], SecretSource("env", "NOT_THERE"))
    draft.client_secret = Secret(lab["client_secret"])
    draft.take(lab["hub_connection_string"])
    stored = draft.store(ContextStore())
    assert token(stored)[0]


def test_a_paste_of_several_things_wrapped(lab: dict):
    hub, events = lab["hub_connection_string"], lab["event_hub_connection_string"]
    wrapped = [f"{text[:40]}\r\n  {text[40:70]}\r\n{text[70:]}" for text in (hub, events)]
    config = '{\n "subscription_id": "00000000-1111-2222-3333-444444444444",\n "resource_group": "g",\n "workspace_name": "w"\n}'
    draft = Draft("edge")
    draft.take("\n".join([wrapped[0], "", config, wrapped[1], lab["subscription"]]))
    assert draft.hub_string is not None
    assert draft.hub_string.text.reveal() == hub
    assert draft.event_string is not None
    assert draft.event_string.text.reveal() == events
    assert draft.workspace is not None
    assert (draft.workspace.name, draft.subscription) == ("w", lab["subscription"])
