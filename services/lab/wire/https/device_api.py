"""What devices and modules call over HTTPS: messages to the cloud, and those that wait for a device.

Source: azure-iot-device-http for JavaScript and the .NET device SDK (docs/facts/lab-answers.md, devices).
"""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from typing import Any

from aiohttp import web

from services.lab.cloud.hub import Hub, HubError
from services.lab.cloud.hub.events import auth_method
from services.lab.cloud.hub.mailbox import CloudMessage
from services.lab.wire.https.replies import Handler, part, value_of

_BATCH = "application/vnd.microsoft.iothub.json"
_OWN = "iothub-app-"
# Headers of a message, and the properties that they set.
_HEADERS = {
    "iothub-messageid": "message-id",
    "iothub-correlationid": "correlation-id",
    "iothub-userid": "user-id",
    "iothub-contenttype": "content-type",
    "iothub-contentencoding": "content-encoding",
    "iothub-creationtimeutc": "iothub-creation-time-utc",
    "iothub-interface-id": "iothub-interface-id",
    "dt-subject": "dt-subject",
}
# Where a request keeps the Grant of its token.
GRANT = "grant"


def _properties(pairs: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Return (application, system) properties out of headers, or of a batch's names, which are the same."""
    application, system = {}, {}
    for key, value in pairs:
        name = str(key)
        if name.lower().startswith(_OWN):
            application[name[len(_OWN) :]] = str(value)
        elif name.lower() in _HEADERS:
            system[_HEADERS[name.lower()]] = str(value)
    return application, system


async def _batch(request: web.Request) -> list[tuple[bytes, Any]]:
    entries = await value_of(request)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise HubError(400006, "A list of messages was expected.")
    messages = []
    for entry in entries:
        properties = entry.get("properties") or {}
        if not isinstance(properties, dict):
            raise HubError(400006, "A message's properties must be an object.")
        text = str(entry.get("body", ""))
        try:
            body = text.encode() if entry.get("base64Encoded") is False else base64.b64decode(text, validate=True)
        except ValueError as error:
            raise HubError(400006, "A message's body is not base64.") from error
        messages.append((body, properties.items()))
    return messages


async def _events(request: web.Request, hub: Hub) -> web.Response:
    device, module = part(request, "device"), request.match_info.get("module", "")
    batch = request.content_type == _BATCH
    messages = await _batch(request) if batch else [(await request.read(), request.headers.items())]
    scope = "hub" if request[GRANT].policy else "module" if module else "device"
    for body, pairs in messages:
        application, system = _properties(pairs)
        system["iothub-connection-auth-generation-id"] = hub.identity(device, module).generation
        system["iothub-connection-auth-method"] = auth_method(scope)
        hub.device_message(device, module or None, body, application, system)
    return web.Response(status=204)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def message_reply(message: CloudMessage, to: str) -> web.Response:
    """Return a queued message as HTTP gives it: the lock's token as ETag, properties in headers."""
    headers = {
        "ETag": f'"{message.lock}"',
        "iothub-to": to,
        "iothub-enqueuedtime": _moment(message.enqueued),
        "iothub-expiry": _moment(message.expires),
        "iothub-deliverycount": str(message.deliveries),
        "iothub-sequencenumber": str(message.number),
    }
    names = {value.replace("-", "_"): key for key, value in _HEADERS.items()}
    headers |= {names[key]: _header(value) for key, value in message.system.items() if key in names}
    headers |= {f"{_OWN}{_header(key)}": _header(value) for key, value in message.application.items() if key != "iothub-ack"}
    if "iothub-ack" in message.application:
        headers["iothub-ack"] = _header(message.application["iothub-ack"])
    return web.Response(body=message.body, headers=headers)


def _header(value: object) -> str:
    """Return a property as a header may carry it: what no header takes becomes a question mark."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in str(value))


async def _receive(request: web.Request, hub: Hub) -> web.Response:
    device = part(request, "device")
    message = hub.admit(device).mailbox.lock()
    if message is None:
        return web.Response(status=204)
    return message_reply(message, f"/devices/{device}/messages/deviceBound")


async def _complete(request: web.Request, hub: Hub) -> web.Response:
    mailbox = hub.admit(part(request, "device")).mailbox
    message = mailbox.by_lock(part(request, "lock"))
    if "reject" in request.query:
        mailbox.reject(message)
    else:
        mailbox.done(message)
    return web.Response(status=204)


async def _abandon(request: web.Request, hub: Hub) -> web.Response:
    mailbox = hub.admit(part(request, "device")).mailbox
    mailbox.abandon(mailbox.by_lock(part(request, "lock")))
    return web.Response(status=204)


_DEVICE = "/devices/{device}"
_BOUND = f"{_DEVICE}/messages/{{bound:(?i:devicebound)}}"
# Method, path, handler.
ROUTES: list[tuple[str, str, Handler]] = [
    ("POST", f"{_DEVICE}/messages/events", _events),
    ("POST", f"{_DEVICE}/modules/{{module}}/messages/events", _events),
    ("GET", _BOUND, _receive),
    ("DELETE", f"{_BOUND}/{{lock}}", _complete),
    ("POST", f"{_BOUND}/{{lock}}/abandon", _abandon),
]
