"""Canaries: secrets in every place of a reply where one may stand, and none of them is left."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chunks import chunk
from services.operations.doctor.evidence_mask import EvidenceMask

CANARY = "Canary7Q2wX9pLz"
DEVICE_KEY = "q1W2e3R4t5Y6u7I8o9P0a1S2d3F4g5H6j7K8l9Z0x1C="


def shown(value):
    mask = EvidenceMask()
    return json.dumps(mask.swept(mask.masked(value)), ensure_ascii=False)


@pytest.mark.parametrize(
    "reply",
    [
        {"authentication": {"symmetricKey": {"primaryKey": CANARY, "secondaryKey": CANARY}}},
        {"runtime": {"settings": {"registryCredentials": {"acr": {"username": "acr", "password": CANARY}}}}},
        {"modules": {"m": {"env": {"MODE": {"value": CANARY}}}}},
        {"modules": {"m": {"env": {"MODE": CANARY}}}},
        {"modules": {"m": {"env": [f"MODE={CANARY}"]}}},
        {"modules": {"m": {"env": CANARY}}},
        {"env": {"CONNECTION": {"value": f"{CANARY}=x;y"}}},
        {"settings": chunk(json.dumps({"Env": [f"MODE={CANARY}"]}))},
        {"settings": chunk(json.dumps({"Env": {"MODE": CANARY}}))},
        {"settings": chunk(json.dumps({"Cmd": ["--password", CANARY]}))},
        {"settings": chunk(json.dumps({"Cmd": [f"--api-key={CANARY}"]}))},
        {"settings": chunk(json.dumps({"Labels": {"net.azure-devices.edge.env": json.dumps({"A": {"value": CANARY}})}}))},
        {"settings": chunk('{"Env":["MODE=' + CANARY + '"], ')},  # create options that do not parse
        {"settings": {"createOptions": {"Env": [f"MODE={CANARY}"]}}},
        {"settings": {"createOptions": f'{{"Env":["MODE={CANARY}"]', "createOptions02": "a gap"}},
        {"iotEdgeModule": {"environmentVariables": {"MODE": CANARY}}},
        {"config": {"Env": [f"PATH={CANARY}"]}, "history": [{"created_by": f"ENV MODE {CANARY}"}]},
        {"username": "acr", "passwords": [{"name": "password", "value": CANARY}]},
        {"tokens": [CANARY], "access_token": CANARY, "refresh_token": CANARY},
        {"imageBuildLogUri": f"https://x.blob.core.windows.net/log?sv=2019&sig={CANARY}&se=2026"},
        {"endpoint": f"Endpoint=sb://x/;SharedAccessKeyName=p;SharedAccessKey={CANARY};EntityPath=e"},
        {"value": f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={CANARY}"},
        {"statusDescription": f"login failed for https://user:{CANARY}@registry/v2/"},
        {"Message": json.dumps({"errorCode": 401003, "password": CANARY})},
        {"payload": [{"id": "m", "payloadBytes": CANARY}]},
        {"properties": {"api_key": CANARY}, "system_properties": {"x-token": CANARY}},
        f'{{"primaryKey": "{CANARY}", ',  # a reply that was cut
        f"<html>Authorization: Bearer {CANARY}</html>",
        {"createdBy": {"userName": CANARY}},
        {"Cmd": ["sh", "-c", f"export TOKEN={CANARY}; run --verbose --api-key {CANARY}"]},
        {"description": f"config: {{api_key: {CANARY}}}"},
        {"loggingOptions": json.dumps({"type": "splunk", "config": {"splunk-token": CANARY}})},
        {"routing": {"endpoints": {"eventHubs": [{"name": "own", "connectionString": CANARY}]}}},
    ],
)
def test_no_canary_is_left(reply):
    assert CANARY not in shown(reply)


def test_a_secret_is_hidden_wherever_else_it_stands():
    reply = [{"description": f"cannot log in with {CANARY}"}, {"password": CANARY}, {"text": json.dumps({"a": f"<{CANARY}>"})}]
    assert CANARY not in shown(reply)


def test_a_key_of_azure_is_known_by_its_form():
    assert DEVICE_KEY not in shown({"anything": f"it is {DEVICE_KEY}."})


def test_a_secret_across_two_chunks_is_hidden_and_the_chunks_stay_chunks():
    options = json.dumps({"Image": "x" * 470, "Env": [f"PASSWORD={CANARY}"], "Hostname": "y" * 600})
    settings = chunk(options)
    assert not any(CANARY in piece for piece in settings.values()), "the canary is torn apart"
    masked = EvidenceMask().masked({"settings": settings})["settings"]
    joined = "".join(masked[key] for key in sorted(masked))
    assert CANARY not in joined
    assert json.loads(joined)["Env"] == ["PASSWORD=•••"]
    assert len(masked) > 1


def test_what_is_no_secret_stays_to_the_letter():
    reply = {
        "deviceId": "edge-1",
        "etag": "AAAAAAAAADY=",
        "connectionState": "Disconnected",
        "authentication": {"type": "sas", "x509Thumbprint": {"primaryThumbprint": None}},
        "deviceScope": "ms-azure-iot-edge://edge-1-637121074930370650",
        "iothub-connection-auth-method": '{"scope":"hub","type":"sas","issuer":"iothub"}',
        "$metadata": {"password": {"$lastUpdated": "2021-06-12T00:28:00.0Z"}},
        "settings": {"image": "acr.azurecr.io/host:1@sha256:" + "0" * 64, "createOptions": '{"HostConfig": {"Privileged":true}}'},
        "lastDesiredStatus": {"code": 500, "description": "Could not pull image x\n\tcaused by: unauthorized"},
        "routes": {"up": "FROM /messages/* WHERE a = 'b' INTO $upstream"},
        "digest": "sha256:" + "a1" * 32,
    }
    mask = EvidenceMask()
    assert mask.swept(mask.masked(reply)) == reply


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["password", "env", "primaryKey", "createOptions", "Env", "connectionString", "environment"]))
def test_whatever_stands_around_it_a_secret_never_shows(around, name):
    for reply in (
        {name: {"x": around, "password": CANARY}},
        {name: [around, {"sharedAccessKey": CANARY}]},
        [{name: around}, {"secret": CANARY}],
    ):
        mask = EvidenceMask()
        assert CANARY not in json.dumps(mask.swept(mask.masked(reply)))


def test_a_reply_as_deep_as_a_well_is_cut_not_fatal():
    reply: object = CANARY
    for _ in range(500):
        reply = {"a": reply}
    assert CANARY not in shown({"password": CANARY, "deep": reply})
