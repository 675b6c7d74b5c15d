"""What the lab's tests share: SDK clients that trust the lab's authority."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def hub_manager(own_or_session_lab: dict[str, Any]) -> Callable[..., Any]:
    """``hub_manager(kind, connection="hub_connection_string")``: azure-iot-hub's IoTHub{kind}, no retries, trusting the lab."""

    def make(kind: str, connection: str = "hub_connection_string", text: str = "") -> Any:
        import azure.iot.hub as sdk

        manager = getattr(sdk, f"IoTHub{kind}").from_connection_string(text or own_or_session_lab[connection])
        configuration = manager.protocol.config
        configuration.connection.verify = own_or_session_lab["ca_file"]
        configuration.retry_policy.retries = 0
        return manager

    return make


@pytest.fixture
def own_or_session_lab(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The test's own lab where it asked for one, else the session's."""
    name = "own_lab" if "own_lab" in request.fixturenames else "lab"
    found: dict[str, Any] = request.getfixturevalue(name)
    return found


@pytest.fixture
def manifest() -> Callable[..., dict[str, Any]]:
    """``manifest(module=settings…)``: a deployment with the runtime and those modules, written out by hand."""

    def make(**modules: Any) -> dict[str, Any]:
        agent = {
            "schemaVersion": "1.0",
            "runtime": {"type": "docker", "settings": {"minDockerVersion": "v1.25", "loggingOptions": ""}},
            "systemModules": {
                "edgeAgent": {
                    "type": "docker",
                    "settings": {"image": "mcr.microsoft.com/azureiotedge-agent:1.4", "createOptions": "{}"},
                },
                "edgeHub": {
                    "type": "docker",
                    "status": "running",
                    "restartPolicy": "always",
                    "settings": {"image": "mcr.microsoft.com/azureiotedge-hub:1.4", "createOptions": "{}"},
                },
            },
            "modules": modules,
        }
        hub = {"schemaVersion": "1.0", "routes": {}, "storeAndForwardConfiguration": {"timeToLiveSecs": 7200}}
        return copy.deepcopy({"$edgeAgent": {"properties.desired": agent}, "$edgeHub": {"properties.desired": hub}})

    return make
