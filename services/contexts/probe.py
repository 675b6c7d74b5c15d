"""A look at a hub, a device and an event endpoint before a context is kept: by the SDKs, once, without retries."""

from __future__ import annotations

import base64
import http.client
from datetime import datetime, timezone
from typing import Any

from services.contexts.consumer import consumer, proxy_settings
from services.contexts.secrets import ca_path
from services.diagnosis.liveness import connected_of, judge
from services.errors import OperatorError
from services.records import Connection, Device, EventEndpoint, LifeSigns, Secret
from services.text import clean, counted, one_line

_SECONDS = 15


def probe_hub(connection_string: Secret, ca_file: str = "") -> str:
    """Ask the hub how many devices it has (registry read)."""
    manager = _manager(connection_string, ca_file)
    statistics = _asked(manager.get_device_registry_statistics, "The hub")
    return f"{counted(statistics.total_device_count, 'device')}, {statistics.enabled_device_count} enabled"


def probe_device(connection_string: Secret, device: str, ca_file: str = "") -> str:
    """Ask the hub for the device, and whether it is alive by its modules' identities."""
    manager = _manager(connection_string, ca_file)
    found = _asked(lambda: manager.get_device(device), f"The device {one_line(device, 80)}")
    capabilities = found.capabilities
    if capabilities is None or not capabilities.iot_edge:
        raise OperatorError(
            f"{one_line(device, 80)} is not an IoT Edge device.",
            cause="Modules are deployed to Edge devices only.",
            remedy="Choose the device that the Data Box Edge's compute role made.",
            code="context.not-edge",
        )
    modules = _asked(lambda: manager.get_modules(device), f"The modules of {one_line(device, 80)}")
    connections = tuple(
        Connection(one_line(module.module_id or "", 128), connected_of(module.connection_state), _changed(module))
        for module in modules
    )
    identity = Device(device, connected_of(found.connection_state), enabled=found.status != "disabled")
    now = datetime.now(timezone.utc)
    return f"an Edge device, {judge(LifeSigns(identity, connections, now), now).text}"


def _changed(module: Any) -> datetime | None:
    """When a module's identity last connected or disconnected; the hub writes the year 1 for never."""
    changed = module.connection_state_updated_time
    return changed.replace(tzinfo=timezone.utc) if isinstance(changed, datetime) and changed.year > 1 else None


def edge_devices(connection_string: Secret, ca_file: str = "") -> list[str]:
    """The ids of the hub's Edge devices (registry read)."""
    from azure.iot.hub.models import QuerySpecification

    manager = _manager(connection_string, ca_file)
    query = QuerySpecification(query="SELECT deviceId FROM devices WHERE capabilities.iotEdge = true")
    found = _asked(lambda: manager.query_iot_hub(query, max_item_count=100), "The list of devices")
    return sorted(
        one_line(getattr(item, "device_id", None) or (item.additional_properties or {}).get("deviceId", ""), 128)
        for item in found.items or []
    )


def probe_events(endpoint: EventEndpoint) -> str:
    """Ask the endpoint for its partitions (service connect), by the way that messages will come."""
    from azure.eventhub import EventHubConsumerClient
    from azure.eventhub.exceptions import EventHubError

    client = consumer(EventHubConsumerClient, endpoint, auth_timeout=_SECONDS)
    by_websocket = endpoint.transport == "websocket" or bool(endpoint.proxy)
    way = "port 443 by the proxy" if endpoint.proxy else "port 443" if by_websocket else "port 5671"
    try:
        partitions = client.get_partition_ids()
    except (EventHubError, OSError) as error:
        text = str(getattr(error, "message", error)) or type(error).__name__
        instead = "" if by_websocket else "; where 5671 is closed, take websockets (443), by a proxy where there is one"
        raise OperatorError(
            "The event endpoint does not let us in.",
            cause=one_line(text, 300),
            remedy=f"Check the Event Hub-compatible string (key, EntityPath); {way} must be open{instead}.",
            code="context.events",
            raw=clean(text, 2000),
        ) from error
    finally:
        client.close()
    return f"{counted(len(partitions), 'partition')}, {way}"


def probe_proxy(proxy: str, host: str) -> str:
    """Have the proxy open a tunnel to the hub's port for websockets."""
    settings = proxy_settings(proxy, with_scheme=False)
    connection = http.client.HTTPConnection(settings["proxy_hostname"], settings["proxy_port"], timeout=_SECONDS)
    headers = {}
    if "username" in settings:
        pair = f"{settings['username']}:{settings['password']}".encode()
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    connection.set_tunnel(host.partition(":")[0], 443, headers)
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as error:
        raise OperatorError(
            "The proxy does not let us through.",
            cause=one_line(error, 300) or type(error).__name__,
            remedy="Check its address, port and sign-in; it must open tunnels (CONNECT) to port 443.",
            code="context.proxy",
        ) from error
    finally:
        connection.close()
    return f"opens tunnels to {one_line(host, 120)}"


def _manager(connection_string: Secret, ca_file: str) -> Any:
    from azure.iot.hub import IoTHubRegistryManager

    manager = IoTHubRegistryManager.from_connection_string(connection_string.reveal())
    config = manager.protocol.config
    config.retry_policy.retries = 0
    config.connection.timeout = _SECONDS
    if ca_file:
        config.connection.verify = ca_path(ca_file)
    return manager


def _asked(call: Any, subject: str) -> Any:
    from msrest.exceptions import ClientException, HttpOperationError

    try:
        return call()
    except HttpOperationError as error:
        status = error.response.status_code
        cause, remedy = {
            401: ("The key is wrong or was renewed.", "Copy the connection string anew."),
            403: ("The policy lacks the right, or the hub's IP filter refuses this machine.", "Use a policy with registry read."),
            404: ("The hub does not know it.", "Check the name: dbe-console devices"),
            429: ("The hub throttles, or its daily quota is used up.", "Wait and try again."),
        }.get(status, ("The hub has trouble of its own.", "Try again in a minute."))
        raise OperatorError(
            f"{subject} cannot be had ({status}).",
            cause=cause,
            remedy=remedy,
            code=f"context.hub-{status}",
            raw=clean(error.response.text, 2000),
        ) from error
    except ClientException as error:
        raise OperatorError(
            "The hub cannot be reached.",
            cause="Its certificate is not trusted here." if "CERTIFICATE_VERIFY" in str(error) else one_line(error, 300),
            remedy="Check the host name, the network and, for a private authority, ca_file.",
            code="context.hub-unreachable",
            raw=clean(error, 2000),
        ) from error
