"""IoT Hub's service API (api-version 2021-04-12), as azure-iot-hub and ``az iot hub`` call it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

from aiohttp import web

from services.lab.https.identities_api import READ, ROUTES, WRITE
from services.lab.https.replies import Handler, body_of, json_reply, number, part, world_of
from services.lab.hub import Hub, HubError
from services.lab.hub.query import select, whole

_SERVICE = "ServiceConnect"


def _with_right(right: str, handler: Handler, *, metered: bool = False) -> Callable[[web.Request], Awaitable[web.Response]]:
    """``handler`` after the token's check; ``metered`` calls count against the daily quota by the larger of request and reply."""

    async def checked(request: web.Request) -> web.Response:
        world = world_of(request)
        hub = world.hub
        hub.authorize(request.headers.get("Authorization", ""), f"{request.host}{request.path}", right)
        if metered:
            if world.faults.active("quota") is not None:
                raise hub.quota.exceeded(hub.name)
            if world.faults.active("basic-tier") is not None:
                raise HubError(403010)
        response = await handler(request, hub)
        if metered:
            hub.quota.spend(max(request.content_length or 0, len(response.body) if isinstance(response.body, bytes) else 0))
        return response

    return checked


def _throttled(handler: Handler) -> Handler:
    """An operation of the identity registry: 100 a minute and unit (B1, F1, S1)."""

    async def counted(request: web.Request, hub: Hub) -> web.Response:
        hub.throttles["identity"].call()
        return await handler(request, hub)

    return counted


# Twins


async def _twin(request: web.Request, hub: Hub) -> web.Response:
    hub.throttles["twin"].call()
    identity = hub.identity(part(request, "device"), request.match_info.get("module"))
    return json_reply(identity.twin_view(), identity.twin.etag)


async def _edit_twin(request: web.Request, hub: Hub) -> web.Response:
    identity = hub.patch_desired(
        part(request, "device"),
        request.match_info.get("module"),
        await body_of(request),
        request.headers.get("If-Match", "*"),
        replace=request.method == "PUT",
    )
    if not identity.module:
        hub.configurations.reconcile()
    return json_reply(identity.twin_view(), identity.twin.etag)


def _seconds(value: object, default: float) -> float:
    """A timeout of a method call. ``az`` sends it as text, which a hub takes too."""
    if value is None:
        return default
    try:
        return float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
    except ValueError:
        return math.nan


async def _method(request: web.Request, hub: Hub) -> web.Response:
    body = await body_of(request)
    name = body.get("methodName")
    response = _seconds(body.get("responseTimeoutInSeconds"), 30)
    connect = _seconds(body.get("connectTimeoutInSeconds"), 0)
    if not isinstance(name, str) or not name:
        raise HubError(400004, "methodName is missing.", nested=True)
    if not (5 <= response <= 300 and 0 <= connect <= 300):
        raise HubError(400004, "The timeouts must be from 5 to 300 seconds.", nested=True)
    if (request.content_length or 0) > 128 * 1024:
        raise HubError(413001, "The method's payload is larger than 131072 bytes.", nested=True)
    status, payload = await hub.invoke(
        part(request, "device"), request.match_info.get("module"), name, body.get("payload"), response, connect
    )
    return json_reply({"status": status, "payload": payload})


# Deployments


async def _apply(request: web.Request, hub: Hub) -> web.Response:
    device, body = part(request, "device"), await body_of(request)
    hub.throttles["configuration"].call()
    if hub.faults.take("concurrent-apply", device):
        raise HubError(409402)
    hub.identity(device)
    hub.configurations.apply(device, body)
    if hub.faults.take("reply-lost", device) and request.transport is not None:
        request.transport.close()
    return web.Response(status=204)


async def _configurations(request: web.Request, hub: Hub) -> web.Response:
    top = number(request.query.get("top"), 100)
    return json_reply([hub.configurations.view(one) for one in list(hub.configurations.all.values())[:top]])


async def _configuration(request: web.Request, hub: Hub) -> web.Response:
    name = part(request, "name")
    if name not in hub.configurations.all:
        raise HubError(404040, f"Configuration '{name}' is not found.")
    one = hub.configurations.all[name]
    return json_reply(hub.configurations.view(one), one.etag)


async def _put_configuration(request: web.Request, hub: Hub) -> web.Response:
    hub.throttles["configuration"].call()
    one, new = hub.configurations.put(part(request, "name"), await body_of(request), request.headers.get("If-Match"))
    return json_reply(hub.configurations.view(one), one.etag, 201 if new else 200)


async def _delete_configuration(request: web.Request, hub: Hub) -> web.Response:
    hub.configurations.remove(part(request, "name"))
    return web.Response(status=204)


# Queries and statistics


async def _query(request: web.Request, hub: Hub) -> web.Response:
    text = (await body_of(request)).get("query")
    if not isinstance(text, str):
        raise HubError(400004, "The query is missing.")
    hub.throttles["query"].call()
    rows = select(hub, text)
    size = max(1, number(request.headers.get("x-ms-max-item-count"), 100))
    start = number(request.headers.get("x-ms-continuation"), 0)
    headers = {"x-ms-item-type": "twin" if whole(text) else "raw"}
    if start + size < len(rows):
        headers["x-ms-continuation"] = str(start + size)
    return web.json_response(rows[start : start + size], headers=headers)


async def _statistics(request: web.Request, hub: Hub) -> web.Response:
    devices = hub.devices()
    if part(request, "kind") == "service":
        return json_reply({"connectedDeviceCount": sum(device.connected for device in devices)})
    enabled = sum(device.enabled for device in devices)
    return json_reply(
        {"totalDeviceCount": len(devices), "enabledDeviceCount": enabled, "disabledDeviceCount": len(devices) - enabled}
    )


def routes() -> list[web.RouteDef]:
    """The service API's routes."""
    twin, module_twin = "/twins/{device}", "/twins/{device}/modules/{module}"
    table: list[tuple[str, str, str, Handler, bool]] = [
        *((method, path, right, _throttled(handler), False) for method, path, right, handler in ROUTES),
        ("POST", "/devices/query", READ, _query, True),
        ("POST", "/devices/{device}/applyConfigurationContent", WRITE, _apply, True),
        ("GET", "/configurations", READ, _configurations, False),
        ("GET", "/configurations/{name}", READ, _configuration, False),
        ("PUT", "/configurations/{name}", WRITE, _put_configuration, False),
        ("DELETE", "/configurations/{name}", WRITE, _delete_configuration, False),
        ("GET", "/statistics/{kind:service|devices}", READ, _statistics, False),
    ]
    for path in (twin, module_twin):
        table += [
            ("GET", path, _SERVICE, _twin, True),
            ("PATCH", path, _SERVICE, _edit_twin, True),
            ("PUT", path, _SERVICE, _edit_twin, True),
            ("POST", f"{path}/methods", _SERVICE, _method, True),
        ]
    return [
        web.route(method, f"{path}{{slash:/?}}", _with_right(right, handler, metered=metered))
        for method, path, right, handler, metered in table
    ]
