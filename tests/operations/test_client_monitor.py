"""What is made of a client's silence: trouble of its own where it would have been heard, nothing where nobody listens."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from services.deployment.options.presets import preset, render
from services.errors import OperatorError
from services.hub.twin import state_of
from services.operations.client_complaints import complaints, explained
from services.operations.host import HostAnswer
from services.records import Device, InferenceMessage

HOST, CLIENT = "azureml-host", "azureml-client"


def device():
    options = {HOST: render(preset("fpga-host"), {}), CLIENT: render(preset("client-resnet50"), {"host": HOST})}
    modules = {
        name: {
            "status": "running",
            "settings": {"image": f"r/{name}:1", "createOptions": text if isinstance(text, str) else json.dumps(text)},
        }
        for name, text in options.items()
    }
    running = {name: {"runtimeStatus": "running"} for name in modules}
    twin = {"properties": {"desired": {"modules": modules}, "reported": {"modules": running}}}
    return state_of(Device("edge", True), twin, datetime.now(timezone.utc))


def sent(quiet):
    """Twenty results, two seconds apart, the newest ``quiet`` seconds ago."""
    newest = datetime.now(timezone.utc) - timedelta(seconds=quiet)
    return [
        InferenceMessage(n, "0", n, "", newest - timedelta(seconds=2 * (20 - n)), "edge", CLIENT, "result", "(9 ms) …")
        for n in range(1, 21)
    ]


def test_silence_is_trouble_only_where_it_would_be_heard():
    assert complaints(device(), sent(quiet=1), listening=True) == {}
    assert complaints(device(), sent(quiet=40), listening=True)[CLIENT].state == "client-quiet"
    assert complaints(device(), sent(quiet=40), listening=False) == {}


def test_where_nobody_listens_the_hosts_are_asked():
    asked = []

    def refuse(host):
        asked.append(host)
        return HostAnswer("no", error=OperatorError("The tensor names are wrong.", code="grpc.tensor-names"))

    assert explained(device(), {}, True, refuse) == [] and not asked
    (finding,) = explained(device(), {}, False, refuse)
    assert (finding.module, finding.state, asked) == (HOST, "tensor-names", [HOST])
