"""The client's image with its real packages: built by the verb's own code, pushed to the lab's registry, run by the lab's agent."""

from __future__ import annotations

import json
import threading

import pytest

from services.records import Progress, RegistryCredentials, Secret
from services.registry import parse_reference
from services.registry.client_image import build_client
from services.registry.engine import Engine

DEVICE = "databox-edge-1"
FPGA = {
    "HostConfig": {
        "Privileged": True,
        "Devices": [{"PathOnHost": f"/dev/catapult{n}", "PathInContainer": f"/dev/catapult{n}"} for n in (0, 1)],
        "PortBindings": {"50051/tcp": [{"HostPort": "50051"}]},
    }
}


def module(image, options):
    return {
        "type": "docker",
        "status": "running",
        "restartPolicy": "always",
        "settings": {"image": image, "createOptions": json.dumps(options)},
    }


@pytest.mark.long
def test_built_pushed_deployed_and_heard(engine_url, lab, eventually):
    from azure.eventhub import EventHubConsumerClient
    from azure.iot.hub import IoTHubConfigurationManager
    from azure.iot.hub.models import ConfigurationContent

    said: list[Progress] = []
    image = parse_reference(f"{lab['registry_server']}/own-client:1")
    credentials = RegistryCredentials(image.server, lab["registry_username"], Secret(lab["registry_password"]))
    engine = Engine(engine_url)
    try:
        build_client(engine, image, said.append, base="scratch")  # no base image can be had without a network
        engine.push(image, credentials, said.append)
    finally:
        engine.close()

    system = {"type": "docker", "settings": {"image": "mcr.microsoft.com/azureiotedge-agent:1.4", "createOptions": "{}"}}
    hub_module = module("mcr.microsoft.com/azureiotedge-hub:1.4", {})
    password = {"address": image.server, "username": lab["registry_username"], "password": lab["registry_password"]}
    agent = {
        "schemaVersion": "1.0",
        "runtime": {"type": "docker", "settings": {"minDockerVersion": "v1.25", "registryCredentials": {"lab": password}}},
        "systemModules": {"edgeAgent": system, "edgeHub": hub_module},
        "modules": {
            "host": module(f"{image.server}/accel-resnet50:1", FPGA),
            "own": module(str(image), {"Cmd": ["-a", "host", "-w", "1"]}),
        },
    }
    hub = {"schemaVersion": "1.0", "routes": {}, "storeAndForwardConfiguration": {"timeToLiveSecs": 7200}}
    manager = IoTHubConfigurationManager.from_connection_string(lab["hub_connection_string"])
    manager.protocol.config.connection.verify = lab["ca_file"]
    content = {"$edgeAgent": {"properties.desired": agent}, "$edgeHub": {"properties.desired": hub}}
    manager.apply_configuration_on_edge_device(DEVICE, ConfigurationContent(modules_content=content))

    heard: list[str] = []
    events = EventHubConsumerClient.from_connection_string(
        lab["event_hub_connection_string"], "$Default", connection_verify=lab["ca_file"]
    )

    def note(_, event):
        if event.system_properties.get(b"iothub-connection-module-id") == b"own":
            heard.append(event.body_as_str())

    reader = threading.Thread(target=events.receive, args=(note,), kwargs={"starting_position": "-1"})
    reader.start()
    try:
        assert "classified as tripod" in eventually(lambda: [text for text in heard if "classified" in text], 60)[0]
    finally:
        events.close()
        reader.join(20)
        agent["modules"] = {}
        manager.apply_configuration_on_edge_device(DEVICE, ConfigurationContent(modules_content=content))
