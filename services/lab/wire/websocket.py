"""AMQP and MQTT inside websockets on the HTTPS port, as clients ask for them where 5671 and 8883 are closed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

from services.lab.wire.listener import Listener

_AMQP, _MQTT = "AMQPWSB10", "mqtt"
# Path on the HTTPS port → its usual subprotocol. uamqp asks with a slash at the end: both are served.
_PATHS = {"/$servicebus/websocket": _AMQP, "/$iothub/websocket": _MQTT}


class WebsocketPipe:
    """A Pipe over a websocket's binary messages."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._socket, self._request = socket, request

    async def read(self) -> bytes:
        """See Pipe."""
        message = await self._socket.receive()
        return bytes(message.data) if message.type is WSMsgType.BINARY else b""

    async def send(self, data: bytes) -> None:
        """See Pipe."""
        if self._socket.closed:
            raise ConnectionResetError("the peer is gone")
        await self._socket.send_bytes(data)

    def abort(self) -> None:
        """See Pipe."""
        if self._request.transport is not None:
            self._request.transport.abort()


def routes(amqp: Listener, mqtt: Listener) -> list[web.RouteDef]:
    """Return both paths, served as the listeners' own ports are; the faults of those ports end there: this is the way round them.

    The subprotocol says which; azure-iothub for JavaScript asks for AMQP on the path of devices.
    """
    listeners = {_AMQP: amqp, _MQTT: mqtt}

    def serve(usual: str) -> Callable[[web.Request], Awaitable[web.WebSocketResponse]]:
        async def handler(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse(protocols=tuple(listeners), max_msg_size=4 * 1024 * 1024, compress=False)
            await socket.prepare(request)
            listener = listeners[socket.ws_protocol or usual]
            await listener.carry(WebsocketPipe(socket, request))
            if not socket.closed:
                await socket.close()
            return socket

        return handler

    return [web.get(f"{path}{slash}", serve(usual)) for path, usual in _PATHS.items() for slash in ("", "/")]
