"""IoT Hub's service API (api-version 2021-04-12), as azure-iot-hub and ``az iot hub`` call it."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from services.lab.cloud.hub import Hub, HubError
from services.lab.cloud.hub.mailbox import Mailbox
from services.lab.cloud.hub.query import select, whole
from services.lab.wire.https import device_api
from services.lab.wire.https.device_api import GRANT
from services.lab.wire.https.identities_api import READ, ROUTES, WRITE
from services.lab.wire.https.replies import Handler, body_of, json_reply, number, part, world_of

_SERVICE = "ServiceConnect"


# What of a call is metered: nothing, the request (an update), the reply (a read), or each of the two (a direct method).
# Source: tests/cases/azure/09-direct-method-cost.json.
_FREE, _REQUEST, _REPLY, _BOTH = range(4)
_VERSION = re.compile(r"20\d\d-\d\d-\d\d(-preview)?")


def _checked(request: web.Request, right: str) -> Hub:
    """Return the hub, once the call's api-version and token are good."""
    hub = world_of(request).hub
    if not _VERSION.fullmatch(request.query.get("api-version", "")):
        raise HubError(400001)
    try:
        _check_role(request, hub)
        request[GRANT] = hub.authorize(request.headers.get("Authorization", ""), f"{request.host}{request.path}", right)
    except HubError as error:
        if error.message.startswith("Principal "):
            raise
        # One and the same reply for what is expired, wrongly signed or lacks a right (tests/cases/azure/14b-expired-token.json);
        # the lab's own notes say which.
        hub.log(f"HTTPS {request.method} {request.path}: {error}")
        raise HubError(401002) from error
    return hub


def _check_role(request: web.Request, hub: Hub) -> None:
    """Raise HubError 401003 where the sign-in's role does not allow the call: said, and not with 403 (docs/facts/azure-today.md)."""
    fault = hub.faults.active("role-missing")
    if fault is None or not request.headers.get("Authorization", "").startswith("Bearer "):
        return
    reads = request.method == "GET" or request.path.endswith("/devices/query")
    if not (reads and fault["kept"] == "reader"):
        text = f"Principal lab-operator is not authorized for {request.method} on {request.path} due to no assigned permissions."
        raise HubError(401003, text)


def _with_right(right: str, handler: Handler, cost: int = _FREE) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return ``handler`` after the token's check, metered as ``cost`` says."""

    async def checked(request: web.Request) -> web.Response:
        hub, world = _checked(request, right), world_of(request)
        if cost != _FREE:
            if world.faults.active("quota") is not None:
                raise hub.quota.exceeded(hub.name)
            if world.faults.active("basic-tier") is not None:
                raise HubError(403010)
        if cost in (_REQUEST, _BOTH):
            hub.quota.spend(request.content_length or 0)
        try:
            response = await handler(request, hub)
        except HubError:
            if cost == _BOTH:
                hub.quota.spend(0)  # the device was not there: a request and one reply
            raise
        if cost in (_REPLY, _BOTH):
            hub.quota.spend(len(response.body) if isinstance(response.body, bytes) else 0)
        return response

    return checked


def _throttled(handler: Handler) -> Handler:
    """Throttle an operation of the identity registry: 100 a minute and unit (B1, F1, S1)."""

    async def counted(request: web.Request, hub: Hub) -> web.Response:
        hub.throttles["identity"].call()
        return await handler(request, hub)

    return counted


def _for_device(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return ``handler`` for a device's or module's own token, or a policy's that may connect as any. Azure AD's are not taken."""

    async def checked(request: web.Request) -> web.Response:
        hub = _checked(request, "DeviceConnect")
        grant, own = request[GRANT], (part(request, "device"), request.match_info.get("module", ""))
        if not grant.policy and (grant.device, grant.module) != own:
            raise HubError(401002)
        hub.admit(*own)
        return await handler(request, hub)

    return checked


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
    """Return a timeout of a method call. ``az`` sends it as text, which a hub takes too."""
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
        raise HubError(404301, f"Configuration '{name}' is not found.")
    one = hub.configurations.all[name]
    return json_reply(hub.configurations.view(one), one.etag)


async def _put_configuration(request: web.Request, hub: Hub) -> web.Response:
    hub.throttles["configuration"].call()
    one, new = hub.configurations.put(part(request, "name"), await body_of(request), request.headers.get("If-Match"))
    return json_reply(hub.configurations.view(one), one.etag, 201 if new else 200)


async def _delete_configuration(request: web.Request, hub: Hub) -> web.Response:
    hub.configurations.remove(part(request, "name"))
    return web.Response(status=204)


# Messages to devices, and what became of them


def _service_queue(request: web.Request, hub: Hub) -> Mailbox:
    return hub.feedback.queue if part(request, "queue").lower() == "feedback" else hub.file_notifications


async def _notification(request: web.Request, hub: Hub) -> web.Response:
    message = _service_queue(request, hub).lock()
    return web.Response(status=204) if message is None else device_api.message_reply(message, f"/{request.path.strip('/')}")


async def _complete(request: web.Request, hub: Hub) -> web.Response:
    queue = _service_queue(request, hub)
    queue.done(queue.by_lock(part(request, "lock")))
    return web.Response(status=204)


async def _abandon(request: web.Request, hub: Hub) -> web.Response:
    queue = _service_queue(request, hub)
    queue.abandon(queue.by_lock(part(request, "lock")))
    return web.Response(status=204)


async def _purge(request: web.Request, hub: Hub) -> web.Response:
    identity = hub.identity(part(request, "device"))
    count = identity.mailbox.purge()
    return json_reply({"totalMessagesPurged": count, "deviceId": identity.device, "moduleId": None})


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
    twin, module_twin = "/twins/{device}", "/twins/{device}/modules/{module}"
    queue = "/messages/{bound:(?i:servicebound)}/{queue:(?i:feedback|filenotifications)}"
    table: list[tuple[str, str, str, Handler, int]] = [
        *((method, path, right, _throttled(handler), _FREE) for method, path, right, handler in ROUTES),
        ("POST", "/devices/query", READ, _query, _REPLY),
        ("POST", "/devices/{device}/applyConfigurationContent", WRITE, _apply, _REQUEST),
        ("DELETE", "/devices/{device}/commands", _SERVICE, _purge, _FREE),
        ("GET", queue, _SERVICE, _notification, _FREE),
        ("DELETE", f"{queue}/{{lock}}", _SERVICE, _complete, _FREE),
        ("POST", f"{queue}/{{lock}}/abandon", _SERVICE, _abandon, _FREE),
        ("GET", "/configurations", READ, _configurations, _FREE),
        ("GET", "/configurations/{name}", READ, _configuration, _FREE),
        ("PUT", "/configurations/{name}", WRITE, _put_configuration, _FREE),
        ("DELETE", "/configurations/{name}", WRITE, _delete_configuration, _FREE),
        ("GET", "/statistics/{kind:service|devices}", READ, _statistics, _FREE),
    ]
    for path in (twin, module_twin):
        table += [
            ("GET", path, _SERVICE, _twin, _REPLY),
            ("PATCH", path, _SERVICE, _edit_twin, _REQUEST),
            ("PUT", path, _SERVICE, _edit_twin, _REQUEST),
            ("POST", f"{path}/methods", _SERVICE, _method, _BOTH),
        ]
    return [
        *(
            web.route(method, f"{path}{{slash:/?}}", _with_right(right, handler, cost))
            for method, path, right, handler, cost in table
        ),
        *(web.route(method, path, _for_device(handler)) for method, path, handler in device_api.ROUTES),
    ]
