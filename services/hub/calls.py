"""One call to a hub through the unmodified azure-iot-hub: trust, timeouts, retries, metering, and replies read as JSON.

The SDK's models cannot be trusted with replies: ``as_dict`` drops what they do not know (a twin's ``configurations``), and a
malformed twin makes the deserializer raise. So every reply is taken from the HTTP layer by the SDK's own response hook.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.contexts.connection_string import tidied
from services.contexts.model import Context
from services.contexts.secrets import ca_path, reveal
from services.errors import OperatorError
from services.hub.errors import network_error, reply_error
from services.hub.quota import Charge, QuotaMeter, charged_sizes
from services.records import Exchange, Observer
from services.text import clean

CONNECT_SECONDS = 6.0
READ_SECONDS = 30.0
_ATTEMPTS = 3
_PAUSE = 0.4


@dataclass(frozen=True)
class Reply:
    """A reply: its JSON (None when there is none), the hub's own clock from the Date header, and where a query goes on."""

    json: Any
    date: str = ""
    continuation: str = ""


class HubCalls:
    """Makes the SDK's managers when first needed and runs calls on them; safe to use from several threads."""

    def __init__(self, context: Context, meter: QuotaMeter, observe: Observer | None = None) -> None:
        if context.hub is None:
            raise OperatorError(
                f"The context {context.name!r} names no IoT Hub.",
                remedy="Add one: dbe-console context add NAME (a connection string of the hub will do).",
                code="context.no-hub",
            )
        self._context = context
        self._settings = context.hub
        self.meter = meter
        self._observe = observe
        self._lock = threading.Lock()
        self._managers: tuple[Any, Any] | None = None
        self._seen = threading.local()

    def registry(self, call: Callable[[Any], Any], *, charge: Charge = "none", again: bool = False) -> Reply:
        """Run ``call`` on an IoTHubRegistryManager; ``again`` allows repeating it after a cut or a 5xx (reads only)."""
        return self._run(0, call, charge=charge, again=again)

    def configuration(self, call: Callable[[Any], Any], *, charge: Charge = "none", again: bool = False) -> Reply:
        """Run ``call`` on an IoTHubConfigurationManager."""
        return self._run(1, call, charge=charge, again=again)

    def _run(self, which: int, call: Callable[[Any], Any], *, charge: Charge, again: bool) -> Reply:
        manager = self._made()[which]
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            try:
                response = self._exchange(manager, call)
            except OperatorError as error:
                if last or not again or error.code.rpartition(".")[2] not in ("cut", "hub-trouble"):
                    raise
                time.sleep(_PAUSE * 2**attempt)
                continue
            if self._observe is not None:
                self._observe(Exchange.of_response("hub", response))
            for size in charged_sizes(charge, len(response.request.body or ""), len(response.content)):
                self.meter.add(size)
            if response.status_code < 400:
                headers = response.headers
                return Reply(_json(response), headers.get("Date", ""), headers.get("x-ms-continuation", ""))
            # 429: the hub did nothing, so that even a change may be sent again.
            passing = response.status_code == 429 or (again and response.status_code in (408, 500, 502, 503, 504))
            if last or not passing:
                raise reply_error(response.status_code, response.text, response.headers)
            time.sleep(_pause(response, attempt))
        raise AssertionError("the last attempt returns or raises")

    def _exchange(self, manager: Any, call: Callable[[Any], Any]) -> Any:
        from msrest.exceptions import ClientException, DeserializationError, HttpOperationError

        self._seen.response = None
        try:
            call(manager)
        except HttpOperationError as error:
            return error.response
        except ClientException as error:
            if self._seen.response is None:
                raise network_error(self._settings.host, error) from None
        except (DeserializationError, AttributeError, TypeError, ValueError, KeyError, RecursionError):
            if self._seen.response is None:
                raise
        return self._seen.response

    def _made(self) -> tuple[Any, Any]:
        with self._lock:
            if self._managers is None:
                self._managers = self._make()
            return self._managers

    def _make(self) -> tuple[Any, Any]:
        from azure.iot.hub import IoTHubConfigurationManager, IoTHubRegistryManager

        settings = self._settings
        try:
            if settings.connection is not None:
                connection = tidied(reveal(settings.connection)).reveal()
                managers = tuple(
                    kind.from_connection_string(connection) for kind in (IoTHubRegistryManager, IoTHubConfigurationManager)
                )
            else:
                from services.contexts.sign_in import credential

                token = credential(self._context)
                managers = tuple(
                    kind.from_token_credential(settings.host, token)
                    for kind in (IoTHubRegistryManager, IoTHubConfigurationManager)
                )
        except (ValueError, KeyError, IndexError):
            # The SDK's own words may quote the string: they are not repeated.
            raise OperatorError(
                "The hub's connection string cannot be used.",
                cause="It is not of the form HostName=…;SharedAccessKeyName=…;SharedAccessKey=… with a base64 key.",
                remedy="Copy it again from the hub's shared access policies.",
                code="hub.connection-string",
            ) from None
        for manager in managers:
            configuration = manager.protocol.config
            configuration.connection.timeout = (CONNECT_SECONDS, READ_SECONDS)
            configuration.retry_policy.retries = 0
            configuration.hooks.append(self._remember)
            if settings.ca_file:
                configuration.connection.verify = ca_path(settings.ca_file)
        return managers[0], managers[1]

    def _remember(self, response: Any, *_arguments: Any, **_options: Any) -> None:
        self._seen.response = response


def _json(response: Any) -> Any:
    if not response.content:
        return None
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise OperatorError(
            "The hub's reply is no JSON.",
            cause="Something between here and the hub, a proxy or a sign-in page, answers in its place.",
            remedy="Check the host name in the context and the proxy settings.",
            code="hub.reply",
            raw=clean(response.text, 500),
        ) from None


def _pause(response: Any, attempt: int) -> float:
    try:
        asked = float(response.headers.get("Retry-After", ""))
    except ValueError:
        asked = 0.0
    return min(max(asked, _PAUSE * float(2**attempt)), 10.0)
