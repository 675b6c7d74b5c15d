"""A registry's own sign-in made of the context's: no admin user, no password (docs/facts/azure-today.md, 3)."""

from __future__ import annotations

import re

import requests

from services.contexts.model import Context
from services.contexts.sign_in import token
from services.diagnosis import explain
from services.errors import OperatorError
from services.records import Evidence, RegistryCredentials, Secret
from services.replies.bounds import Bounds
from services.replies.content import content_of
from services.replies.faults import reply_fault
from services.replies.session import Service, open_session
from services.text import one_line

_SCOPE = "https://containerregistry.azure.net/.default"
_USER = "00000000-0000-0000-0000-000000000000"  # for whom a refresh token is the password
_CODE = "registry.strange"
_TOKEN = re.compile(r"[!-~]{1,65536}")
_SECONDS = 10.0


def exchange(server: str, context: Context, ca_file: str = "") -> RegistryCredentials:
    """Return credentials of about three hours for a registry that Azure Resource Manager has named. Raises OperatorError.

    The sign-in's token is for registries alone, and goes to no other host than ``server``.
    """
    access = token(context, _SCOPE)[0]
    form = {"grant_type": "access_token", "service": server, "access_token": access}
    bounds = Bounds(bytes=200_000, read_seconds=_SECONDS)
    base = f"https://{server}"
    with open_session(Service(server, _CODE, [base], bounds)) as session:
        try:
            response = session.post(
                f"{base}/oauth2/exchange",
                data=form,
                timeout=(_SECONDS, _SECONDS),
                verify=ca_file or True,
                allow_redirects=False,
            )
        except (requests.RequestException, OSError) as error:
            raise explain(Evidence("network", text=one_line(f"{server}: {error}", 1000))) from error
    if response.status_code >= 400:
        raise _refused(server, response.status_code)
    answer = content_of(response.status_code, response.content, "object", server, _CODE)
    value = answer.get("refresh_token")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise reply_fault("content", server, _CODE, "It was asked for a token, and the reply holds none.")
    return RegistryCredentials(server, _USER, Secret(value))


def _refused(server: str, status: int) -> OperatorError:
    return OperatorError(
        f"{server} does not take the sign-in ({status}).",
        cause="The sign-in has no role on the registry, or the registry is none of Azure's.",
        remedy="Give it AcrPull; where the registry is in ABAC mode Container Registry Repository Reader and Catalog Lister.",
        code="registry.sign-in-refused",
    )
