"""Signing in to Azure: azure-identity behind one function, one credential per way of signing in, so that one asks only once.

Tokens live in memory. A lapsed sign-in by device code asks again through the same handler.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.contexts.model import CloudSettings, Context, SignIn
from services.contexts.secrets import ca_path, resolve_path, reveal
from services.contexts.sign_in_errors import sign_in_error
from services.contexts.store import read_private
from services.errors import OperatorError
from services.records import Secret
from services.text import one_line

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

    scope = scope or arm_scope(context.cloud)
    try:
        had = credential(context).get_token(scope)
    except (AzureError, *_UNREADABLE) as error:
        forget_credential(context)  # msal repeats a refusal from its cache for a minute, and the secret may be mended by then
        raise sign_in_error(context, error, scope) from error
    return had.token, had.expires_on


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
        if not (sign_in.tenant and sign_in.client_id and (secret or sign_in.certificate)):
            raise _incomplete(name, "A service principal needs tenant, client_id, and secret or certificate.")
        who = (sign_in.tenant, sign_in.client_id)
        if sign_in.certificate:  # its secret, if it has one, is the password of its key
            password = {"password": secret.reveal()} if secret else {}
            pem = _certificate(sign_in.certificate)
            return azure.identity.CertificateCredential(*who, certificate_data=pem, **password, **authority, **options)
        assert secret is not None
        return azure.identity.ClientSecretCredential(*who, secret.reveal(), **authority, **options)
    if sign_in.method == "workload-identity":
        file = sign_in.token_file or os.environ.get("AZURE_FEDERATED_TOKEN_FILE", "")
        tenant = sign_in.tenant or os.environ.get("AZURE_TENANT_ID", "")
        client = sign_in.client_id or os.environ.get("AZURE_CLIENT_ID", "")
        if not (tenant and client and file):
            raise _incomplete(name, "Workload identity needs tenant, client_id and token_file, the file of the federated token.")
        return azure.identity.WorkloadIdentityCredential(
            tenant_id=tenant, client_id=client, token_file_path=str(resolve_path(file)), **authority, **options
        )
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
        return azure.identity.ManagedIdentityCredential(client_id=sign_in.client_id or None, **connection_options(cloud.ca_file))
    return azure.identity.AzureCliCredential(tenant_id=sign_in.tenant, process_timeout=30)


def _incomplete(name: str, cause: str) -> OperatorError:
    return OperatorError(
        f"The sign-in of the context {name} is incomplete.",
        cause=cause,
        remedy=f"Complete [contexts.{name}.sign_in].",
        code="sign-in.incomplete",
    )


def _certificate(text: str) -> bytes:
    """Return a PEM file with certificate and key, read anew; raises OperatorError where others can read it or it is not there."""
    path = resolve_path(text)
    try:
        pem = read_private(path, "the certificate's file")
    except FileNotFoundError as error:
        raise OperatorError(
            f"There is no certificate file {path}.",
            cause="The context's sign_in names it.",
            remedy="Put the PEM file with certificate and private key there (chmod 600), or correct certificate.",
            code="sign-in.certificate",
        ) from error
    return pem.encode()


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
