"""IoT Hub's identity registry: devices and modules, one by one and in bulk."""

from __future__ import annotations

import base64
import re
from typing import Any

from aiohttp import web

from services.lab.cloud.hub import Hub, HubError
from services.lab.cloud.hub.errors import section
from services.lab.cloud.hub.identity import Identity
from services.lab.cloud.hub.parents import set_parent
from services.lab.wire.https.replies import Handler, Json, body_of, json_reply, number, part, value_of

_BULK = 100
_MODULES = 50  # of one device


async def _devices(request: web.Request, hub: Hub) -> web.Response:
    top = number(request.query.get("top"), 1000)
    return json_reply([device.view() for device in hub.devices()[:top]])


async def _device(request: web.Request, hub: Hub) -> web.Response:
    identity = hub.identity(part(request, "device"))
    return json_reply(identity.view(), identity.etag)


def _edits(body: Json, before: str = "sas") -> dict[str, Any]:
    """Return what a PUT says of an identity, by Identity's attributes; HubError when it cannot be. ``before`` is its authentication."""
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


def _edit(hub: Hub, identity: Identity, edits: dict[str, Any]) -> None:
    for name, value in edits.items():
        setattr(identity, name, value)
    if not identity.enabled:
        hub.bar(identity.device)


def _check_etag(if_match: str | None, identity: Identity) -> None:
    if (if_match or "").strip('"') not in ("", "*", identity.etag):
        raise HubError(412001, "Precondition failed: Device version did not match.")


_ID = re.compile(r"[A-Za-z0-9\-:.+%_#*?!(),=@$']{1,128}")


def _check_id(name: str, body_id: object) -> None:
    """Refuse an id that no hub takes, or another in the body than in the address."""
    if not _ID.fullmatch(name):
        raise HubError(400004, f"The id '{name}' is not valid.")
    if body_id not in (None, name):
        raise HubError(400004, f"The id in the body, '{body_id}', is not that of the address, '{name}'.")


def _write_device(hub: Hub, name: str, body: Json, if_match: str | None) -> Identity:
    """Register a device, or with ``if_match`` change it."""
    _check_id(name, body.get("deviceId"))
    if not hub.has(name):
        edits, edge = _edits(body), bool(section(body, "capabilities").get("iotEdge"))
        identity = hub.add_device(name, edge=edge)
        _edit(hub, identity, edits)
        set_parent(hub, identity, body)
        return identity
    if if_match is None:
        raise HubError(409001, f"Device {name} already registered")
    identity = hub.identity(name)
    _check_etag(if_match, identity)
    _edit(hub, identity, _edits(body, identity.authentication))
    set_parent(hub, identity, body)
    identity.edits += 1
    return identity


async def _put_device(request: web.Request, hub: Hub) -> web.Response:
    identity = _write_device(hub, part(request, "device"), await body_of(request), request.headers.get("If-Match"))
    return json_reply(identity.view(), identity.etag)


def _bulk_one(hub: Hub, entry: Json) -> None:
    """Change one identity, given as azure-iot-hub's ExportImportDevice."""
    # The SDKs do not agree on the mode's case.
    name, mode = str(entry.get("id") or ""), str(entry.get("importMode") or "createOrUpdate").lower()
    verb = mode.removesuffix("ifmatchetag")
    tag = "*" if verb == mode else str(entry.get("eTag") or "*")
    if entry.get("moduleId") or verb not in ("create", "update", "createorupdate", "delete"):
        raise HubError(400004, f"The lab does not do '{mode}' in bulk, nor modules.")
    if verb in ("update", "delete"):
        _check_etag(tag, hub.registered(name))
    if verb == "delete":
        hub.remove_device(name)
    else:
        _write_device(hub, name, entry, None if verb == "create" else tag)


async def _bulk(request: web.Request, hub: Hub) -> web.Response:
    entries = await value_of(request)
    if not isinstance(entries, list) or len(entries) > _BULK or not all(isinstance(entry, dict) for entry in entries):
        raise HubError(400004, f"A list of {_BULK} devices at most was expected.")
    errors = []
    for entry in entries:
        try:
            _bulk_one(hub, entry)
        except HubError as error:
            errors.append({"deviceId": entry.get("id"), "errorCode": error.name, "errorStatus": error.message})
    return json_reply({"isSuccessful": not errors, "errors": errors, "warnings": []}, status=400 if errors else 200)


async def _delete_device(request: web.Request, hub: Hub) -> web.Response:
    _check_etag(request.headers.get("If-Match"), hub.identity(part(request, "device")))
    hub.remove_device(part(request, "device"))
    return web.Response(status=204)


async def _modules(request: web.Request, hub: Hub) -> web.Response:
    device = hub.identity(part(request, "device")).device
    return json_reply([module.view() for module in hub.modules(device)])


async def _module(request: web.Request, hub: Hub) -> web.Response:
    identity = hub.identity(part(request, "device"), part(request, "module"))
    return json_reply(identity.view(), identity.etag)


async def _put_module(request: web.Request, hub: Hub) -> web.Response:
    device, module, body = part(request, "device"), part(request, "module"), await body_of(request)
    _check_id(module, body.get("moduleId"))
    if hub.has(device, module):
        if "If-Match" not in request.headers:
            raise HubError(409301, f"Module {module} already registered on device {device}")
        identity = hub.identity(device, module)
        _check_etag(request.headers.get("If-Match"), identity)
        _edit(hub, identity, _edits(body, identity.authentication))
        identity.edits += 1
    else:
        if len(hub.modules(hub.identity(device).device)) >= _MODULES:
            raise HubError(413003, f"Device {device} has {_MODULES} modules already.")
        edits = _edits(body)
        identity = hub.ensure_module(device, module, managed_by=str(body.get("managedBy") or ""))
        _edit(hub, identity, edits)
    return json_reply(identity.view(), identity.etag)


async def _delete_module(request: web.Request, hub: Hub) -> web.Response:
    device, module = part(request, "device"), part(request, "module")
    if module in ("$edgeAgent", "$edgeHub"):
        raise HubError(400003, "A system module cannot be deleted.")
    _check_etag(request.headers.get("If-Match"), hub.identity(device, module))
    hub.remove_module(device, module)
    return web.Response(status=204)


READ, WRITE = "RegistryRead", "RegistryWrite"
_DEVICE, _MODULE = "/devices/{device}", "/devices/{device}/modules/{module}"
# Method, path, the right it needs, handler.
ROUTES: list[tuple[str, str, str, Handler]] = [
    ("GET", "/devices", READ, _devices),
    ("POST", "/devices", WRITE, _bulk),
    ("GET", _DEVICE, READ, _device),
    ("PUT", _DEVICE, WRITE, _put_device),
    ("DELETE", _DEVICE, WRITE, _delete_device),
    ("GET", f"{_DEVICE}/modules", READ, _modules),
    ("GET", _MODULE, READ, _module),
    ("PUT", _MODULE, WRITE, _put_module),
    ("DELETE", _MODULE, WRITE, _delete_module),
]
