"""IoT Hub's service API (api-version 2021-04-12), as azure-iot-hub and ``az iot hub`` call it."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from services.lab.https.replies import Json, body_of, part, world_of
from services.lab.hub import Hub, HubError
from services.lab.hub.errors import section
from services.lab.hub.identity import Identity
from services.lab.hub.query import select, whole

Handler = Callable[[web.Request, Hub], Awaitable[web.Response]]
_READ, _WRITE, _SERVICE = "RegistryRead", "RegistryWrite", "ServiceConnect"


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


def _json(value: object, etag: str = "", status: int = 200) -> web.Response:
    return web.json_response(value, status=status, headers={"ETag": f'"{etag}"'} if etag else None)


def _number(text: str | None, default: int) -> int:
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise HubError(400004, f"'{text}' is not a number.")
    return int(text)


# Identities


async def _devices(request: web.Request, hub: Hub) -> web.Response:
    top = _number(request.query.get("top"), 1000)
    return _json([device.view() for device in hub.devices()[:top]])


async def _device(request: web.Request, hub: Hub) -> web.Response:
    identity = hub.identity(part(request, "device"))
    return _json(identity.view(), identity.etag)


def _edits(body: Json, before: str = "sas") -> dict[str, Any]:
    """What a PUT says of an identity, by Identity's attributes; HubError when it cannot be. ``before`` is its authentication."""
    authentication = section(body, "authentication")
    keys, thumbprints = section(authentication, "symmetricKey"), section(authentication, "x509Thumbprint")
    kind = authentication.get("type") or ("sas" if keys else before)
    if kind not in ("sas", "selfSigned", "certificateAuthority"):
        raise HubError(400004, f"The authentication type '{kind}' is not known.")
    edits: dict[str, Any] = {
        "authentication": kind,
        "thumbprints": (thumbprints.get("primaryThumbprint"), thumbprints.get("secondaryThumbprint")),
    }
    for name, attribute in (("primaryKey", "primary"), ("secondaryKey", "secondary")):
        if keys.get(name):
            try:
                base64.b64decode(keys[name], validate=True)
            except (ValueError, TypeError) as error:
                raise HubError(400004, f"The {name} is not base64.") from error
            edits[attribute] = keys[name]
    if body.get("status") in ("enabled", "disabled"):
        edits |= {"enabled": body["status"] == "enabled", "status_reason": body.get("statusReason")}
    return edits


def _edit(identity: Identity, edits: dict[str, Any]) -> None:
    for name, value in edits.items():
        setattr(identity, name, value)


def _check_etag(request: web.Request, identity: Identity) -> None:
    tag = request.headers.get("If-Match", "*").strip('"')
    if tag not in ("", "*", identity.etag):
        raise HubError(412001, "Precondition failed: Device version did not match.")


_ID = re.compile(r"[A-Za-z0-9\-:.+%_#*?!(),=@$']{1,128}")


def _check_id(name: str, said: object) -> None:
    """Refuse an id that no hub takes, or another in the body than in the address."""
    if not _ID.fullmatch(name):
        raise HubError(400004, f"The id '{name}' is not valid.")
    if said not in (None, name):
        raise HubError(400004, f"The id in the body, '{said}', is not that of the address, '{name}'.")


async def _put_device(request: web.Request, hub: Hub) -> web.Response:
    name, body = part(request, "device"), await body_of(request)
    _check_id(name, body.get("deviceId"))
    if hub.has(name):
        if "If-Match" not in request.headers:
            raise HubError(409001, f"Device {name} already registered")
        identity = hub.identity(name)
        _check_etag(request, identity)
        _edit(identity, _edits(body, identity.authentication))
        identity.edits += 1
    else:
        edits, edge = _edits(body), bool(section(body, "capabilities").get("iotEdge"))
        identity = hub.add_device(name, edge=edge)
        _edit(identity, edits)
    return _json(identity.view(), identity.etag)


async def _delete_device(request: web.Request, hub: Hub) -> web.Response:
    _check_etag(request, hub.identity(part(request, "device")))
    hub.remove_device(part(request, "device"))
    return web.Response(status=204)


async def _modules(request: web.Request, hub: Hub) -> web.Response:
    device = hub.identity(part(request, "device")).device
    return _json([module.view() for module in hub.modules(device)])


async def _module(request: web.Request, hub: Hub) -> web.Response:
    identity = hub.identity(part(request, "device"), part(request, "module"))
    return _json(identity.view(), identity.etag)


async def _put_module(request: web.Request, hub: Hub) -> web.Response:
    device, module, body = part(request, "device"), part(request, "module"), await body_of(request)
    _check_id(module, body.get("moduleId"))
    if hub.has(device, module):
        if "If-Match" not in request.headers:
            raise HubError(409301, f"Module {module} already registered on device {device}")
        identity = hub.identity(device, module)
        _check_etag(request, identity)
        _edit(identity, _edits(body, identity.authentication))
        identity.edits += 1
    else:
        hub.identity(device)
        edits = _edits(body)
        identity = hub.ensure_module(device, module, managed_by=str(body.get("managedBy") or ""))
        _edit(identity, edits)
    return _json(identity.view(), identity.etag)


async def _delete_module(request: web.Request, hub: Hub) -> web.Response:
    device, module = part(request, "device"), part(request, "module")
    if module in ("$edgeAgent", "$edgeHub"):
        raise HubError(400003, "A system module cannot be deleted.")
    _check_etag(request, hub.identity(device, module))
    hub.remove_module(device, module)
    return web.Response(status=204)


# Twins


async def _twin(request: web.Request, hub: Hub) -> web.Response:
    hub.throttles["twin"].call()
    identity = hub.identity(part(request, "device"), request.match_info.get("module"))
    return _json(identity.twin_view(), identity.twin.etag)


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
    return _json(identity.twin_view(), identity.twin.etag)


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
    return _json({"status": status, "payload": payload})


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
    top = _number(request.query.get("top"), 100)
    return _json([hub.configurations.view(one) for one in list(hub.configurations.all.values())[:top]])


async def _configuration(request: web.Request, hub: Hub) -> web.Response:
    name = part(request, "name")
    if name not in hub.configurations.all:
        raise HubError(404040, f"Configuration '{name}' is not found.")
    one = hub.configurations.all[name]
    return _json(hub.configurations.view(one), one.etag)


async def _put_configuration(request: web.Request, hub: Hub) -> web.Response:
    hub.throttles["configuration"].call()
    one, new = hub.configurations.put(part(request, "name"), await body_of(request), request.headers.get("If-Match"))
    return _json(hub.configurations.view(one), one.etag, 201 if new else 200)


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
    size = max(1, _number(request.headers.get("x-ms-max-item-count"), 100))
    start = _number(request.headers.get("x-ms-continuation"), 0)
    headers = {"x-ms-item-type": "twin" if whole(text) else "raw"}
    if start + size < len(rows):
        headers["x-ms-continuation"] = str(start + size)
    return web.json_response(rows[start : start + size], headers=headers)


async def _statistics(request: web.Request, hub: Hub) -> web.Response:
    devices = hub.devices()
    if part(request, "kind") == "service":
        return _json({"connectedDeviceCount": sum(device.connected for device in devices)})
    enabled = sum(device.enabled for device in devices)
    return _json({"totalDeviceCount": len(devices), "enabledDeviceCount": enabled, "disabledDeviceCount": len(devices) - enabled})


def routes() -> list[web.RouteDef]:
    """The service API's routes."""
    device, module = "/devices/{device}", "/devices/{device}/modules/{module}"
    twin, module_twin = "/twins/{device}", "/twins/{device}/modules/{module}"
    table: list[tuple[str, str, str, Handler, bool]] = [
        ("GET", "/devices", _READ, _devices, False),
        ("POST", "/devices/query", _READ, _query, True),
        ("GET", device, _READ, _device, False),
        ("PUT", device, _WRITE, _put_device, False),
        ("DELETE", device, _WRITE, _delete_device, False),
        ("GET", f"{device}/modules", _READ, _modules, False),
        ("GET", module, _READ, _module, False),
        ("PUT", module, _WRITE, _put_module, False),
        ("DELETE", module, _WRITE, _delete_module, False),
        ("POST", f"{device}/applyConfigurationContent", _WRITE, _apply, True),
        ("GET", "/configurations", _READ, _configurations, False),
        ("GET", "/configurations/{name}", _READ, _configuration, False),
        ("PUT", "/configurations/{name}", _WRITE, _put_configuration, False),
        ("DELETE", "/configurations/{name}", _WRITE, _delete_configuration, False),
        ("GET", "/statistics/{kind:service|devices}", _READ, _statistics, False),
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
