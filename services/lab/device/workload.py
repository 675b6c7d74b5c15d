"""The workload API of IoT Edge on a Unix socket.

What a module identity signs with and trusts (docs/facts/sdk-clients.md, "Edge environment").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from services.lab.world import World

API_VERSION = "2020-07-07"


class WorkloadApi:
    """Serves ``GET /trust-bundle`` and ``POST /modules/M/genid/G/sign`` for one device."""

    def __init__(self, world: World, device: str, path: Path) -> None:
        self._world, self._device, self.path = world, device, path
        application = web.Application()
        application.router.add_get("/trust-bundle", self._trust_bundle)
        application.router.add_post("/modules/{module}/genid/{generation}/sign", self._sign)
        self._runner = web.AppRunner(application, access_log=None)

    async def open(self) -> None:
        """Listen."""
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self.path)).start()

    async def close(self) -> None:
        """Stop."""
        await self._runner.cleanup()

    async def _trust_bundle(self, request: web.Request) -> web.Response:
        return web.json_response({"certificate": self._world.ca_file.read_text(encoding="ascii")})

    async def _sign(self, request: web.Request) -> web.Response:
        module, generation = request.match_info["module"], request.match_info["generation"]
        hub = self._world.hub
        if not hub.has(self._device, module) or hub.identity(self._device, module).generation != generation:
            return web.json_response({"message": f"Module {module} with generation {generation} not found"}, status=404)
        try:
            data = base64.b64decode(json.loads(await request.read())["data"], validate=True)
        except (ValueError, KeyError, TypeError):
            return web.json_response({"message": "The request body is malformed"}, status=400)
        key = base64.b64decode(hub.identity(self._device, module).primary)
        return web.json_response({"digest": base64.b64encode(hmac.new(key, data, hashlib.sha256).digest()).decode()})
