"""A look at a hub, a device and an event endpoint before a context is kept: once, without retries."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from services.contexts.consumer import consumer, proxy_settings
from services.contexts.hub_api import REPLY_CODE, SUBJECT, HubApi, HubUnreached, hub_content
from services.diagnosis import explain
from services.diagnosis.liveness import connected_of, judge
from services.errors import OperatorError
from services.records import Connection, Device, EventEndpoint, Evidence, LifeSigns
from services.replies.bounds import Bounds
from services.replies.content import Owed
from services.replies.faults import reply_fault
from services.replies.network import network_error, unreachable
from services.text import clean, counted, one_line
from services.times import moment

if TYPE_CHECKING:
    from requests import Response

_SECONDS = 15
PROBE_BOUNDS = Bounds(read_seconds=_SECONDS)

_TUNNELS = "Check its address, port and sign-in; it must open tunnels (CONNECT) to port 443."
_REFUSALS = {
    407: "It asks for a user and a password: write them into its URL, http://USER:PASSWORD@HOST:PORT.",
    403: "It lets nobody through to {host}: have {host}:443 allowed, or name the host in NO_PROXY where it is reached directly.",
}


def probe_hub(api: HubApi) -> str:
    """Ask the hub how many devices it has (registry read)."""
    statistics = _ask(api, lambda api: api.device_statistics(), "object", "The hub")
    total, enabled = (statistics.get(name) for name in ("totalDeviceCount", "enabledDeviceCount"))
    if type(total) is not int or type(enabled) is not int:
        raise _no_hub("Its statistics name no number of devices.")
    return f"{counted(total, 'device')}, {enabled} enabled"


def probe_device(api: HubApi, device: str) -> str:
    """Ask the hub for the device, and whether it is alive by its modules' identities."""
    name = one_line(device, 80)
    identity = _ask(api, lambda api: api.device(device), "object", f"The device {name}")
    capabilities = identity.get("capabilities")
    if not (isinstance(capabilities, dict) and capabilities.get("iotEdge") is True):
        raise OperatorError(
            f"{name} is not an IoT Edge device.",
            cause="Modules are deployed to Edge devices only.",
            remedy="Choose the device that the Data Box Edge's compute role made.",
            code="context.not-edge",
        )
    modules = _ask(api, lambda api: api.modules(device), "list", f"The modules of {name}")
    connections = tuple(
        Connection(
            one_line(module.get("moduleId") or "", 128),
            connected_of(module.get("connectionState")),
            moment(module.get("connectionStateUpdatedTime")),
        )
        for module in modules
    )
    own = Device(device, connected_of(identity.get("connectionState")), enabled=identity.get("status") != "disabled")
    now = datetime.now(timezone.utc)
    return f"an Edge device, {judge(LifeSigns(own, connections, now), now).text}"


def edge_devices(api: HubApi) -> list[str]:
    """Return the ids of the hub's Edge devices (registry read)."""
    query = "SELECT deviceId FROM devices WHERE capabilities.iotEdge = true"
    rows = _ask(api, lambda api: api.query(query, None, 100), "list", "The list of devices")
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


def _ask(api: HubApi, call: Callable[[HubApi], Response], owed: Owed, subject: str) -> Any:
    try:
        response = call(api)
    except HubUnreached as error:
        raise unreachable("The hub", api.host, error.reason, "context.hub-unreachable") from error
    status = response.status_code
    if status < 400:
        return hub_content(response, owed)
    if api.by_token:
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
