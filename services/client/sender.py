"""Sends waiting results to the hub over azure-iot-device, in a thread of its own, oldest first.

azure-iot-device loses a message that cannot be sent at once (docs/facts/sdk-clients.md): so a result leaves the outbox only when the
hub has acknowledged it, and a send that never returns is given up and tried again on a new connection.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.client.outbox import Outbox

_SEND_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
_LONGEST_WAIT = 60.0
_log = logging.getLogger("client")


class NoIdentity(Exception):
    """Neither a device's DEVICE_CONNECTION_STRING nor the environment of an IoT Edge module."""


def connect() -> Any:
    """Return a device client from DEVICE_CONNECTION_STRING, else a module client from the edge environment (workload API).

    Connects on first use.

    CLIENT_CA_FILE names a private CA in PEM for the device client; a module takes the edge's own trust bundle.
    """
    from azure.iot.device.aio import IoTHubDeviceClient, IoTHubModuleClient

    connection_string = os.environ.get("DEVICE_CONNECTION_STRING")
    if connection_string:
        if "DeviceId=" not in connection_string:
            raise NoIdentity(
                "DEVICE_CONNECTION_STRING names no DeviceId, so it is not a device's; the hub's own does not belong in a module"
            )
        kind = IoTHubModuleClient if "ModuleId=" in connection_string else IoTHubDeviceClient
        ca_file = os.environ.get("CLIENT_CA_FILE")
        trust = {"server_verification_cert": Path(ca_file).read_text(encoding="ascii")} if ca_file else {}
        return kind.create_from_connection_string(connection_string, connection_retry=False, **trust)
    if "IOTEDGE_WORKLOADURI" not in os.environ:
        raise NoIdentity("neither DEVICE_CONNECTION_STRING nor IOTEDGE_WORKLOADURI is set")
    return IoTHubModuleClient.create_from_edge_environment(connection_retry=False)


class Sender:
    """Run the sending thread. ``close`` gives it a few seconds to send what waits, and leaves the rest on disk.

    It ends where the queue is lost (its folder gone, its file damaged): ``on_failure`` is called and ``error`` says why.
    """

    def __init__(self, outbox: Outbox, on_failure: Callable[[], None] = lambda: None) -> None:
        self.error: sqlite3.Error | None = None
        self._outbox = outbox
        self._on_failure = on_failure
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sender", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop sending."""
        self._closing.set()
        self._thread.join(_CLOSE_SECONDS)
        if self.error is None and len(self._outbox):
            _log.info("%d results wait on disk for the next start", len(self._outbox))

    def _work(self) -> None:
        try:
            asyncio.run(self._run())
        except sqlite3.Error as error:
            self.error = error
            self._on_failure()

    async def _run(self) -> None:
        wait = 1.0
        while not (self._closing.is_set() and not len(self._outbox)):
            client = None
            try:
                client = await asyncio.to_thread(connect)
                await asyncio.wait_for(client.connect(), _SEND_SECONDS)
                wait = 1.0
                await self._send_all(client)
            except sqlite3.Error:
                raise
            except Exception as error:  # noqa: BLE001 - azure-iot-device raises its own, requests', paho's and OSError; all mean: later
                _log.warning("not sent yet (%d wait): %s: %s", len(self._outbox), type(error).__name__, error)
            finally:
                if client is not None:
                    await self._shut(client)
            if await asyncio.to_thread(self._closing.wait, wait):
                return
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _send_all(self, client: Any) -> None:
        """Send until closing and empty; raises when the connection breaks."""
        from azure.iot.device import Message

        while True:
            result = await asyncio.to_thread(self._outbox.first, 0.5)
            if result is None:
                if self._closing.is_set():
                    return
                if not client.connected:
                    raise ConnectionError("the hub closed the connection")
                continue
            message = Message(result.body)
            message.message_id = result.message_id
            await asyncio.wait_for(client.send_message(message), _SEND_SECONDS)
            self._outbox.remove(result)

    async def _shut(self, client: Any) -> None:
        try:
            await asyncio.wait_for(client.shutdown(), _CLOSE_SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever a broken connection says while it is closed
            _log.info("closing the connection: %s: %s", type(error).__name__, error)
