"""What became of cloud-to-device messages, for the service that asked for an acknowledgement (``iothub-ack``)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from services.lab.clock import Clock
from services.lab.cloud.hub.mailbox import DEPTH, SUCCESS, CloudMessage, Mailbox

CONTENT_TYPE = "application/vnd.microsoft.iothub.feedback.json"
# A batch leaves with 64 records, or 15 seconds after the one before it (docs/facts/lab-answers.md).
_BATCH, _PAUSE = 64, 15.0
_ACKNOWLEDGEMENTS = {"positive": (True, False), "negative": (False, True), "full": (True, True)}


class Feedback:
    """Gathers records and puts them into ``queue``, batch by batch."""

    def __init__(self, clock: Clock, hub: str) -> None:
        self.queue = Mailbox(clock)
        self._clock, self._hub = clock, hub
        self._records: list[dict[str, Any]] = []
        self._last = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def add(self, device: str, generation: str, message: CloudMessage, status: str) -> None:
        """Note how a message ended, where its sender asked for that."""
        positive, negative = _ACKNOWLEDGEMENTS.get(str(message.application.get("iothub-ack") or "").lower(), (False, False))
        if not (positive if status == SUCCESS else negative):
            return
        self._records.append(
            {
                "originalMessageId": str(message.system.get("message_id") or ""),
                "deviceGenerationId": generation,
                "deviceId": device,
                "enqueuedTimeUtc": self._clock.text(),
                "statusCode": status,
                "description": status,
            }
        )
        loop = asyncio.get_running_loop()
        if len(self._records) >= _BATCH:
            self._send()
        elif self._timer is None:
            self._timer = loop.call_later(max(0.0, self._last + _PAUSE - loop.time()), self._send)

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._records:
            return
        records, self._records = self._records, []
        self._last = asyncio.get_running_loop().time()
        if len(self.queue) >= DEPTH:  # nobody reads it: the hub's own queue ends by its age, this one by its length too
            oldest = self.queue.lock()
            if oldest is not None:
                self.queue.done(oldest)
        self.queue.put(json.dumps(records).encode(), {}, {"user_id": self._hub, "content_type": CONTENT_TYPE})
