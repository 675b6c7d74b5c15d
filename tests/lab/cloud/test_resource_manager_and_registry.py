"""azure-identity, azure-mgmt-iothub and azure-mgmt-containerregistry, unmodified, and the registry's own API, against the lab."""

from __future__ import annotations

import hashlib
import json
import threading

import pytest
import requests


def credential(lab, **changes):
    from azure.identity import ClientSecretCredential

    values = {**lab, **changes}
    return ClientSecretCredential(
        values["tenant"],
        values["client_id"],
        values["client_secret"],
        authority=lab["https"],
        disable_instance_discovery=True,
        connection_verify=lab["ca_file"],
    )


def arm(kind, lab):
    return kind(
        credential(lab),
        lab["subscription"],
        base_url=lab["https"],
        credential_scopes=["https://management.azure.com/.default"],
        connection_verify=lab["ca_file"],
    )


def test_hubs_and_their_keys(lab):
    from azure.mgmt.iothub import IotHubClient

    client = arm(IotHubClient, lab)
    (hub,) = client.iot_hub_resource.list_by_subscription()
    assert (hub.name, hub.id) == (lab["hub_name"], lab["hub_resource_id"])
    hub = client.iot_hub_resource.get(lab["resource_group"], lab["hub_name"])
    assert hub.properties.host_name == lab["host"]
    events = hub.properties.event_hub_endpoints["events"]
    assert (events.path, events.partition_count) == (lab["event_hub_entity"], 4)
    keys = {key.key_name: key for key in client.iot_hub_resource.list_keys(lab["resource_group"], lab["hub_name"])}
    assert keys["iothubowner"].primary_key in lab["hub_connection_string"]
    one = client.iot_hub_resource.get_keys_for_key_name(lab["resource_group"], lab["hub_name"], "service")
    assert one.primary_key == keys["service"].primary_key
    assert {quota.name for quota in client.iot_hub_resource.get_quota_metrics(lab["resource_group"], lab["hub_name"])} >= {
        "TotalMessages"
    }


def test_registries_and_their_passwords(lab):
    from azure.mgmt.containerregistry import ContainerRegistryManagementClient

    client = arm(ContainerRegistryManagementClient, lab)
    (registry,) = client.registries.list_by_resource_group(lab["resource_group"])
    assert (registry.name, registry.login_server) == (lab["registry"], lab["registry_server"])
    found = client.registries.list_credentials(lab["resource_group"], lab["registry"])
    assert found.username == lab["registry_username"]
    assert found.passwords[0].value == lab["registry_password"]


@pytest.mark.parametrize(
    ("change", "words"), [({"client_secret": "wrong"}, "AADSTS7000215"), ({"client_id": "a" * 36}, "AADSTS700016")]
)
def test_sign_in_that_fails(lab, change, words):
    from azure.core.exceptions import ClientAuthenticationError

    with pytest.raises(ClientAuthenticationError, match=words):
        credential(lab, **change).get_token("https://management.azure.com/.default")


def test_device_code(lab):
    from azure.identity import DeviceCodeCredential

    def enter(address: str, code: str, _expires) -> None:
        threading.Thread(
            target=requests.get, args=(f"{address}?code={code}",), kwargs={"verify": lab["ca_file"], "timeout": 10}
        ).start()

    device = DeviceCodeCredential(
        tenant_id=lab["tenant"],
        authority=lab["https"],
        disable_instance_discovery=True,
        connection_verify=lab["ca_file"],
        prompt_callback=enter,
    )
    token = device.get_token("https://management.azure.com/.default").token
    reply = requests.get(
        f"{lab['https']}/subscriptions", headers={"Authorization": f"Bearer {token}"}, verify=lab["ca_file"], timeout=60
    )
    assert [one["subscriptionId"] for one in reply.json()["value"]] == [lab["subscription"]]
    device.get_token("https://ml.azure.com/.default")  # from the refresh token, nobody is asked again


def test_arm_wants_a_token(lab):
    reply = requests.get(f"{lab['https']}/subscriptions", verify=lab["ca_file"], timeout=60)
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


def registry(lab) -> requests.Session:
    session = requests.Session()
    session.auth = (lab["registry_username"], lab["registry_password"])
    session.verify = lab["ca_file"]
    session.trust_env = False  # an environment's REQUESTS_CA_BUNDLE would win over verify
    return session


def test_registry_reads(lab):
    session, base = registry(lab), f"https://{lab['registry_server']}/v2"
    assert requests.get(f"{base}/", verify=lab["ca_file"], timeout=60).status_code == 401
    assert session.get(f"{base}/").status_code == 200
    names, reply = [], session.get(f"{base}/_catalog")
    names += reply.json()["repositories"]
    while "next" in reply.links:
        reply = session.get(f"https://{lab['registry_server']}{reply.links['next']['url']}")
        names += reply.json()["repositories"]
    assert {"accel-resnet50", "cpu-classifier", "sample-client"} <= set(names) and names == sorted(set(names))
    assert session.get(f"{base}/accel-resnet50/tags/list").json() == {"name": "accel-resnet50", "tags": ["1"]}
    reply = session.get(f"{base}/accel-resnet50/manifests/1")
    assert reply.headers["Docker-Content-Digest"] == "sha256:" + hashlib.sha256(reply.content).hexdigest()
    assert (
        session.head(f"{base}/accel-resnet50/manifests/1").headers["Docker-Content-Digest"]
        == reply.headers["Docker-Content-Digest"]
    )
    config = session.get(f"{base}/accel-resnet50/blobs/{reply.json()['config']['digest']}").json()
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert session.get(f"{base}/accel-resnet50/manifests/99").json()["errors"][0]["code"] == "MANIFEST_UNKNOWN"


def test_registry_takes_a_push(lab):
    session, base = registry(lab), f"https://{lab['registry_server']}"
    blobs = [json.dumps({"architecture": "arm64", "os": "linux", "config": {}}).encode(), b"a layer"]
    digests = ["sha256:" + hashlib.sha256(blob).hexdigest() for blob in blobs]
    for blob, digest in zip(blobs, digests, strict=True):
        place = session.post(f"{base}/v2/team/pushed/blobs/uploads/").headers["Location"]
        assert session.patch(base + place, data=blob).status_code == 202
        assert session.put(f"{base}{place}?digest={digest}").status_code == 201
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"digest": digests[0], "size": len(blobs[0]), "mediaType": "application/vnd.docker.container.image.v1+json"},
        "layers": [
            {"digest": digests[1], "size": len(blobs[1]), "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip"}
        ],
    }
    headers = {"Content-Type": manifest["mediaType"]}
    assert session.put(f"{base}/v2/team/pushed/manifests/2.0", data=json.dumps(manifest), headers=headers).status_code == 201
    assert session.get(f"{base}/v2/team/pushed/manifests/2.0").json() == manifest


def test_consumer_groups_are_made_by_arm_and_taken_by_amqp(lab):
    from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
    from azure.eventhub import EventHubConsumerClient
    from azure.mgmt.iothub import IotHubClient

    resource = arm(IotHubClient, lab).iot_hub_resource
    where = (lab["resource_group"], lab["hub_name"], "events")
    name = "own-" + lab["nonce"]
    names = {"$Default", "console"}
    assert names | {"dbe-console", "full"} <= {one.name for one in resource.list_event_hub_consumer_groups(*where)}
    made = resource.create_event_hub_consumer_group(*where, name, {"properties": {"name": name}})
    assert (made.name, resource.get_event_hub_consumer_group(*where, name).name) == (name, name)
    assert name in {one.name for one in resource.list_event_hub_consumer_groups(*where)}
    assert resource.get_event_hub_consumer_group(*where, "$Default").name == "$Default"
    reader = EventHubConsumerClient.from_connection_string(
        lab["event_hub_connection_string"], name, connection_verify=lab["ca_file"], retry_total=0
    )
    with reader:
        assert len(reader.get_partition_ids()) == 4
    resource.delete_event_hub_consumer_group(*where, name)
    with pytest.raises(ResourceNotFoundError):
        resource.get_event_hub_consumer_group(*where, name)
    with pytest.raises(HttpResponseError):
        resource.delete_event_hub_consumer_group(*where, "$Default")


def test_the_cloud_says_what_it_is_made_of(lab):
    def metadata(version):
        address = f"{lab['https']}/metadata/endpoints"
        return requests.get(address, params={"api-version": version}, verify=lab["ca_file"], timeout=30).json()

    cloud = metadata("2022-09-01")
    assert (cloud["resourceManager"], cloud["authentication"]["loginEndpoint"]) == (lab["https"], lab["https"])
    assert metadata("2019-05-01") == [cloud]
    assert metadata("2015-01-01")["authentication"]["audiences"]


@pytest.mark.parametrize(
    ("path", "key"),
    [("/artifact/v2.0/x", "details"), ("/v2/_nothing", "errors"), ("/jobs/v2/x", "Message"), ("/nothing", "error")],
)
def test_an_unknown_path_is_refused_in_its_services_form(lab, path, key):
    reply = requests.get(lab["https"] + path, verify=lab["ca_file"], timeout=30)
    assert (reply.status_code, "The lab does not do this" in reply.text) == (404, True)
    body = reply.json()
    assert key in body
    if key == "details":
        assert (body["code"], body["statusCode"], body["details"]) == ("NotFound", 404, [])


def test_an_image_whose_layers_are_there_is_pushed_under_another_name(lab):
    registry = f"{lab['https']}/v2"
    session = requests.Session()
    session.trust_env = False
    session.auth, session.verify = (lab["registry_username"], lab["registry_password"]), lab["ca_file"]
    manifest = session.get(f"{registry}/sample-client/manifests/1.0", timeout=30)
    layer = manifest.json()["layers"][0]["digest"]
    assert session.head(f"{registry}/sample-client/blobs/{layer}", timeout=30).status_code == 200
    mounted = session.post(f"{registry}/again/blobs/uploads/", params={"mount": layer, "from": "sample-client"}, timeout=30)
    assert mounted.status_code == 201
    kind = {"Content-Type": manifest.headers["Content-Type"]}
    put = session.put(f"{registry}/again/manifests/1.1", data=manifest.content, headers=kind, timeout=30)
    assert (put.status_code, put.headers["Docker-Content-Digest"]) == (201, manifest.headers["Docker-Content-Digest"])
    other = session.put(f"{registry}/again/manifests/1.2", data=json.dumps({"config": {"digest": "sha256:0"}}), timeout=30)
    assert (other.status_code, other.json()["errors"][0]["code"]) == (404, "MANIFEST_BLOB_UNKNOWN")
