"""azure-iot-hub's managers, unmodified: whom they trust, how long they wait, and the reply as it came.

The SDK's models cannot be trusted with replies: ``as_dict`` drops what they do not know (a twin's ``configurations``), and a
malformed twin makes the deserializer raise. So every reply is taken from the HTTP layer by the SDK's own response hook.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from services.contexts.hosts import host_alone
from services.contexts.model import Context
from services.contexts.secrets import ca_path
from services.contexts.sign_in import token
from services.replies.bounds import DEFAULT_BOUNDS, Bounds
from services.replies.content import Owed, content_of

CONNECT_SECONDS = 6.0
_CHINA_SCOPE = (
    "https://iothubs.chinacloudapi.cn/.default"  # docs.azure.cn; of US Government no other than the public one is known
)
SUBJECT, REPLY_CODE = "The hub", "hub.reply"


class HubCredential:
    """azure-core's TokenCredential for the hub of ``context``. ``get_token`` raises OperatorError, which names what ails the sign-in."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def get_token(self, *scopes: str, **_options: Any) -> Any:
        """Return a token; azure-iot-hub asks for the public cloud's scope whatever the cloud is (2.7.0)."""
        from azure.core.credentials import AccessToken

        hub = self._context.hub
        is_china = hub is not None and host_alone(hub.host).endswith(".azure-devices.cn")
        return AccessToken(*token(self._context, _CHINA_SCOPE if is_china else scopes[0]))


class HubSdk:
    """The SDK's managers of one ``host``; safe to use from several threads."""

    def __init__(
        self,
        managers: tuple[Any, ...],
        host: str,
        ca_file: str = "",
        bounds: Bounds = DEFAULT_BOUNDS,
        *,
        by_token: bool = False,
    ) -> None:
        from services.replies.session import ReplyAdapter, Service, guard

        self.managers, self.host, self.by_token = managers, host, by_token
        self._replies = threading.local()
        adapter = ReplyAdapter(Service(SUBJECT, REPLY_CODE, (f"https://{host}",), bounds))

        def prepare(session: Any, _settings: object, _local: object, **options: Any) -> dict[str, Any]:
            guard(session, adapter)
            return options

        for manager in managers:
            configuration = manager.protocol.config
            configuration.connection.timeout = (CONNECT_SECONDS, bounds.read_seconds)
            configuration.retry_policy.retries = 0
            configuration.redirect_policy.allow = False
            configuration.session_configuration_callback = prepare
            configuration.hooks.append(self._remember)
            if ca_file:
                configuration.connection.verify = ca_path(ca_file)

    def exchange(self, call: Callable[[Any], Any], manager: Any) -> Any:
        """Return the ``requests.Response`` to ``call``, whatever its status is and whatever the SDK makes of it.

        Raises OperatorError for a reply that is not whole, msrest's ClientException where there was none.
        """
        from msrest.exceptions import ClientException, DeserializationError, HttpOperationError

        self._replies.last = None
        try:
            call(manager)
        except HttpOperationError as error:
            return error.response
        except (ClientException, DeserializationError, AttributeError, TypeError, ValueError, KeyError, RecursionError):
            if self._replies.last is None:
                raise
        return self._replies.last

    def _remember(self, response: Any, *_arguments: Any, **_options: Any) -> None:
        self._replies.last = response


def hub_content(response: Any, owed: Owed) -> Any:
    """Return what a reply of the hub holds. Raises OperatorError where that is not what is owed."""
    return content_of(response.status_code, response.content, owed, SUBJECT, REPLY_CODE)
