"""What a sign-in that fails means: by the number that Microsoft Entra gives, where it gives one, else by the way of signing in.

Microsoft warns that its numbers may change: one that is not here is shown with its words (learn.microsoft.com,
entra/identity-platform/reference-error-codes).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from services.contexts.model import Context
from services.errors import OperatorError
from services.replies.network import unreachable
from services.text import clean, one_line

_NUMBER = re.compile(r"AADSTS(\d{4,9})")
_UNREACHED = ("Connection refused", "Failed to establish", "timed out", "CERTIFICATE", "resolve", "SSL")
_AGAIN = "Sign in again, with this tenant and scope: {login}"

_BY_NUMBER: dict[str, tuple[str, str, str]] = {
    **dict.fromkeys(
        ("50074", "50076", "50078", "50079", "50158", "70043", "70008", "700082", "70044", "50173", "65001"),
        ("sign-in.again", "This tenant wants another login: a second factor, a newer login, or consent.", _AGAIN),
    ),
    **dict.fromkeys(
        ("53003", "53000", "53001"),
        (
            "sign-in.policy",
            "A policy of the tenant (Conditional Access) forbids this way of signing in, this machine or this place.",
            "Take another way in the context's sign_in: a managed identity, workload identity or service principal; device codes are "
            "often blocked.",
        ),
    ),
    "50020": (
        "sign-in.tenant",
        "The account is of another tenant and no guest in this one.",
        "Name the hub's tenant, then: {login}",
    ),
    "90002": (
        "sign-in.tenant",
        "There is no such tenant in this cloud.",
        "Correct tenant, or authority where it is another cloud's.",
    ),
    "700016": (
        "sign-in.application",
        "The tenant knows no application of that client id.",
        "Correct client_id or tenant of the context's sign_in, or authority where it is another cloud's.",
    ),
    "7000215": (
        "sign-in.failed",
        "The client secret is wrong: its value counts, and not its id.",
        "Put the secret's value where sign_in says.",
    ),
    "7000222": (
        "sign-in.failed",
        "The client secret has expired.",
        "Make a new one for the application, and put it where sign_in says.",
    ),
    "700027": (
        "sign-in.certificate",
        "The certificate is not one of the application's, or it has expired.",
        "Upload the certificate to the application, or name the one that it has.",
    ),
    **dict.fromkeys(
        ("70021", "700211", "700212", "700213"),
        (
            "sign-in.federation",
            "No federated credential of the application matches the token's issuer, subject and audience.",
            "Compare them with the application's federated credentials, letter by letter.",
        ),
    ),
    "700024": (
        "sign-in.clock",
        "The assertion's time is not now: clock or token file is old.",
        "Set the clock, or renew the token file.",
    ),
    "500011": (
        "sign-in.resource",
        "The tenant does not know the service that the token is for.",
        "Check tenant and cloud; the service may never have been used in this tenant.",
    ),
}
_BY_METHOD = {
    "az": ("The az command is missing, or its login has lapsed.", "Run: {login} — or choose another sign-in for the context."),
    "device-code": (
        "The code was not entered in time, or the account was refused.",
        "Try again and enter the code in the browser.",
    ),
    "service-principal": (
        "The tenant, the client id, the secret or the certificate is wrong, or has expired.",
        "Check the context's sign_in, and make a new client secret if it expired.",
    ),
    "workload-identity": (
        "The file of the federated token cannot be read, or the application does not trust who issued it.",
        "Check token_file of the context's sign_in, and the application's federated credentials.",
    ),
    "managed-identity": (
        "This machine has no managed identity, or not that client id.",
        "Assign one to the machine, or choose another sign-in.",
    ),
}


def sign_in_error(context: Context, error: Exception, scope: str = "") -> OperatorError:
    """Return what an error of azure-identity means for the operator; ``scope`` is what a token was asked for."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OperatorError):
            return inner  # from our own handler of device codes, wrapped by azure-identity
        inner = inner.__cause__ or inner.__context__
    raw = clean(getattr(error, "message", "") or error, 2000)
    method = context.sign_in.method
    number = _NUMBER.search(raw)
    if number is None and any(word in raw for word in _UNREACHED):
        return unreachable("The sign-in service", urlsplit(context.cloud.authority).hostname or "", error, "sign-in.failed")
    code, cause, remedy = _BY_NUMBER.get(number[1] if number else "", ("sign-in.failed", *_BY_METHOD[method]))
    return OperatorError(
        f"Signing in ({method}) failed.",
        cause=f"{cause} It says: {one_line(raw, 300)}",
        remedy=remedy.replace("{login}", _login(context, scope)),
        code=code,
        raw=raw,
    )


def _login(context: Context, scope: str) -> str:
    """Return how one signs in again by the context's way."""
    if context.sign_in.method != "az":
        return "the console asks when it signs in next" if context.sign_in.method == "device-code" else "by its owner"
    tenant = f" --tenant {one_line(context.sign_in.tenant, 80)}" if context.sign_in.tenant else ""
    return f"az login{tenant}" + (f" --scope {scope}" if scope else "")
