"""The calls of a hub's service API that are made from here: what they are, and by whom.

azure-iot-hub makes them where it can be imported. It requires uamqp, which has wheels for x86-64 up to Python 3.13 alone
(docs/platforms.md); elsewhere ``HubRest`` makes the same calls. ``tests/contexts/test_hub_api.py`` holds both to one contract.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from services.contexts.connection_string import fields_of, tidied
from services.contexts.hosts import host_alone
from services.contexts.model import Context
from services.contexts.sign_in import token
from services.errors import OperatorError
from services.records import Secret
from services.replies.bounds import DEFAULT_BOUNDS, Bounds
from services.replies.content import Owed, content_of

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from requests import Response

CONNECT_SECONDS = 6.0
SUBJECT, REPLY_CODE = "The hub", "hub.reply"
TOKEN_SCOPE = "https://iothubs.azure.net/.default"
_CHINA_SCOPE = (
    "https://iothubs.chinacloudapi.cn/.default"  # docs.azure.cn; of US Government no other than the public one is known
)


class HubUnreached(Exception):
    """There was no reply at all; ``reason`` is what requests raised, or the SDK where it did not send."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.reason = reason


class HubApi(Protocol):
    """One hub's service API; safe to use from several threads.

    Each call returns the reply as it came, whatever its status is. It raises OperatorError for a reply that is not whole,
    HubUnreached where there was none.
    """

    host: str
    by_token: bool

    def devices(self, top: int) -> Response:
        """List device identities, ``top`` at most."""

    def device(self, device: str) -> Response:
        """Read a device's identity."""

    def modules(self, device: str) -> Response:
        """List the identities of a device's modules."""

    def module_twin(self, device: str, module: str) -> Response:
        """Read a module's twin."""

    def patch_module_twin(self, device: str, module: str, desired: Mapping[str, Any], etag: str) -> Response:
        """Merge ``desired`` into a module's desired properties where its twin has this ``etag``."""

    def invoke(
        self, device: str, module: str | None, method: str, payload: Any, response_timeout: int, connect_timeout: int
    ) -> Response:
        """Call a direct method of a module, or of the device (``module`` None); timeouts in seconds."""

    def query(self, text: str, continuation: str | None, top: int) -> Response:
        """Run a query over twins and return one page of it; ``continuation`` is the header of the page before."""

    def apply(self, device: str, modules_content: Mapping[str, Any]) -> Response:
        """Set a device's whole deployment."""

    def configurations(self, top: int) -> Response:
        """List the deployments at scale."""

    def device_statistics(self) -> Response:
        """Count the device identities."""

    def service_statistics(self) -> Response:
        """Count the devices that are connected."""


class HubCredential:
    """azure-core's TokenCredential for the hub of ``context``. ``get_token`` raises OperatorError, which names what ails the sign-in."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """Return a token; azure-iot-hub asks for the public cloud's scope whatever the cloud is (2.7.0)."""
        from azure.core.credentials import AccessToken

        hub = self._context.hub
        is_china = hub is not None and host_alone(hub.host).endswith(".azure-devices.cn")
        return AccessToken(*token(self._context, _CHINA_SCOPE if is_china else scopes[0]))


def hub_by_key(connection: Secret, ca_file: str = "", bounds: Bounds = DEFAULT_BOUNDS) -> HubApi:
    """Return what asks the hub with a policy's key."""
    string = tidied(connection)
    fields = fields_of(string)
    try:
        whole = all(fields[name] for name in ("HostName", "SharedAccessKeyName", "SharedAccessKey"))
        base64.b64decode(fields["SharedAccessKey"])
    except (ValueError, KeyError):
        whole = False
    if not whole:
        raise OperatorError(
            "The hub's connection string cannot be used.",
            cause="It is not of the form HostName=…;SharedAccessKeyName=…;SharedAccessKey=… with a base64 key.",
            remedy="Copy it again from the hub's shared access policies.",
            code="hub.connection-string",
        )
    return _open(fields["HostName"], string, ca_file, bounds)


def hub_by_token(context: Context, bounds: Bounds = DEFAULT_BOUNDS) -> HubApi:
    """Return what asks the context's hub with its sign-in's token."""
    assert context.hub is not None, "a hub is named before it is asked"
    return _open(context.hub.host, HubCredential(context), context.hub.ca_file, bounds)


def _open(host: str, access: Secret | HubCredential, ca_file: str, bounds: Bounds) -> HubApi:
    from services.contexts.hub_rest import HubRest
    from services.contexts.hub_sdk import HubSdk

    return (HubSdk if has_sdk() else HubRest)(host, access, ca_file, bounds)


def has_sdk() -> bool:
    """Return whether azure-iot-hub can be imported here, and uamqp with it."""
    try:
        import azure.iot.hub  # noqa: F401
    except ImportError:
        return False
    return True


def hub_content(response: Response, owed: Owed) -> Any:
    """Return what a reply of the hub holds. Raises OperatorError where that is not what is owed."""
    return content_of(response.status_code, response.content, owed, SUBJECT, REPLY_CODE)
