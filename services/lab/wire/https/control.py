"""The lab's own control: faults on and off, the world as it is, messages in bulk. Needs the run's control key."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web

from services.lab.cloud.hub import HubError
from services.lab.cloud.hub.errors import section
from services.lab.faults import KINDS
from services.lab.wire.https.oauth import FEDERATION, issue
from services.lab.wire.https.replies import CloudError, body_of, world_of
from services.lab.world import World

Handler = Callable[[web.Request, World], Awaitable[web.Response]]


def _with_key(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def checked(request: web.Request) -> web.Response:
        world = world_of(request)
        authorization = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(authorization, f"Bearer {world.control_key}".encode()):
            raise CloudError(401, "Unauthorized", "The lab's control key is missing or wrong.")
        return await handler(request, world)

    return checked


async def _faults(request: web.Request, world: World) -> web.Response:
    kinds = [
        {"name": kind.name, "place": kind.place, "text": kind.text, "parameters": kind.parameters} for kind in KINDS.values()
    ]
    return web.json_response({"on": [fault.as_dict() for fault in world.faults.on], "known": kinds})


async def _switch(request: web.Request, world: World) -> web.Response:
    body = await body_of(request)
    name, on = str(body.pop("name", "")), bool(body.pop("on", True))
    device, module = str(body.pop("device", None) or ""), str(body.pop("module", None) or "")
    if name == "none":
        world.faults.clear()
    elif name not in KINDS:
        raise CloudError(400, "UnknownFault", f"There is no fault '{name}'. There are: {', '.join(KINDS)}.")
    else:
        try:
            world.faults.switch(name, on, device, module, **body)
        except ValueError as error:
            raise CloudError(400, "BadFault", str(error)) from error
    return await _faults(request, world)


async def _world(request: web.Request, world: World) -> web.Response:
    hub = world.hub
    return web.json_response(
        {
            "nonce": world.nonce,
            "secrets": world.secrets,
            "notes": hub.notes,
            "quota": {"spent": hub.quota.spent, "daily": hub.quota.daily},
            "partitions": [{"first": part.first, "next": part.next} for part in hub.events.partitions],
            "devices": {
                device.device: {
                    "connected": device.connected,
                    "modules": {
                        module.module: {"connected": module.connected, "twin": module.twin_view()["properties"]}
                        for module in hub.modules(device.device)
                    },
                }
                for device in hub.devices()
            },
            "mapped_ports": world.mapped_ports(),
            "models": list(world.workspace.models.values()),
            "images": list(world.workspace.images.values()),
            "services": list(world.workspace.services.values()),
            "registry": [f"{repository}:{tag}" for repository, tag in world.registry.images],
        }
    )


# Messages made by one request.
_MOST = 5_000_000


async def _messages(request: web.Request, world: World) -> web.Response:
    """Queue messages: ``{"device", "module", "count", "body" | "bodies", "properties", "system", "partition", "rate"}``, all optional.

    ``{n}`` in a body is the message's number; ``partition`` may be ``"spread"``; ``rate`` is a second.
    """
    body = await body_of(request)
    device, module = str(body.get("device") or "databox-edge-1"), body.get("module") or None
    properties, system, partition = section(body, "properties"), section(body, "system"), body.get("partition")
    try:
        bodies = [str(one) for one in body.get("bodies") or [body.get("body", "message {n}")]]
        count, rate = int(body.get("count", len(bodies))), float(body.get("rate") or 0)  # a second; 0 is at once
    except (TypeError, ValueError) as error:
        raise HubError(400004, f"bodies, count or rate: {error}") from error
    if count > _MOST:
        raise HubError(400004, f"count: {_MOST} at most")
    first: list[int] = []
    started = asyncio.get_running_loop().time()
    for number in range(count):
        text = bodies[number % len(bodies)].replace("{n}", str(number))
        where = number % world.hub.events.partition_count if partition == "spread" else partition
        place = world.hub.routing.deliver(device, module, text.encode(), properties, system, where)
        first = first or list(place)
        if rate:
            ahead = started + (number + 1) / rate - asyncio.get_running_loop().time()
            if ahead > 0.005:
                await asyncio.sleep(ahead)
        elif number % 500 == 499:
            await asyncio.sleep(0)
    return web.json_response({"count": count, "first": first})


async def _raw_message(request: web.Request, world: World) -> web.Response:
    """Queue one message with the request's body as it is, for bodies that are no text: ``?device=D&module=M``."""
    place = world.hub.routing.deliver(
        request.query.get("device", "databox-edge-1"), request.query.get("module") or None, await request.read(), {}, {}
    )
    return web.json_response({"count": 1, "first": list(place)})


async def _certificate(request: web.Request, world: World) -> web.Response:
    """Register the certificate ``pem`` with the client that signs in; return a federated token for it, too."""
    world.client_certificate = str((await body_of(request)).get("pem") or "").encode() or None
    return web.json_response({"federated_token": issue(world, FEDERATION), "identity_header": world.control_key})


async def _image(request: web.Request, world: World) -> web.Response:
    """Return an image record of any texts in the workspace: ``{"name", "state", "log", …}``, the rest as the record's own fields."""
    body = await body_of(request)
    log = world.workspace.log(str(body.pop("log", "")))
    name, state = str(body.pop("name", "image")), str(body.pop("state", "Failed"))
    return web.json_response(world.workspace.add_image(name, [], "AccelContainer", state, imageBuildLogUri=log, **body))


def routes() -> list[web.RouteDef]:
    return [
        web.get("/lab/faults", _with_key(_faults)),
        web.post("/lab/faults", _with_key(_switch)),
        web.get("/lab/world", _with_key(_world)),
        web.post("/lab/certificate", _with_key(_certificate)),
        web.post("/lab/images", _with_key(_image)),
        web.post("/lab/messages", _with_key(_messages)),
        web.post("/lab/messages/raw", _with_key(_raw_message)),
    ]
