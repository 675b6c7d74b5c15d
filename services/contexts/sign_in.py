"""Signing in to Azure: azure-identity behind one function, one credential per way of signing in, so that one asks only once.

Tokens live in memory. A lapsed sign-in by device code asks again through the same handler.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from services.contexts.model import CloudSettings, Context, SignIn
from services.contexts.secrets import ca_path, reveal
from services.errors import OperatorError
from services.records import Secret
from services.replies.network import unreachable
from services.text import clean, one_line

_PUBLIC_AUTHORITY = CloudSettings().authority
_DEVICE_CODE_SECONDS = 600
# What azure-identity and msal raise of a reply of the sign-in that is no object, or of other types than they expect.
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RecursionError)


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What the operator types, where, and until when."""

    uri: str
    code: str
    expires: datetime


# Shows a code; what it gives is called when the code was entered, or will not be any more.
DeviceCodeHandler = Callable[[DeviceCode], Callable[[], None] | None]

_lock = threading.Lock()
_credentials: dict[tuple[CloudSettings, SignIn], Any] = {}
_handlers: list[DeviceCodeHandler] = []
_shown = threading.local()  # what ends the showing of the code that this thread waits for


def show_device_codes(handler: DeviceCodeHandler | None) -> None:
    """Have ``handler`` show device codes from now on, in whatever thread asks for a token; with None nobody can."""
    _handlers[:] = [handler] if handler else []


def credential(context: Context) -> Any:
    """Return the azure-core TokenCredential of ``context``: the same object for every context that signs in alike.

    Raises OperatorError where the sign-in lacks something or its secret cannot be had. Its ``get_token`` raises azure-core's
    own errors: use ``token`` where a clear one is wanted.
    """
    key = (context.cloud, context.sign_in)
    with _lock:
        if key not in _credentials:
            _credentials[key] = _make(context.name, context.cloud, context.sign_in)
        return _credentials[key]


def sign_in_with(context: Context, secret: Secret) -> None:
    """Sign in for ``context`` with a service principal's secret that is not kept anywhere yet."""
    with _lock:
        _credentials[(context.cloud, context.sign_in)] = _make(context.name, context.cloud, context.sign_in, secret)


def forget_credential(context: Context) -> None:
    """Sign in anew next time."""
    with _lock:
        _credentials.pop((context.cloud, context.sign_in), None)


def arm_scope(cloud: CloudSettings) -> str:
    """Return the scope of tokens for the resource manager of ``cloud``."""
    return f"{cloud.resource_manager.rstrip('/')}/.default"


def connection_options(ca_file: str) -> dict[str, Any]:
    """Return the keyword arguments for any azure-core client: a private CA for this client alone, and waits an operator can bear."""
    options: dict[str, Any] = {"connection_timeout": 10, "read_timeout": 30, "retry_total": 1}
    if ca_file:
        options["connection_verify"] = ca_path(ca_file)
    return options


def token(context: Context, scope: str = "") -> tuple[str, int]:
    """Return an access token and its expiry in Unix seconds, for ``scope`` or else the resource manager.

    Raises OperatorError where signing in fails.
    """
    from azure.core.exceptions import AzureError

    try:
        had = credential(context).get_token(scope or arm_scope(context.cloud))
    except (AzureError, *_UNREADABLE) as error:
        forget_credential(context)  # msal repeats a refusal from its cache for a minute, and the secret may be mended by then
        raise sign_in_error(context, error) from error
    return had.token, had.expires_on


def sign_in_error(context: Context, error: Exception) -> OperatorError:
    """Return what an error of azure-identity means for the operator."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OperatorError):
            return inner  # from our own handler of device codes, wrapped by azure-identity
        inner = inner.__cause__ or inner.__context__
    raw = clean(getattr(error, "message", "") or error, 2000)
    method = context.sign_in.method
    unreached = any(
        word in raw for word in ("Connection refused", "Failed to establish", "timed out", "CERTIFICATE", "resolve", "SSL")
    )
    if unreached:
        return unreachable("The sign-in service", urlsplit(context.cloud.authority).hostname or "", error, "sign-in.failed")
    cause, remedy = _METHODS[method]
    return OperatorError(
        f"Signing in ({method}) failed.",
        cause=f"{cause} It says: {one_line(raw, 300)}",
        remedy=remedy,
        code="sign-in.failed",
        raw=raw,
    )


_METHODS = {
    "az": ("The az command is missing, or its login has lapsed.", "Run: az login — or choose another sign-in for the context."),
    "device-code": (
        "The code was not entered in time, or the account was refused.",
        "Try again and enter the code in the browser.",
    ),
    "service-principal": (
        "The tenant, the client id or the secret is wrong, or the secret has expired.",
        "Check the context's sign_in, and make a new client secret if it expired.",
    ),
    "managed-identity": (
        "This machine has no managed identity, or not that client id.",
        "Assign one to the machine, or choose another sign-in.",
    ),
}


class _Announced:
    """A credential that says when the waiting for a device code is over. Who asks meanwhile waits for the same code."""

    def __init__(self, credential: Any) -> None:
        self._credential = credential
        self._asking = threading.Lock()

    def get_token(self, *scopes: str, **options: Any) -> Any:
        return self._waited(self._credential.get_token, scopes, options)

    def get_token_info(self, *scopes: str, **options: Any) -> Any:
        return self._waited(self._credential.get_token_info, scopes, options)

    def _waited(self, call: Callable[..., Any], scopes: tuple[str, ...], options: dict[str, Any]) -> Any:
        with self._asking:
            try:
                return call(*scopes, **options)
            finally:
                over: Callable[[], None] | None = getattr(_shown, "over", None)
                _shown.over = None
                if over is not None:
                    over()


def _make(name: str, cloud: CloudSettings, sign_in: SignIn, pasted: Secret | None = None) -> Any:
    import azure.identity

    log = logging.getLogger("azure.identity")
    if not log.handlers:  # without one the SDK's warnings would be written over the screen
        log.addHandler(logging.NullHandler())
    options = connection_options(cloud.ca_file) | {"transport": _transport(cloud)}
    authority: dict[str, Any] = {"authority": cloud.authority}
    if cloud.authority.rstrip("/") != _PUBLIC_AUTHORITY:
        # Instance discovery asks the public cloud, which knows nothing of a private authority.
        authority["disable_instance_discovery"] = True
    if sign_in.method == "service-principal":
        secret = pasted or (reveal(sign_in.secret) if sign_in.secret else None)
        if not (sign_in.tenant and sign_in.client_id and secret):
            raise OperatorError(
                f"The sign-in of the context {name} is incomplete.",
                cause="A service principal needs tenant, client_id and secret.",
                remedy=f"Complete [contexts.{name}.sign_in].",
                code="sign-in.incomplete",
            )
        return azure.identity.ClientSecretCredential(sign_in.tenant, sign_in.client_id, secret.reveal(), **authority, **options)
    if sign_in.method == "device-code":
        optional = {"client_id": sign_in.client_id} if sign_in.client_id else {}
        asking = azure.identity.DeviceCodeCredential(
            tenant_id=sign_in.tenant or None,
            timeout=_DEVICE_CODE_SECONDS,
            prompt_callback=_show,
            **optional,
            **authority,
            **options,
        )
        return _Announced(asking)
    if sign_in.method == "managed-identity":
        return azure.identity.ManagedIdentityCredential(client_id=sign_in.client_id or None, **connection_options(""))
    return azure.identity.AzureCliCredential(tenant_id=sign_in.tenant, process_timeout=30)


def _transport(cloud: CloudSettings) -> Any:
    """Return a transport that sends a client secret to the authority alone, also where the reply is a redirect."""
    from azure.core.pipeline.transport import RequestsTransport

    from services.replies.session import Service, open_session

    session = open_session(Service("The sign-in", "sign-in.reply", (cloud.authority,)))
    return RequestsTransport(session=session, session_owner=False, **connection_options(cloud.ca_file))


def _show(uri: str, code: str, expires: datetime) -> None:
    if not _handlers:
        raise OperatorError(
            "Signing in needs somebody to enter a code.",
            cause="The context signs in by device code, and nobody is there to be shown one.",
            remedy="Sign in from the console, or use az, a service principal or a managed identity for scripts.",
            code="sign-in.nobody",
        )
    _shown.over = _handlers[0](DeviceCode(one_line(uri, 200), one_line(code, 40), expires))
