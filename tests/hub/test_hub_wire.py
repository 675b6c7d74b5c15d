import base64
import gzip
import json
import socket
import time

import pytest

from services.contexts.connection_string import fields_of
from services.errors import OperatorError
from services.hub.client import Hub
from services.hub.endpoint import find_endpoint
from services.hub.log_lines import lines_of
from services.hub.methods import module_logs
from services.records import Secret

pytestmark = pytest.mark.usefixtures("hub_client")


def test_devices_and_states(hub):
    devices = hub.devices()
    assert [device.id for device in devices] == [f"databox-edge-{n}" for n in (1, 2, 3, 4)]
    assert all(device.edge for device in devices)
    state = hub.device_state("databox-edge-2")
    assert {"edgeAgent", "edgeHub"} < {module.name for module in state.modules}
    assert any(not module.system for module in state.modules)
    assert state.desired_version and state.etag


def test_a_deployment_at_scale_is_seen(hub):
    state = hub.device_state("databox-edge-3")
    assert [item.status for item in state.configurations] == ["Applied"]
    assert state.configurations[0].id in {item.id for item in hub.configurations()}


def test_statistics(hub):
    assert hub.statistics()["total"] == 4
    assert hub.clock().endswith("GMT")


def test_reading_identities_is_free_and_twins_are_not(hub):
    hub.devices()
    hub.connection_changes("databox-edge-1")
    assert hub.meter.spent_today() == 0
    hub.device_state("databox-edge-2")
    assert hub.meter.spent_today() >= 1
    assert hub.meter.spent_today(free_hub=True) >= hub.meter.spent_today()
    assert f"{hub.meter.spent_today()} message" in hub.meter.note


def test_unknown_device_and_module(hub):
    with pytest.raises(OperatorError) as caught:
        hub.device_state("no-such")
    assert caught.value.code.endswith("device-missing") and caught.value.remedy
    with pytest.raises(OperatorError) as caught:
        hub.module_twin("databox-edge-1", "no-such")
    assert caught.value.code.endswith("module-missing")
    for name in (".", ".."):  # in a URL they are other places
        with pytest.raises(OperatorError) as caught:
            hub.device_state(name)
        assert caught.value.code == "hub.bad-id" and caught.value.remedy
    with pytest.raises(OperatorError) as caught:
        hub.device_state("a/../databox-edge-1")
    assert caught.value.code.endswith("device-missing")


def test_an_offline_device_answers_no_method(hub):
    with pytest.raises(OperatorError) as caught:
        hub.invoke("databox-edge-4", "$edgeAgent", "ping", {}, response_timeout=5, connect_timeout=0)
    assert caught.value.code.endswith("device-offline")


def test_a_wrong_key(lab, context_with):
    parts = lab["hub_connection_string"].split("SharedAccessKey=")
    wrong = base64.b64encode(b"wrong" * 8).decode()
    with pytest.raises(OperatorError) as caught:
        Hub.open(context_with(f"{parts[0]}SharedAccessKey={wrong}")).devices()
    assert caught.value.cause and caught.value.remedy
    assert wrong not in f"{caught.value}{caught.value.raw}"


def test_a_policy_without_rights_cannot_apply(lab, context_with):
    reader = Hub.open(context_with(lab["readonly_connection_string"]))
    assert reader.devices()
    with pytest.raises(OperatorError) as caught:
        reader.apply("databox-edge-1", {"modulesContent": {"$edgeAgent": {"properties.desired": {}}}})
    assert caught.value.code.startswith("hub.")


@pytest.mark.parametrize("string", ["rubbish", "HostName=h", "HostName=h;SharedAccessKeyName=n;SharedAccessKey=%%%"])
def test_a_broken_connection_string(context_with, string):
    with pytest.raises(OperatorError) as caught:
        Hub.open(context_with(string)).devices()
    assert "%%%" not in str(caught.value)
    assert caught.value.remedy


def test_an_untrusted_certificate(context_with, tmp_path):
    import certifi

    with pytest.raises(OperatorError) as caught:
        Hub.open(context_with(ca_file=certifi.where())).devices()
    assert "certificate" in f"{caught.value.what}{caught.value.cause}".lower()


def test_nothing_listens(lab, context_with):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    string = lab["hub_connection_string"].replace(lab["host"], f"127.0.0.1:{port}")
    started = time.monotonic()
    with pytest.raises(OperatorError) as caught:
        Hub.open(context_with(string)).devices()
    assert caught.value.code.endswith("refused") and time.monotonic() - started < 60


def test_the_endpoint_by_redirect(lab, context):
    endpoint = find_endpoint(context)
    assert endpoint.entity == lab["event_hub_entity"]
    parts = fields_of(endpoint.connection_string)
    assert parts["EntityPath"] == endpoint.entity and parts["Endpoint"] == f"sb://{endpoint.namespace}/"


def test_a_string_in_another_letter_case_and_wrapped(lab, context_with):
    parts = (part.partition("=") for part in lab["hub_connection_string"].split(";"))
    context = context_with(";\n ".join(f"{name.lower()}={value}" for name, _, value in parts))
    assert Hub.open(context).devices()
    assert find_endpoint(context).entity == lab["event_hub_entity"]


def test_the_endpoint_with_an_untrusted_certificate_does_not_hang(context_with):
    import certifi

    started = time.monotonic()
    with pytest.raises(OperatorError) as caught:
        find_endpoint(context_with(ca_file=certifi.where()))
    assert "certificate" in f"{caught.value.what}{caught.value.cause}".lower() and time.monotonic() - started < 60


def test_the_endpoint_with_a_wrong_key(lab, context_with):
    wrong = base64.b64encode(b"wrong" * 8).decode()
    head = lab["hub_connection_string"].split("SharedAccessKey=")[0]
    with pytest.raises(OperatorError) as caught:
        find_endpoint(context_with(f"{head}SharedAccessKey={wrong}"))
    assert caught.value.remedy and wrong not in f"{caught.value}{caught.value.raw}"


def test_a_server_that_never_answers_is_given_up(context_with, lab):
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen()
    string = lab["hub_connection_string"].replace(lab["host"], f"localhost:{silent.getsockname()[1]}")
    started = time.monotonic()
    try:
        with pytest.raises(OperatorError):
            find_endpoint(context_with(string), seconds=2)
    finally:
        silent.close()
    assert time.monotonic() - started < 60


def test_a_patch_needs_the_current_etag(own_lab, control, tmp_path, monkeypatch):
    monkeypatch.setenv("DBE_CONSOLE_HOME", own_lab["config_home"])
    from services.contexts.store import ContextStore

    hub = Hub.open(ContextStore().resolve("lab"))
    before = hub.module_twin("databox-edge-2", "shop-counter")
    after = hub.patch_module_twin("databox-edge-2", "shop-counter", {"speed": 3}, before["etag"])
    assert after["properties"]["desired"]["speed"] == 3
    with pytest.raises(OperatorError) as caught:
        hub.patch_module_twin("databox-edge-2", "shop-counter", {"speed": 4}, before["etag"])
    assert caught.value.code.endswith("changed-meanwhile")


def test_log_lines():
    lines = lines_of("<3> 2026-01-01 10:00:00.123 +00:00 [ERR] - b\x1b[0mad\nplain\n\n<6> no time\r\n")
    assert [(line.level, line.time is not None) for line in lines] == [(3, True), (6, False), (6, False)]
    assert "\x1b" not in lines[0].text and lines[1].text == "plain"


class Answering:
    """A hub's side of a direct method: refuses logs of more than 30 lines, as a device refuses more than 128 KB."""

    def __init__(self):
        self.asked = []

    def invoke(self, device, module, method, payload, response_timeout=30, connect_timeout=10):
        from services.hub.client import MethodReply

        item = payload["items"][0]
        self.asked.append((item["id"], item["filter"].get("tail")))
        if item["filter"].get("tail", 10**6) > 30:
            return MethodReply(400, {"message": "The payload is too large. Please adjust filters."})
        text = "\n".join(f"<6> line {n}" for n in range(item["filter"]["tail"]))
        return MethodReply(200, [{"id": "m", "payloadBytes": base64.b64encode(gzip.compress(text.encode())).decode()}])


def test_logs_are_asked_for_by_halves_and_by_the_whole_name():
    hub = Answering()
    assert len(module_logs(hub, "d", "my.module", tail=100)) == 25
    assert hub.asked == [(r"^my\.module$", 100), (r"^my\.module$", 50), (r"^my\.module$", 25)]


def test_secret_is_not_in_a_hub(hub, lab):
    key = fields_of(Secret(lab["hub_connection_string"]))["SharedAccessKey"]
    assert key not in repr(vars(hub)) and key not in json.dumps(hub.meter.note)
