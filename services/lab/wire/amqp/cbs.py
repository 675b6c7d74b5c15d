"""``$cbs``: tokens put for an audience, as Event Hubs' and IoT Hub's clients do before they attach to anything."""

from __future__ import annotations

from typing import Any

from services.lab.cloud.hub import HubError

from .links import Refusal, RequestLink
from .messages import read_message, reply
from .types import Int

_STATUS, _DESCRIPTION = "status-code", "status-description"


class CbsLink(RequestLink):
    """Takes ``put-token`` (and ``delete-token``) requests."""

    async def answer(self, payload: bytes) -> tuple[bytes, Any]:
        """See RequestLink."""
        message = read_message(payload)
        request = message.application_properties
        status, text = self._do(request.get("operation"), request.get("type"), request.get("name"), message.body)
        properties = {_STATUS: Int(status), _DESCRIPTION: text}
        if status >= 400:
            properties["error-condition"] = "amqp:not-found" if status == 404 else "amqp:unauthorized-access"
        return reply(message.properties.get("message_id"), properties, None), message.properties.get("reply_to")

    def _do(self, operation: Any, kind: Any, audience: Any, token: Any) -> tuple[int, str]:
        nodes = self.session.connection.nodes
        if operation == "delete-token":
            nodes.drop_token(str(audience))
            return 202, "Accepted"
        if isinstance(token, bytes):
            token = token.decode("utf-8", "replace")
        if operation != "put-token" or not isinstance(audience, str) or not isinstance(token, str):
            return 400, "BadRequest: put-token with a name and a token was expected."
        if isinstance(kind, str) and kind.lower() in ("jwt", "bearer") and not token.startswith("Bearer "):
            token = f"Bearer {token}"
        try:
            of_event_hub = nodes.put_token(audience, token, str(kind))
        except HubError as error:
            expired = "expired" in error.message
            return (
                401,
                "ExpiredToken: The token is expired." if expired else "InvalidSignature: The token has an invalid signature.",
            )
        except Refusal as refusal:
            return 404, refusal.description
        # Event Hubs accepts; IoT Hub says OK, and azure-iothub for JavaScript takes nothing else for a yes.
        return (202, "Accepted") if of_event_hub else (200, "OK")
