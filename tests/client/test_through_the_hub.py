"""The client through the hub: under both identities, with the sample's own manifest, and with the hub out of reach."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import string
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "services" / "client" / "assets"
SAMPLE = ROOT / "tests" / "deployment" / "manifest" / "databox-edge-template.json"
DEVICE, ALONE = "databox-edge-1", "databox-edge-4"  # the second has no agent: the test's own client speaks for it


@pytest.fixture(scope="module")
def own(tmp_path_factory, running):
    with running(tmp_path_factory.mktemp("client") / "lab") as info:
        yield info


class Events:
    """Everything that reaches the built-in endpoint, by azure-eventhub."""

    def __init__(self, lab):
        from azure.eventhub import EventHubConsumerClient

        self.all = []
        self._client = EventHubConsumerClient.from_connection_string(
            lab["event_hub_connection_string"], "$Default", connection_verify=lab["ca_file"]
        )
        self._thread = threading.Thread(
            target=self._client.receive_batch,
            args=(lambda _, events: self.all.extend(events),),
            # One event a call, or a prefetch that is waited for until it is full, would read more slowly than a client sends.
            kwargs={"starting_position": "-1", "prefetch": 5, "max_wait_time": 0.1},
        )
        self._thread.start()

    def of(self, device):
        return [event for event in list(self.all) if event.system_properties[b"iothub-connection-device-id"] == device.encode()]

    def close(self):
        self._client.close()
        self._thread.join(15)


@pytest.fixture(scope="module")
def events(own):
    reader = Events(own)
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def deploy(own):
    from azure.iot.hub import IoTHubConfigurationManager
    from azure.iot.hub.models import ConfigurationContent

    manager = IoTHubConfigurationManager.from_connection_string(own["hub_connection_string"])
    manager.protocol.config.connection.verify = own["ca_file"]
    yield lambda modules: manager.apply_configuration_on_edge_device(DEVICE, ConfigurationContent(modules_content=modules))


def sample_manifest(lab):
    """The original sample's deployment template with its variables filled in, as its notebook does."""
    text = SAMPLE.read_text().replace("$ACR_NAME.azurecr.io", lab["registry_server"])
    return json.loads(
        string.Template(text).safe_substitute(
            ACR_NAME=lab["registry_username"],
            ACR_PASSWORD=lab["registry_password"],
            HOST_URL=f"{lab['registry_server']}/accel-resnet50:1",
            HOST_STATUS="running",
            CLIENT_URL=f"{lab['registry_server']}/{lab['client_image']}",
            CLIENT_STATUS="running",
            INPUT_TENSOR="Placeholder:0",
            OUTPUT_TENSOR="classifier/resnet_v1_50/predictions/Softmax:0",
            DEVICE_CONNECTION_STRING=lab["devices"][DEVICE]["connection_string"],
        )
    )["modulesContent"]


def test_the_samples_own_manifest_and_then_a_modules_identity(own, events, deploy, eventually):
    modules = sample_manifest(own)
    deploy(modules)
    first = eventually(lambda: [event for event in events.of(DEVICE) if "classified" in event.body_as_str()], 60)[0]
    # The sample's client speaks as the device: a filter by module would hide it (docs/facts/iot-hub.md).
    assert b"iothub-connection-module-id" not in first.system_properties
    assert json.loads(first.system_properties[b"iothub-connection-auth-method"])["scope"] == "device"
    assert first.body_as_str().startswith("(")
    assert "The image ./assets/camera.jpg was classified as tripod with confidence 0." in first.body_as_str()

    del modules["$edgeAgent"]["properties.desired"]["modules"]["azureml-client"]["env"]
    deploy(modules)

    def by_module():
        name = b"azureml-client"
        return [event for event in events.of(DEVICE) if event.system_properties.get(b"iothub-connection-module-id") == name]

    module = eventually(by_module, 60)[0]
    assert json.loads(module.system_properties[b"iothub-connection-auth-method"])["scope"] == "module"
    assert "was classified as" in module.body_as_str()


class Run:
    """A client process; ``lines`` are the results that it printed."""

    def __init__(self, lab, port, queue):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("IOTEDGE_")} | {
            "DEVICE_CONNECTION_STRING": lab["devices"][ALONE]["connection_string"],
            "CLIENT_CA_FILE": lab["ca_file"],
            "CLIENT_QUEUE_FOLDER": str(queue),
        }
        command = ["-d", str(ASSETS), "-a", "127.0.0.1", "-p", str(port), "-w", "0.1"]
        self.lines, self.all = [], []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.client.run", *command], stdout=subprocess.PIPE, text=True, env=environment
        )
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        for line in self._process.stdout:
            self.all.append(line)
            if "was classified as" in line:
                self.lines.append(line.strip())

    def end(self):
        """SIGTERM; the exit status."""
        self._process.send_signal(signal.SIGTERM)
        self._thread.join(60)
        return self._process.wait(60)


def waiting(queue):
    with sqlite3.connect(f"file:{queue / 'outbox.sqlite'}?mode=ro", uri=True) as database:
        return database.execute("SELECT count(*) FROM waiting").fetchone()[0]


def arrive(events, printed, eventually):
    """Every printed result has arrived, in order, and none without being printed; a repeat is known by its message id."""

    def whole():
        by_id = {}
        for event in events.of(ALONE):
            by_id.setdefault(event.message_id, event.body_as_str())
        return list(by_id.values()) if len(by_id) >= len(printed) else None

    found = eventually(whole)
    assert Counter(found) == Counter(printed)
    assert found == printed


@pytest.mark.parametrize("how", ["offline", pytest.param("freeze", marks=pytest.mark.long)])
def test_what_cannot_be_sent_waits_on_disk_and_none_is_lost(how, own, events, control, start_host, eventually, tmp_path):
    port = start_host("services.lab.device.host", "--flash-seconds", "0")
    events.all.clear()
    client = Run(own, port, tmp_path)
    try:
        eventually(lambda: len(events.of(ALONE)) >= 3)
        control(own, "faults", {"name": how, **({"device": ALONE} if how == "offline" else {})})
        eventually(lambda: waiting(tmp_path) >= 5)
        assert client.end() == 0
        left, printed = waiting(tmp_path), list(client.lines)
        assert left >= 5  # on disk, for the next start
    finally:
        client.end()
    control(own, "faults", {"name": "none"})
    again = Run(own, port, tmp_path)
    try:
        eventually(lambda: waiting(tmp_path) == 0 and len(events.of(ALONE)) >= len(printed), 60)
        # Once more while it runs: it comes back by itself.
        control(own, "faults", {"name": "offline", "device": ALONE})
        eventually(lambda: waiting(tmp_path) >= 5)
        control(own, "faults", {"name": "none"})
        eventually(lambda: waiting(tmp_path) <= 1, 60)
        assert again.end() == 0
    finally:
        again.end()
    assert waiting(tmp_path) == 0
    arrive(events, printed + again.lines, eventually)
