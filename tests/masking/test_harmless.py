"""What an operator needs stays visible: digests, ids, image names, paths, tensor names, ports, times."""

from __future__ import annotations

from typing import Any

import pytest
from harmless_values import values

from services.masking import Masking, is_secret_name, mask


@pytest.mark.parametrize("seed", range(4))
def test_of_500_harmless_values_one_at_most_is_hidden(seed: int) -> None:
    masking = Masking()
    hidden = [
        (kind, value)
        for kind, value in values(500, seed)
        if any(masking.tree(node) != node for node in ({"value": value}, [f"SETTING={value}"], {"Cmd": ["run", value]}))
    ]
    assert len(hidden) <= 1, hidden


@pytest.mark.parametrize(
    "node",
    [
        {"etag": "AAAAAAAAADY=", "$etag": '"NzU1MjU5NDU2"', "connectionState": "Disconnected",
        "deviceScope": "ms-azure-iot-edge://e-637121074930370650"},
        {"authentication": {"type": "sas",
        "x509Thumbprint": {"primaryThumbprint": None}}, "iothub-connection-auth-generation-id": "637121074930370650"},
        {"$metadata": {"password": {"$lastUpdated": "2021-06-12T00:28:00.0Z", "$lastUpdatedVersion": 3}}},
        {"registryCredentials": {"acr": {"address": "acr.azurecr.io", "username": "acr"}}},
        {"HostConfig": {"Privileged": True, "Devices": [{"PathOnHost": "/dev/catapult0", "CgroupPermissions": "rwm"}],
                        "PortBindings": {"50051/tcp": [{"HostPort": "50051"}]}, "Binds": ["/etc/hosts:/etc/hosts"]}},
        {"Cmd": ["python", "-u", "run.py", "-p", "50051", "--host=azureml-host", "--output", "hub", "-u", "1000:1000"]},
        {"routes": {"up": "FROM /messages/modules/client/outputs/* INTO $upstream"}},
        {"Endpoint": "sb://n.servicebus.windows.net/", "SharedAccessKeyName": "iothubowner", "EntityPath": "hub-1"},
        {"User": "1000:1000", "WorkingDir": "/app", "Hostname": "host", "ExposedPorts": {"50051/tcp": {}}},
    ],
)  # fmt: skip
def test_the_options_of_a_module_stay_to_the_letter(node: Any) -> None:
    assert Masking().tree(node) == node


@pytest.mark.parametrize(
    "text",
    [
        "Could not pull image acr.azurecr.io/host:1, unauthorized: authentication required",
        "ErrorCode:IotHubUnauthorized;Authorization rule 'registryRead' does not allow access for '/devices'",
        'Bearer realm="https://acr.azurecr.io/oauth2/token",service="acr.azurecr.io",scope="repository:host:pull"',
        "no basic auth credentials", "The token is expired.", "driver failed programming external connectivity: Bind for 0.0.0.0:50051 failed",
        "2026-12-01 10:20:30 +00:00 [INF] - Executing command: Command Group (key: value)", "password authentication failed for user",
        "[2026-12-01T10:20:30.123Z] ERROR tls: alert(47)", "CONDITION: amqp:unauthorized-access", "12:30:45 edge-1: ok",
    ],
)  # fmt: skip
def test_messages_keep_their_words(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "name",
    ["image", "SharedAccessKeyName", "keyboard", "tokenizer", "KEY_VAULT_URL", "partitionKey", "x-opt-partition-key", "monkey", "compass", "PATH",
     "passthrough", "authentication", "generation-id", "hostname", "TOKEN_URL", "tokenType", "GPIO_PIN", "unauthorized", "keepalive", "bypass",
     "PASSWORD_FILE", "KEY_NAME", "secretName"],
)  # fmt: skip
def test_names_that_tell_no_secret(name: str) -> None:
    assert not is_secret_name(name)
