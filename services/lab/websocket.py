"""AMQP and MQTT inside websockets on the HTTPS port, as clients ask for them where 5671 and 8883 are closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

from services.lab.listener import Listener, Weather

# Path on the HTTPS port → subprotocol. uamqp asks with a slash at the end: both are served.
AMQP_PATH, MQTT_PATH = "/$servicebus/websocket", "/$iothub/websocket"
PROTOCOLS = {AMQP_PATH: "AMQPWSB10", MQTT_PATH: "mqtt"}


class WebsocketPipe:
    """A Pipe over a websocket's binary messages."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, weather: Weather) -> None:
        self._socket, self._request, self._weather = socket, request, weather

    async def read(self) -> bytes:
        """See Pipe."""
        message = await self._socket.receive()
        await self._weather.running.wait()
        return bytes(message.data) if message.type is WSMsgType.BINARY else b""

    async def send(self, data: bytes) -> None:
        """See Pipe."""
        await self._weather.running.wait()
        if self._weather.delay:
            await asyncio.sleep(self._weather.delay)
        if self._socket.closed:
            raise ConnectionResetError("the peer is gone")
        await self._socket.send_bytes(data)

    def abort(self) -> None:
        """See Pipe."""
        if self._request.transport is not None:
            self._request.transport.abort()


def routes(path: str, listener: Listener) -> list[web.RouteDef]:
    """``path`` (one of PROTOCOLS) served as the listener's own port is, faults included."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=(PROTOCOLS[path],), max_msg_size=4 * 1024 * 1024, compress=False)
        await socket.prepare(request)
        await listener.carry(WebsocketPipe(socket, request, listener.weather))
        if not socket.closed:
            await socket.close()
        return socket

    serve: Callable[[web.Request], Awaitable[web.WebSocketResponse]] = handler
    return [web.get(path, serve), web.get(f"{path}/", serve)]
