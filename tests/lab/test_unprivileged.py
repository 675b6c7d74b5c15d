"""The lab of a user who may not bind ports below 1024: HTTPS is on 8443, a device's low ports are bound higher, and both are said."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from services.errors import OperatorError
from services.inference.http import HttpScorer

DEVICE = "databox-edge-1"


@pytest.fixture(scope="module")
def low(tmp_path_factory, running):
    with running(tmp_path_factory.mktemp("low") / "lab", low_ports=False) as info:
        yield info


def test_https_is_on_8443_and_the_sdks_find_it(low):
    from azure.eventhub import EventHubConsumerClient
    from azure.iot.hub import IoTHubRegistryManager

    assert low["host"] == low["registry_server"] == f"{low['address']}:8443"
    assert low["low_ports_up"] == 8000
    manager = IoTHubRegistryManager.from_connection_string(low["hub_connection_string"])
    manager.protocol.config.connection.verify = low["ca_file"]
    assert manager.get_module_twin(DEVICE, "$edgeAgent").module_id == "$edgeAgent"
    events = EventHubConsumerClient.from_connection_string(
        low["event_hub_connection_string"], "$Default", connection_verify=low["ca_file"], retry_total=0
    )
    with events:
        assert events.get_partition_ids() == ["0", "1", "2", "3"]


def test_a_cpu_hosts_port_is_mapped_up_and_shown(low, control, manifest, eventually):
    from azure.iot.hub import IoTHubConfigurationManager, IoTHubRegistryManager
    from azure.iot.hub.models import ConfigurationContent

    clients = []
    for kind in (IoTHubConfigurationManager, IoTHubRegistryManager):
        clients.append(kind.from_connection_string(low["hub_connection_string"]))
        clients[-1].protocol.config.connection.verify = low["ca_file"]
    content = manifest(
        cpu={
            "type": "docker",
            "status": "running",
            "restartPolicy": "always",
            "settings": {
                "image": f"{low['registry_server']}/cpu-classifier:1",
                "createOptions": json.dumps({"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "80"}]}}}),
            },
        }
    )
    content["$edgeAgent"]["properties.desired"]["runtime"]["settings"]["registryCredentials"] = {
        "lab": {
            "address": low["registry_server"],
            "username": low["registry_username"],
            "password": low["registry_password"],
        }
    }
    clients[0].apply_configuration_on_edge_device(DEVICE, ConfigurationContent(modules_content=content))

    def reported():
        modules = clients[1].get_module_twin(DEVICE, "$edgeAgent").properties.reported.get("modules", {})
        return modules.get("cpu") if modules.get("cpu", {}).get("runtimeStatus") == "running" else None

    assert eventually(reported)["statusDescription"] == "running; the lab may not bind port 80, and serves it at port 8080"
    assert control(low, "world")["mapped_ports"][DEVICE] == {"80": 8080}
    address = low["devices"][DEVICE]["address"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, 80), 2)
    with HttpScorer(address, 8080) as scorer:

        def label():
            try:
                return scorer.score(Path("services/client/assets/cat.jpg").read_bytes(), "application/octet-stream")[0]["label"]
            except OperatorError:
                return None

        assert eventually(label) == "tiger cat"
