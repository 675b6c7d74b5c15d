import copy
import json

import pytest

AGENT = "$edgeAgent"


def _content() -> dict:
    """A manifest as a device in use has it: two modules, one in chunks, credentials, environment, routes."""
    options = json.dumps(
        {"HostConfig": {"PortBindings": {"8080/tcp": [{"HostPort": "8080"}]}}, "Labels": {"note": "x" * 600}},
        separators=(",", ":"),
    )
    return {
        "modulesContent": {
            "$edgeAgent": {
                "properties.desired": {
                    "schemaVersion": "1.0",
                    "runtime": {
                        "type": "docker",
                        "settings": {
                            "minDockerVersion": "v1.25",
                            "loggingOptions": "",
                            "registryCredentials": {
                                "acr": {"address": "acr.azurecr.io", "username": "acr", "password": "old-pass"}
                            },
                        },
                    },
                    "systemModules": {
                        "edgeAgent": {"type": "docker", "settings": {"image": "agent:1.4", "createOptions": ""}},
                        "edgeHub": {
                            "type": "docker",
                            "status": "running",
                            "restartPolicy": "always",
                            "settings": {
                                "image": "hub:1.4",
                                "createOptions": '{"HostConfig":{"PortBindings":{"443/tcp":[{"HostPort":"443"}],"5671/tcp":[{"HostPort":"5671"}]}}}',
                            },
                        },
                    },
                    "modules": {
                        "counter": {
                            "type": "docker",
                            "status": "running",
                            "restartPolicy": "always",
                            "version": "2.3",
                            "somebody's": "own key",
                            "env": {"API_KEY": {"value": "k-123"}, "STORE": {"value": "17"}},
                            "settings": {
                                "image": "acr.azurecr.io/counter:2.3",
                                "createOptions": options[:512],
                                "createOptions01": options[512:],
                            },
                        },
                        "printer": {
                            "type": "docker",
                            "status": "stopped",
                            "restartPolicy": "never",
                            "settings": {
                                "image": "acr.azurecr.io/printer:1",
                                "createOptions": '{"Env":["TOKEN=t-1","MODE=fast"]}',
                            },
                        },
                    },
                }
            },
            "$edgeHub": {
                "properties.desired": {
                    "schemaVersion": "1.0",
                    "routes": {
                        "printing": 'FROM /messages/modules/counter/* INTO BrokeredEndpoint("/modules/printer/inputs/in")'
                    },
                    "storeAndForwardConfiguration": {"timeToLiveSecs": 7200},
                }
            },
            "counter": {"properties.desired": {"speed": 3}},
        }
    }


@pytest.fixture
def content() -> dict:
    return copy.deepcopy(_content())
