"""Each fault of the hub, the workspace and the registry, as an unmodified client meets it."""

from __future__ import annotations

import email.utils
import json
import time

import pytest
import requests

DEVICE = "databox-edge-1"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory, running):
    """One lab for this module: its faults are nobody else's."""
    with running(tmp_path_factory.mktemp("faulty") / "lab") as info:
        yield info


@pytest.fixture
def fault(faulty, control):
    """``fault(name, **parameters)`` switches one on; all are off again after the test."""
    yield lambda name, **parameters: control(faulty, "faults", {"name": name, **parameters})
    control(faulty, "faults", {"name": "none"})


@pytest.fixture
def manager(faulty):
    def make(kind):
        import azure.iot.hub as sdk

        manager = getattr(sdk, f"IoTHub{kind}").from_connection_string(faulty["hub_connection_string"])
        manager.protocol.config.connection.verify = faulty["ca_file"]
        manager.protocol.config.connection.timeout = 3
        manager.protocol.config.retry_policy.retries = 0
        return manager

    return make


def refusal(call):
    from msrest.exceptions import HttpOperationError

    with pytest.raises(HttpOperationError) as caught:
        call()
    return caught.value.response


def read(manager):
    return manager("RegistryManager").get_module_twin(DEVICE, "$edgeAgent")


def apply(manager, faulty):
    from azure.iot.hub.models import ConfigurationContent

    twins = {
        name: manager("RegistryManager").get_module_twin(DEVICE, name).properties.desired for name in ("$edgeAgent", "$edgeHub")
    }
    content = {
        name: {"properties.desired": {k: v for k, v in twin.items() if not k.startswith("$")}} for name, twin in twins.items()
    }
    manager("ConfigurationManager").apply_configuration_on_edge_device(DEVICE, ConfigurationContent(modules_content=content))


@pytest.mark.parametrize(
    ("name", "parameters", "status", "code", "words"),
    [
        ("throttle", {}, 429, "ThrottlingException", "throttl"),
        ("throttle-backlog", {}, 429, "ThrottleBacklogLimitExceeded", ""),
        ("throttle-timeout", {}, 429, "ThrottlingBacklogTimeout", ""),
        ("quota", {}, 403, "IotHubQuotaExceeded", "Max allowed message count"),
        ("basic-tier", {}, 403, "OperationNotAvailableInCurrentTier", ""),
        ("unauthorized", {}, 401, "IotHubUnauthorizedAccess", ""),
        ("expire", {}, 401, "IotHubUnauthorizedAccess", "Unauthorized"),
        ("skew", {}, 401, "IotHubUnauthorizedAccess", "Unauthorized"),
        ("device-missing", {"device": DEVICE}, 404, "DeviceNotFound", DEVICE),
        ("module-missing", {"device": DEVICE, "module": "$edgeAgent"}, 404, "ModuleNotFound", "$edgeAgent"),
        ("hub-error", {"code": 409402}, 409, "ApplyConfigurationAlreadyInProgressOnDevice", ""),
        ("hub-error", {"code": 400027}, 400, "ConnectionForcefullyClosedOnNewConnection", ""),
    ],
)
def test_refusals(fault, manager, name, parameters, status, code, words):
    read(manager)
    fault(name, **parameters)
    reply = refusal(lambda: read(manager))
    assert (reply.status_code, reply.headers["iothub-errorcode"]) == (status, code)
    message = json.loads(reply.text)["Message"]
    assert message.startswith(f"ErrorCode:{code};")
    assert words in message


def test_skewed_clock_shows_in_the_date(fault, faulty):
    def offset():
        date = requests.get(f"{faulty['https']}/devices", verify=faulty["ca_file"], timeout=60).headers["Date"]
        return email.utils.parsedate_to_datetime(date).timestamp() - time.time()

    assert abs(offset()) < 5
    fault("skew", seconds=3600)
    assert 3590 < offset() < 3610


@pytest.mark.parametrize("name", ["hub-500", "hub-503", "hub-refuse", "hub-freeze"])
def test_a_hub_that_fails(fault, manager, name):
    from msrest.exceptions import ClientException

    fault(name)
    with pytest.raises(ClientException):
        read(manager)


def test_no_json(fault, manager, faulty):
    fault("not-json")
    reply = requests.get(f"{faulty['https']}/devices", verify=faulty["ca_file"], timeout=60)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_slow(fault, manager):
    fault("hub-slow", seconds=0.7)
    started = time.monotonic()
    read(manager)
    assert time.monotonic() - started >= 0.7


def ping(manager, response=10):
    from azure.iot.hub.models import CloudToDeviceMethod

    registry = manager("RegistryManager")
    registry.protocol.config.connection.timeout = 30
    method = CloudToDeviceMethod(
        method_name="ping", payload={}, response_timeout_in_seconds=response, connect_timeout_in_seconds=0
    )
    return registry.invoke_device_module_method(DEVICE, "$edgeAgent", method)


@pytest.mark.parametrize(("name", "code"), [("offline", 404103), ("offline-closed", 404102)])
def test_a_device_that_is_not_there(fault, faulty, manager, control, eventually, name, code):
    assert ping(manager).status == 200
    fault(name, device=DEVICE)
    reply = refusal(lambda: ping(manager))
    assert (reply.status_code, json.loads(json.loads(reply.text)["Message"])["errorCode"]) == (404, code)
    modules = manager("RegistryManager").get_modules(DEVICE)
    assert {module.connection_state for module in modules} == {"Disconnected"}
    control(faulty, "faults", {"name": name, "device": DEVICE, "on": False})
    assert ping(manager).status == 200

    def reconnected():
        return manager("RegistryManager").get_module(DEVICE, "$edgeHub").connection_state == "Connected"

    eventually(reconnected)


def test_a_device_that_takes_a_method_and_is_silent(fault, faulty, manager):
    from msrest.exceptions import ClientException

    fault("method-timeout", device=DEVICE)
    started = time.monotonic()
    with pytest.raises(ClientException):
        ping(manager, response=5)
    assert time.monotonic() - started >= 5


def test_somebody_else_applies(fault, faulty, manager):
    fault("concurrent-apply", device=DEVICE)
    reply = refusal(lambda: apply(manager, faulty))
    assert (reply.status_code, reply.headers["iothub-errorcode"]) == (409, "ApplyConfigurationAlreadyInProgressOnDevice")
    apply(manager, faulty)  # it was one time only
    before = read(manager).properties.desired["$version"]
    fault("changed-meanwhile", device=DEVICE)
    after = read(manager).properties.desired
    assert after["$version"] > before
    assert "somebody-elses" in after["modules"]


def test_a_deployment_at_scale_overwrites(fault, faulty, manager, control, eventually):
    fault("changed-meanwhile", device=DEVICE)
    fault("at-scale", device=DEVICE)
    twin = read(manager)
    assert "somebody-elses" not in twin.properties.desired["modules"]
    assert twin.additional_properties["configurations"] == {"lab-at-scale": {"status": "Applied"}}
    fault("changed-meanwhile", device=DEVICE)
    eventually(lambda: "somebody-elses" not in read(manager).properties.desired["modules"])
    control(faulty, "faults", {"name": "at-scale", "device": DEVICE, "on": False})
    assert read(manager).additional_properties["configurations"] == {}


def test_a_deployment_at_scale_wins_over_a_device_that_looks_missing(fault, faulty, manager, control, eventually):
    """The fault hides the device from who asks, not from the hub itself."""
    fault("changed-meanwhile", device=DEVICE)
    fault("device-missing", device=DEVICE)
    assert refusal(lambda: read(manager)).status_code == 404
    fault("at-scale", device=DEVICE)
    modules = control(faulty, "world")["devices"][DEVICE]["modules"]
    assert "somebody-elses" not in modules["$edgeAgent"]["twin"]["desired"]["modules"]
    control(faulty, "faults", {"name": "device-missing", "device": DEVICE, "on": False})
    fault("changed-meanwhile", device=DEVICE)
    eventually(lambda: "somebody-elses" not in read(manager).properties.desired["modules"])


def test_workspace_and_sign_in(fault, faulty):
    def token():
        form = {
            "grant_type": "client_credentials",
            "client_id": faulty["client_id"],
            "client_secret": faulty["client_secret"],
            "scope": "https://management.azure.com/.default",
        }
        return requests.post(
            f"{faulty['https']}/{faulty['tenant']}/oauth2/v2.0/token", data=form, verify=faulty["ca_file"], timeout=60
        )

    headers = {"Authorization": f"Bearer {token().json()['access_token']}"}
    scope = (
        f"/subscriptions/{faulty['subscription']}/resourceGroups/{faulty['resource_group']}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{faulty['workspace']}"
    )

    def get(path, timeout=60):
        return requests.get(f"{faulty['https']}{path}", headers=headers, verify=faulty["ca_file"], timeout=timeout)

    images = f"/modelmanagement/v1.0{scope}/images"
    assert get(images).status_code == get(scope).status_code == 200
    fault("workspace-forbidden")
    assert get(scope).json()["error"]["code"] == "AuthorizationFailed"
    assert get(images).status_code == 403
    fault("workspace-500")
    assert get(images).status_code == 500
    fault("workspace-freeze")
    with pytest.raises(requests.exceptions.ReadTimeout):
        get(images, timeout=2)
    fault("sign-in")
    assert "AADSTS7000222" in token().json()["error_description"]


def test_registry(fault, faulty):
    def get(path, timeout=60):
        authorization = (faulty["registry_username"], faulty["registry_password"])
        return requests.get(
            f"https://{faulty['registry_server']}/v2/{path}", auth=authorization, verify=faulty["ca_file"], timeout=timeout
        )

    digest = get("accel-resnet50/manifests/1").json()["config"]["digest"]
    fault("image-architecture")
    assert get(f"accel-resnet50/blobs/{digest}").json()["architecture"] == "arm64"
    fault("image-missing")
    assert get("accel-resnet50/manifests/1").status_code == 404
    fault("registry-unauthorized")
    assert get("accel-resnet50/manifests/1").status_code == 401
    fault("registry-freeze")
    with pytest.raises(requests.exceptions.ReadTimeout):
        get("", timeout=2)


def test_control_refuses_strangers_and_nonsense(faulty, control):
    url = f"{faulty['control']}/faults"
    assert requests.get(url, verify=faulty["ca_file"], timeout=60).status_code == 401
    for body in ({"name": "no-such-fault"}, {"name": "throttle", "colour": "red"}):
        key = {"Authorization": f"Bearer {faulty['control_key']}"}
        assert requests.post(url, json=body, headers=key, verify=faulty["ca_file"], timeout=60).status_code == 400
    assert control(faulty, "faults")["on"] == []
