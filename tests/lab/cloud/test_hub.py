"""azure-iot-hub, unmodified, against the lab's service API."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import datetime
from urllib.parse import quote

import pytest
import requests

DEVICE = "databox-edge-4"  # offline: no agent changes what the tests look at


def refusal(call):
    from msrest.exceptions import HttpOperationError

    with pytest.raises(HttpOperationError) as caught:
        call()
    return caught.value.response.status_code, caught.value.response.text


def test_devices_modules_and_statistics(lab, hub_manager):
    registry = hub_manager("RegistryManager")
    devices = {device.device_id: device for device in registry.get_devices()}
    assert set(lab["devices"]) <= set(devices)
    assert all(devices[name].capabilities.iot_edge for name in lab["devices"])
    assert devices[DEVICE].connection_state == "Disconnected"
    assert {"$edgeAgent", "$edgeHub"} <= {module.module_id for module in registry.get_modules(DEVICE)}
    assert registry.get_device_registry_statistics().total_device_count == len(devices)


def test_identities_come_and_go(hub_manager):
    registry = hub_manager("RegistryManager")
    key = base64.b64encode(b"k" * 32).decode()
    made = registry.create_device_with_sas("lab-made-here", key, key, "enabled")
    assert made.authentication.symmetric_key.primary_key == key
    status, text = refusal(lambda: registry.create_device_with_sas("lab-made-here", key, key, "enabled"))
    assert status == 409
    assert "DeviceAlreadyExists" in text
    registry.create_module_with_sas("lab-made-here", "scanner", "me", key, key)
    assert [module.module_id for module in registry.get_modules("lab-made-here")] == ["scanner"]
    thumbprint = "A" * 40
    with_certificate = registry.create_module_with_x509("lab-made-here", "camera", "me", thumbprint, thumbprint)
    assert with_certificate.authentication.type == "selfSigned"
    assert with_certificate.authentication.symmetric_key.primary_key is None
    assert with_certificate.authentication.x509_thumbprint.primary_thumbprint == thumbprint
    registry.delete_device("lab-made-here")
    assert refusal(lambda: registry.get_device("lab-made-here"))[0] == 404


def test_identities_in_bulk(hub_manager):
    from azure.iot.hub.models import ExportImportDevice

    registry = hub_manager("RegistryManager")

    def bulk(mode: str, *names: str):
        return registry.bulk_create_or_update_devices([ExportImportDevice(id=name, import_mode=mode) for name in names])

    assert bulk("create", "bulk-1", "bulk-2").is_successful
    half = bulk("create", "bulk-2", "bulk-3")
    assert not half.is_successful
    assert [(error.device_id, error.error_code) for error in half.errors] == [("bulk-2", "DeviceAlreadyExists")]
    assert bulk("Delete", "bulk-1", "bulk-2", "bulk-3").is_successful
    assert refusal(lambda: registry.get_device("bulk-1"))[0] == 404


def test_apply_replaces_and_versions_rise(hub_manager, manifest):
    from azure.iot.hub.models import ConfigurationContent

    registry, configuration = hub_manager("RegistryManager"), hub_manager("ConfigurationManager")
    before = registry.get_module_twin(DEVICE, "$edgeAgent")
    idle = {
        "type": "docker",
        "status": "running",
        "restartPolicy": "always",
        "settings": {"image": "a/b:1", "createOptions": "{}"},
    }
    configuration.apply_configuration_on_edge_device(DEVICE, ConfigurationContent(modules_content=manifest(idler=idle)))
    after = registry.get_module_twin(DEVICE, "$edgeAgent")
    assert after.properties.desired["$version"] == before.properties.desired["$version"] + 1
    assert set(after.properties.desired["modules"]) == {"idler"}
    assert after.properties.desired["$metadata"]["$lastUpdatedVersion"] == after.properties.desired["$version"]
    assert after.etag != before.etag


@pytest.mark.parametrize(
    ("spoil", "status", "words"),
    [
        (lambda content: content.pop("$edgeHub"), 400, "InvalidConfigurationContent"),
        (
            lambda content: content["$edgeAgent"]["properties.desired"]["modules"].update({"a": {"env": "x" * 4097}}),
            400,
            "maximum 4096 bytes",
        ),
        (
            lambda content: content["$edgeAgent"]["properties.desired"]["modules"].update(
                {f"m{n}": {"v": "x" * 4000} for n in range(9)}
            ),
            403,
            "DeviceModelMaxPropertiesExceeded",
        ),
        (lambda content: content["$edgeAgent"]["properties.desired"]["modules"].update({"a.b": {}}), 400, "invalid characters"),
    ],
)
def test_apply_refuses_what_a_hub_refuses_and_changes_nothing(hub_manager, manifest, spoil, status, words):
    from azure.iot.hub.models import ConfigurationContent

    registry, configuration = hub_manager("RegistryManager"), hub_manager("ConfigurationManager")
    before = registry.get_module_twin(DEVICE, "$edgeAgent").as_dict()
    content = manifest()
    spoil(content)
    got = refusal(lambda: configuration.apply_configuration_on_edge_device(DEVICE, ConfigurationContent(modules_content=content)))
    assert got[0] == status
    assert words in json.loads(got[1])["Message"]
    assert registry.get_module_twin(DEVICE, "$edgeAgent").as_dict()["properties"] == before["properties"]


def test_twins_patch_with_etags(hub_manager):
    from azure.iot.hub.models import Twin, TwinProperties

    registry = hub_manager("RegistryManager")
    twin = registry.get_twin(DEVICE)
    edited = registry.update_twin(DEVICE, Twin(properties=TwinProperties(desired={"a": {"b": 1, "c": 2}})), twin.etag)
    assert edited.properties.desired["a"] == {"b": 1, "c": 2}
    status, text = refusal(lambda: registry.update_twin(DEVICE, Twin(tags={"x": "y"}), twin.etag))
    assert status == 412
    assert "PreconditionFailed" in text
    edited = registry.update_twin(DEVICE, Twin(properties=TwinProperties(desired={"a": {"b": None}})), edited.etag)
    assert edited.properties.desired["a"] == {"c": 2}
    assert "b" not in edited.properties.desired["$metadata"]["a"]
    status, text = refusal(
        lambda: registry.update_module_twin(
            DEVICE, "$edgeAgent", Twin(properties=TwinProperties(desired={"schemaVersion": "9"})), "*"
        )
    )
    assert status == 401


def test_methods_to_who_is_not_there(hub_manager):
    from azure.iot.hub.models import CloudToDeviceMethod

    registry = hub_manager("RegistryManager")
    method = CloudToDeviceMethod(method_name="ping", payload={}, response_timeout_in_seconds=10, connect_timeout_in_seconds=0)
    for device, module, code in ((DEVICE, "$edgeAgent", 404103), ("nobody", "$edgeAgent", 404001), (DEVICE, "nothing", 404010)):
        status, text = refusal(lambda device=device, module=module: registry.invoke_device_module_method(device, module, method))
        assert (status, json.loads(json.loads(text)["Message"])["errorCode"]) == (404, code)


def test_the_device_that_is_offline_has_a_past(hub_manager):
    registry = hub_manager("RegistryManager")
    device, twin = registry.get_device(DEVICE), registry.get_module_twin(DEVICE, "$edgeAgent")
    reported = twin.properties.reported
    assert device.connection_state == "Disconnected"
    assert reported["lastDesiredVersion"] == 2  # an empty twin has 1
    assert reported["modules"]["shop-counter"]["runtimeStatus"] == "running"  # the report is old, and does not say so
    for moment in (reported["$metadata"]["$lastUpdated"], reported["modules"]["shop-counter"]["lastStartTimeUtc"]):
        age = time.time() - datetime.fromisoformat(moment[:19] + "+00:00").timestamp()
        assert 3 * 86400 <= age < 3 * 86400 + 3600


def test_queries(hub_manager):
    from azure.iot.hub.models import QuerySpecification

    registry = hub_manager("RegistryManager")
    found = registry.query_iot_hub(QuerySpecification(query="SELECT * FROM devices WHERE capabilities.iotEdge = true"), None, 2)
    assert len(found.items) == 2
    assert found.continuation_token
    rest = registry.query_iot_hub(
        QuerySpecification(query="SELECT * FROM devices WHERE capabilities.iotEdge = true"), found.continuation_token, 99
    )
    assert {twin.device_id for twin in found.items + rest.items} >= {DEVICE, "databox-edge-1"}
    agents = registry.query_iot_hub(
        QuerySpecification(
            query=f"select * from devices.modules where moduleId = '$edgeAgent' and deviceId in ['{DEVICE}', 'x']"
        ),
        None,
        10,
    )
    assert [(twin.device_id, twin.module_id) for twin in agents.items] == [(DEVICE, "$edgeAgent")]
    top = registry.query_iot_hub(QuerySpecification(query="select top 2 * from devices where is_string(deviceId)"), None, 10)
    assert len([twin.device_id for twin in top.items if twin.device_id]) == 2
    assert refusal(lambda: registry.query_iot_hub(QuerySpecification(query="DROP TABLE devices"), None, 10))[0] == 400


def test_a_configuration_at_scale_wins(own_lab, hub_manager, manifest, eventually):
    from azure.iot.hub.models import Configuration, ConfigurationContent

    registry, configuration = hub_manager("RegistryManager"), hub_manager("ConfigurationManager")
    camera = {
        "type": "docker",
        "status": "running",
        "restartPolicy": "always",
        "settings": {"image": "a/camera:1", "createOptions": "{}"},
    }
    made = configuration.create_configuration(
        Configuration(
            id="cameras",
            schema_version="1.0",
            content=ConfigurationContent(modules_content=manifest(camera=camera)),
            target_condition=f"tags.site='factory' AND deviceId='{DEVICE}'",
            priority=20,
        )
    )
    assert made.etag
    twin = registry.get_module_twin(DEVICE, "$edgeAgent")
    assert set(twin.properties.desired["modules"]) == {"camera"}
    assert twin.additional_properties["configurations"] == {"cameras": {"status": "Applied"}}
    configuration.apply_configuration_on_edge_device(DEVICE, ConfigurationContent(modules_content=manifest()))
    eventually(lambda: "camera" in registry.get_module_twin(DEVICE, "$edgeAgent").properties.desired["modules"])
    counts = {"targetedCount": 1, "appliedCount": 1, "reportedSuccessfulCount": 1, "reportedFailedCount": 0}
    eventually(lambda: configuration.get_configuration("factory-baseline").system_metrics.results == counts)


def test_a_configuration_of_devices_and_its_metrics(own_lab, hub_manager):
    from azure.iot.hub.models import Configuration, ConfigurationContent, ConfigurationMetrics

    registry, configuration = hub_manager("RegistryManager"), hub_manager("ConfigurationManager")
    made = configuration.create_configuration(
        Configuration(
            id="colours",
            content=ConfigurationContent(device_content={"properties.desired.camera.colour": "red"}),
            target_condition=f"deviceId='{DEVICE}'",
            priority=1,
            metrics=ConfigurationMetrics(
                queries={"red": "select deviceId from devices where properties.desired.camera.colour = 'red'"}
            ),
        )
    )
    assert registry.get_twin(DEVICE).properties.desired["camera"] == {"colour": "red"}
    assert made.system_metrics.results == {"targetedCount": 1, "appliedCount": 1}
    assert made.metrics.results == {"red": 1}
    unreadable = Configuration(id="bad", target_condition="*", metrics=ConfigurationMetrics(queries={"x": "DROP TABLE devices"}))
    assert refusal(lambda: configuration.create_configuration(unreadable))[0] == 400


def token(host: str, key: str, policy: str, expires: float) -> str:
    signed = f"{quote(host, safe='')}\n{int(expires)}"
    signature = base64.b64encode(hmac.new(base64.b64decode(key), signed.encode(), hashlib.sha256).digest()).decode()
    return f"SharedAccessSignature sr={quote(host, safe='')}&sig={quote(signature, safe='')}&se={int(expires)}&skn={policy}"


def test_signatures_expiry_and_rights(lab):
    parts = dict(part.split("=", 1) for part in lab["service_connection_string"].split(";"))
    host, key = parts["HostName"], parts["SharedAccessKey"]

    def get(path: str, authorization: str) -> requests.Response:
        return requests.get(f"{lab['https']}{path}", headers={"Authorization": authorization}, verify=lab["ca_file"], timeout=60)

    soon = time.time() + 600
    good = token(host, key, "service", soon)
    assert get(f"/twins/{DEVICE}?api-version=2021-04-12", good).status_code == 200
    # az sends a method's timeouts as text, which a hub takes too
    ping = {"methodName": "ping", "payload": {}, "responseTimeoutInSeconds": "30", "connectTimeoutInSeconds": "30"}
    to = f"{lab['https']}/twins/databox-edge-1/modules/%24edgeAgent/methods?api-version=2021-04-12"
    answer = requests.post(to, json=ping, headers={"Authorization": good}, verify=lab["ca_file"], timeout=60)
    assert answer.json() == {"status": 200, "payload": None}
    denied = get("/devices?api-version=2021-04-12", good)  # ServiceConnect alone reads no identities
    assert denied.status_code == 401
    assert denied.headers["iothub-errorcode"] == "IotHubUnauthorizedAccess"
    for bad in (
        token(host, key, "service", time.time() - 5),
        token(host, base64.b64encode(b"z" * 32).decode(), "service", soon),
        token("other.example", key, "service", soon),
        token(host, key, "nobody", soon),
        good.replace("sig=", "sig=x"),
        good.replace("sig=", "sig=%C3%BC"),
        good.replace(f"se={int(soon)}", "se=nan"),
        "SharedAccessSignature",
        "",
    ):
        assert get(f"/twins/{DEVICE}?api-version=2021-04-12", bad).status_code == 401
    expired = get(f"/twins/{DEVICE}?api-version=2021-04-12", token(host, key, "service", time.time() - 5))
    assert expired.json()["Message"] == "ErrorCode:IotHubUnauthorizedAccess;Unauthorized"


def test_bodies_and_ids_that_no_hub_takes(lab):
    parts = dict(part.split("=", 1) for part in lab["hub_connection_string"].split(";"))
    authorization = token(parts["HostName"], parts["SharedAccessKey"], "iothubowner", time.time() + 600)

    def ask(method: str, path: str, body: str = "{}", kind: str = "application/json") -> int:
        headers = {"Authorization": authorization, "Content-Type": kind}
        url = f"{lab['https']}{path}?api-version=2021-04-12"
        return requests.request(method, url, data=body, headers=headers, verify=lab["ca_file"], timeout=60).status_code

    def desired(value: object) -> str:
        return json.dumps({"properties": {"desired": value}})

    twin = f"/twins/{DEVICE}"
    for body in (
        '{"tags": {"a": NaN}}',
        '{"tags": {"a": 1e999}}',
        '{"tags": {"a": "\\ud800"}}',
        desired({"$a": 1}),
        desired({"a": 2**52}),
    ):
        assert ask("PATCH", twin, body) == 400, body
    assert ask("PATCH", twin, kind="application/json; charset=nothing") == 400
    assert ask("PUT", "/devices/" + quote("two words")) == 400
    assert ask("PUT", "/devices/" + "x" * 129) == 400
    assert ask("PUT", "/devices/one", '{"deviceId": "another"}') == 400
    assert ask("GET", "/devices/") == 200  # azure-iothub for JavaScript asks with a slash
    nested: object = 1
    for depth in range(12):
        nested = {"deep": nested}
        assert ask("PATCH", twin, desired(nested)) == (200 if depth <= 10 else 400), depth
    assert ask("PATCH", twin, desired({"deep": None})) == 200


def test_a_sign_in_token_opens_the_hub(lab):
    from azure.identity import ClientSecretCredential

    credential = ClientSecretCredential(
        lab["tenant"],
        lab["client_id"],
        lab["client_secret"],
        authority=lab["https"],
        disable_instance_discovery=True,
        connection_verify=lab["ca_file"],
    )
    bearer = credential.get_token("https://iothubs.azure.net/.default").token
    reply = requests.get(
        f"{lab['https']}/devices?api-version=2021-04-12",
        headers={"Authorization": f"Bearer {bearer}"},
        verify=lab["ca_file"],
        timeout=60,
    )
    assert reply.status_code == 200
    other = credential.get_token("https://management.azure.com/.default").token
    for path, right, wrong in (
        ("/devices?api-version=2021-04-12", bearer, other),
        ("/subscriptions?api-version=2022-12-01", other, bearer),
    ):
        statuses = [
            requests.get(
                f"{lab['https']}{path}", headers={"Authorization": f"Bearer {one}"}, verify=lab["ca_file"], timeout=60
            ).status_code
            for one in (right, wrong)
        ]
        assert statuses == [200, 401], path  # a token is for one audience
    forged = bearer[:-4] + "AAAA"
    reply = requests.get(
        f"{lab['https']}/devices?api-version=2021-04-12",
        headers={"Authorization": f"Bearer {forged}"},
        verify=lab["ca_file"],
        timeout=60,
    )
    assert reply.status_code == 401


def test_a_devices_parent_is_kept_and_must_be_an_edge_device(lab, hub_manager):
    from azure.iot.hub.models import QuerySpecification

    from services.lab.cloud.hub import sas

    connection = dict(part.split("=", 1) for part in lab["hub_connection_string"].split(";"))
    token = sas.make(connection["HostName"], connection["SharedAccessKey"], 4e9, connection["SharedAccessKeyName"])

    def call(method, name, body=None, **headers):
        return requests.request(
            method,
            f"{lab['https']}/devices/{name}",
            json=body,
            params={"api-version": "2021-04-12"},
            headers={"Authorization": token, **headers},
            verify=lab["ca_file"],
            timeout=30,
        )

    any_version = {"If-Match": "*"}
    call("PUT", "leaf", {"deviceId": "leaf"})
    leaf, scope = call("GET", "leaf").json(), call("GET", "databox-edge-3").json()["deviceScope"]
    assert call("PUT", "leaf", {**leaf, "deviceScope": scope}, **any_version).status_code == 200
    leaf = call("GET", "leaf").json()
    assert (leaf["deviceScope"], leaf["parentScopes"]) == (scope, [scope])
    query = QuerySpecification(query=f"select deviceId from devices where array_contains(parentScopes, '{scope}')")
    assert len(hub_manager("RegistryManager").query_iot_hub(query, None, 10).items) == 1
    refused = call("PUT", "leaf", {**leaf, "deviceScope": "ms-azure-iot-edge://nobody-1"}, **any_version)
    assert (refused.status_code, "InvalidDeviceScope" in refused.text) == (400, True)
    assert call("PUT", "leaf", {**leaf, "deviceScope": ""}, **any_version).json().get("parentScopes") is None
    call("DELETE", "leaf", **any_version)
