"""The HTTPS listener: every API on one port, errors in each one's own form, and the faults of the hub and the workspace."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from email.utils import formatdate
from typing import Any

from aiohttp import web

from services.lab.cloud.hub import HubError
from services.lab.cloud.workspace import AmlError
from services.lab.wire.https import aml_api, arm_api, control, hub_api, oauth, registry_api
from services.lab.wire.https import unknown_paths as unknown
from services.lab.wire.https.header_limit import SECONDS, HeaderLimit
from services.lab.wire.https.replies import WORLD, CloudError, world_of
from services.lab.world import World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_HUB_PATHS = ("/devices", "/twins", "/configurations", "/statistics", "/messages")
_WORKSPACE_PATHS = ("/modelmanagement", "/subscriptions", "/discovery", "/rp")
_FOREVER = 3600


async def _hub_weather(request: web.Request, world: World) -> web.Response | None:
    faults = world.faults
    device = request.match_info.get("device")
    if faults.active("hub-refuse", device) is not None:
        if request.transport is not None:
            request.transport.close()
        raise web.HTTPServiceUnavailable
    if faults.active("hub-freeze", device) is not None:
        await asyncio.sleep(_FOREVER)
    if (slow := faults.active("hub-slow", device)) is not None:
        await asyncio.sleep(float(slow["seconds"]))
    if faults.active("not-json", device) is not None:
        return web.Response(text="<html><body>Please sign in to the guest network.</body></html>", content_type="text/html")
    for name, code in (
        ("hub-500", 500001),
        ("hub-503", 503001),
        ("throttle", 429001),
        ("throttle-backlog", 429002),
        ("throttle-timeout", 429003),
    ):
        if faults.active(name, device) is not None:
            raise HubError(code)
    if (error := faults.active("hub-error", device)) is not None and str(error["path"]) in request.path:
        raise HubError(int(error["code"]))
    return None


async def _workspace_weather(request: web.Request, world: World) -> web.Response | None:
    if world.faults.active("workspace-freeze") is not None:
        await asyncio.sleep(_FOREVER)
    if (slow := world.faults.active("workspace-slow")) is not None:
        await asyncio.sleep(float(slow["seconds"]))
    if world.faults.active("workspace-500") is not None:
        raise AmlError(500, "InternalServerError", "An internal server error occurred.")
    return None


async def _weather(request: web.Request, world: World) -> web.Response | None:
    if request.path.startswith(_HUB_PATHS):
        return await _hub_weather(request, world)
    if request.path.startswith(_WORKSPACE_PATHS):
        return await _workspace_weather(request, world)
    if request.path.startswith("/v2") and world.faults.active("registry-freeze") is not None:
        await asyncio.sleep(_FOREVER)
    return None


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer refusals in the form of the service that was asked; the Date is the hub's clock, skew included."""
    world = world_of(request)
    response: web.StreamResponse
    try:
        response = await _weather(request, world) or await handler(request)
    except HubError as error:
        headers = {"iothub-errorcode": error.name} | ({"Retry-After": "10"} if error.status == 429 else {})
        body: dict[str, Any] = error.body(world.clock.utc())
        if request.path.startswith(_WORKSPACE_PATHS):  # a body that is no JSON object
            headers, body = {}, AmlError(error.status, error.name, error.message).body()
        response = web.json_response(body, status=error.status, headers=headers)
    except AmlError as error:
        response = web.json_response(error.body(), status=error.status)
    except CloudError as error:
        headers = (
            {"WWW-Authenticate": f'Bearer authorization_uri="https://{request.host}/{world.tenant}"'}
            if error.status == 401
            else {}
        )
        response = web.json_response(
            {"error": {"code": error.code, "message": error.message}}, status=error.status, headers=headers
        )
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        response = unknown.refuse(request, error.status)
    response.headers["Date"] = formatdate(world.clock.now(), usegmt=True)
    return response


class HttpsServer:
    """The listener; ``websockets`` are the routes of protocols that it carries beside its own."""

    def __init__(self, world: World, websockets: Iterable[web.RouteDef] = ()) -> None:
        self.world = world
        app = web.Application(middlewares=[_errors], client_max_size=256 * 1024 * 1024)
        app[WORLD] = world
        registry_api.prepare(app)
        for routes in (hub_api, oauth, aml_api, arm_api, registry_api, control):
            app.router.add_routes(routes.routes())
        app.router.add_routes(websockets)
        world.hub.bearer = lambda token: oauth.expiry(world, token, oauth.HUB)
        world.hub.event_bearer = lambda token: oauth.expiry(world, token, oauth.EVENTS)
        self._app = app
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
        self._server: asyncio.Server | None = None

    async def start(self, listening: socket.socket, context: ssl.SSLContext, header_seconds: float = SECONDS) -> None:
        """Serve on a bound socket; a request's headers may take ``header_seconds``."""
        limit: HeaderLimit | None = None

        @web.middleware
        async def timed(request: web.Request, handler: Handler) -> web.StreamResponse:
            assert limit is not None
            limit.begin(request.transport)
            try:
                return await handler(request)
            finally:
                limit.end(request.transport)

        self._app.middlewares.insert(0, timed)
        await self._runner.setup()
        assert self._runner.server is not None
        limit = HeaderLimit(self._runner.server, header_seconds)
        self._server = await asyncio.get_running_loop().create_server(limit, sock=listening, ssl=context, backlog=128)

    async def close(self) -> None:
        """End, open requests included."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()
