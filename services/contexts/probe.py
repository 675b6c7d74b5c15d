"""A look at a hub, a device and an event endpoint before a context is kept: by the SDKs, once, without retries."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from services.contexts.connection_string import fields_of
from services.contexts.consumer import consumer, proxy_settings
from services.contexts.hub_sdk import REPLY_CODE, SUBJECT, HubCredential, HubSdk, hub_content
from services.contexts.model import Context
from services.diagnosis import explain
from services.diagnosis.liveness import connected_of, judge
from services.errors import OperatorError
from services.records import Connection, Device, EventEndpoint, Evidence, LifeSigns, Secret
from services.replies.bounds import Bounds
from services.replies.content import Owed
from services.replies.faults import reply_fault
from services.replies.network import network_error, unreachable
from services.text import clean, counted, one_line

_SECONDS = 15

_TUNNELS = "Check its address, port and sign-in; it must open tunnels (CONNECT) to port 443."
_REFUSALS = {
    407: "It asks for a user and a password: write them into its URL, http://USER:PASSWORD@HOST:PORT.",
    403: "It lets nobody through to {host}: have {host}:443 allowed, or name the host in NO_PROXY where it is reached directly.",
}


def probe_hub(sdk: HubSdk) -> str:
    """Ask the hub how many devices it has (registry read)."""
    statistics = _ask(sdk, lambda manager: manager.get_device_registry_statistics(), "object", "The hub")
    total, enabled = (statistics.get(name) for name in ("totalDeviceCount", "enabledDeviceCount"))
    if type(total) is not int or type(enabled) is not int:
        raise _no_hub("Its statistics name no number of devices.")
    return f"{counted(total, 'device')}, {enabled} enabled"


def probe_device(sdk: HubSdk, device: str) -> str:
    """Ask the hub for the device, and whether it is alive by its modules' identities."""
    name = one_line(device, 80)
    identity = _ask(sdk, lambda manager: manager.get_device(device), "object", f"The device {name}")
    capabilities = identity.get("capabilities")
    if not (isinstance(capabilities, dict) and capabilities.get("iotEdge") is True):
        raise OperatorError(
            f"{name} is not an IoT Edge device.",
            cause="Modules are deployed to Edge devices only.",
            remedy="Choose the device that the Data Box Edge's compute role made.",
            code="context.not-edge",
        )
    modules = _ask(sdk, lambda manager: manager.get_modules(device), "list", f"The modules of {name}")
    connections = tuple(
        Connection(
            one_line(module.get("moduleId") or "", 128),
            connected_of(module.get("connectionState")),
            _changed(module.get("connectionStateUpdatedTime")),
        )
        for module in modules
    )
    own = Device(device, connected_of(identity.get("connectionState")), enabled=identity.get("status") != "disabled")
    now = datetime.now(timezone.utc)
    return f"an Edge device, {judge(LifeSigns(own, connections, now), now).text}"


def _changed(text: object) -> datetime | None:
    """Return when a module's identity last connected or disconnected; the hub writes the year 1 for never."""
    from msrest.exceptions import DeserializationError
    from msrest.serialization import Deserializer

    try:
        changed = Deserializer.deserialize_iso(text)
    except (DeserializationError, ValueError, TypeError, OverflowError):
        return None
    return changed if isinstance(changed, datetime) and changed.year > 1 else None


def edge_devices(sdk: HubSdk) -> list[str]:
    """Return the ids of the hub's Edge devices (registry read)."""
    from azure.iot.hub.models import QuerySpecification

    query = QuerySpecification(query="SELECT deviceId FROM devices WHERE capabilities.iotEdge = true")
    rows = _ask(sdk, lambda manager: manager.query_iot_hub(query, max_item_count=100), "list", "The list of devices")
    names = sorted(one_line(row["deviceId"], 128) for row in rows if isinstance(row.get("deviceId"), str))
    if rows and not names:
        raise _no_hub("No row of its list of devices has the id of one.")
    return names


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
        name, by_token = type(error).__name__, endpoint.credential is not None
        explained = explain(
            Evidence("amqp", code=name, text=f"{one_line(endpoint.namespace, 200)}: {name}: {text}", token=by_token)
        )
        if by_token:
            raise explained from error
        raise OperatorError(
            f"The event endpoint does not let us in: {explained.what[:1].lower()}{explained.what[1:]}",
            cause=explained.cause,
            remedy=f"Check the Event Hub-compatible string (key, EntityPath); {way} must be open{instead}.",
            code="context.events",
            raw=explained.raw,
        ) from error
    finally:
        client.close()
    return f"{counted(len(partitions), 'partition')}, {way}"


def tunnel_headers(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return what a proxy is told for a tunnel: user and password, where its URL names them (``proxy_settings``)."""
    if "username" not in settings:
        return {}
    pair = f"{settings['username']}:{settings['password']}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def probe_proxy(proxy: str, host: str) -> str:
    """Have the proxy open a tunnel to the hub's port for websockets."""
    settings = proxy_settings(proxy, with_scheme=False)
    connection = http.client.HTTPConnection(settings["proxy_hostname"], settings["proxy_port"], timeout=_SECONDS)
    connection.set_tunnel(host.partition(":")[0], 443, tunnel_headers(settings))
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as error:
        explained = network_error(settings["proxy_hostname"], error)
        refusal = next((text for status, text in _REFUSALS.items() if f" {status} " in f" {error} "), None)
        raise OperatorError(
            "The proxy does not let us through.",
            cause=f"It answers: {one_line(error, 200)}." if refusal else f"{explained.what} {explained.cause}",
            raw=explained.raw,
            remedy=refusal.format(host=one_line(host, 120)) if refusal else _TUNNELS,
            code="context.proxy",
        ) from error
    finally:
        connection.close()
    return f"opens tunnels to {one_line(host, 120)}"


def sdk_by_key(connection_string: Secret, ca_file: str = "") -> HubSdk:
    """Return what asks the hub with a policy's key."""
    from azure.iot.hub import IoTHubRegistryManager

    text = connection_string.reveal()
    host = fields_of(connection_string).get("HostName", "")
    return HubSdk((IoTHubRegistryManager.from_connection_string(text),), host, ca_file, Bounds(read_seconds=_SECONDS))


def sdk_by_token(context: Context) -> HubSdk:
    """Return what asks the context's hub with its sign-in's token."""
    from azure.iot.hub import IoTHubRegistryManager

    assert context.hub is not None, "a hub is named before it is asked"
    host, ca_file = context.hub.host, context.hub.ca_file
    manager = IoTHubRegistryManager.from_token_credential(host, HubCredential(context))
    return HubSdk((manager,), host, ca_file, Bounds(read_seconds=_SECONDS), by_token=True)


def _ask(sdk: HubSdk, call: Callable[[Any], Any], owed: Owed, subject: str) -> Any:
    from msrest.exceptions import ClientException

    try:
        response = sdk.exchange(call, sdk.managers[0])
    except ClientException as error:
        raise unreachable("The hub", sdk.host, error, "context.hub-unreachable") from error
    status = response.status_code
    if status < 400:
        return hub_content(response, owed)
    if sdk.by_token:
        raise explain(Evidence("hub", status=status, text=clean(response.text, 2000), token=True))
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
        raw=clean(response.text, 2000),
    )


def _no_hub(detail: str) -> OperatorError:
    return reply_fault("content", SUBJECT, REPLY_CODE, detail)
