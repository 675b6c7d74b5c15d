"""One call to a hub: retries, metering, and replies read as JSON.

A reply counts where it is what the call is owed, and not because its status is below 400: an IoT Hub never redirects, and a
proxy or a sign-in page answers 200 as well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.contexts.hub_api import HubApi, HubUnreached, hub_by_key, hub_by_token, hub_content
from services.contexts.model import Context
from services.contexts.secrets import reveal
from services.errors import OperatorError
from services.hub.errors import reply_error
from services.hub.quota import Charge, QuotaMeter, charged_sizes
from services.records import Exchange, Observer
from services.replies.bounds import DEFAULT_BOUNDS, Bounds
from services.replies.content import Owed
from services.replies.network import network_error

if TYPE_CHECKING:
    from requests import Response

_ATTEMPTS = 3
_PAUSE = 0.4


@dataclass(frozen=True)
class Reply:
    """A reply: its JSON (None when there is none), the hub's own clock from the Date header, and where a query goes on."""

    json: Any
    date: str = ""
    continuation: str = ""


class HubCalls:
    """Opens the hub's API when first needed and runs calls on it; safe to use from several threads."""

    def __init__(
        self, context: Context, meter: QuotaMeter, observe: Observer | None = None, bounds: Bounds = DEFAULT_BOUNDS
    ) -> None:
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
        self._bounds = bounds
        self._lock = threading.Lock()
        self._api: HubApi | None = None
        self.waits_for: OperatorError | None = None  # what the hub answered, while a call waits to be repeated

    def run(self, call: Callable[[HubApi], Response], owed: Owed, *, charge: Charge = "none", again: bool = False) -> Reply:
        """Run ``call``; ``again`` allows repeating it after a cut or a 5xx (reads only)."""
        api = self._opened()
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            try:
                response = self._exchange(api, call)
            except OperatorError as error:
                if last or not again or error.state not in ("cut", "hub-trouble"):
                    raise
                time.sleep(_PAUSE * 2**attempt)
                continue
            if self._observe is not None:
                self._observe(Exchange.of_response("hub", response))
            for size in charged_sizes(charge, len(response.request.body or ""), len(response.content)):
                self.meter.add(size)
            if response.status_code < 400:
                headers = response.headers
                return Reply(hub_content(response, owed), headers.get("Date", ""), headers.get("x-ms-continuation", ""))
            # 429: the hub did nothing, so that even a change may be sent again.
            passing = response.status_code == 429 or (again and response.status_code in (408, 500, 502, 503, 504))
            by_token = self._settings.connection is None
            answer = reply_error(response.status_code, response.text, response.headers, token=by_token)
            if last or not passing:
                raise answer
            self.waits_for = answer
            try:
                time.sleep(_pause(response, attempt))
            finally:
                self.waits_for = None
        raise AssertionError("the last attempt returns or raises")

    def _exchange(self, api: HubApi, call: Callable[[HubApi], Response]) -> Response:
        try:
            return call(api)
        except HubUnreached as error:
            raise network_error(self._settings.host, error.reason) from None

    def _opened(self) -> HubApi:
        with self._lock:
            if self._api is None:
                key, ca_file = self._settings.connection, self._settings.ca_file
                self._api = (
                    hub_by_token(self._context, self._bounds) if key is None else hub_by_key(reveal(key), ca_file, self._bounds)
                )
            return self._api


def _pause(response: Any, attempt: int) -> float:
    from services.replies.session import pause_of

    return max(pause_of(response.headers), _PAUSE * float(2**attempt))
