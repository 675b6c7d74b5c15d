"""Tokens for a routed Event Hub, in the process that receives: a console's or the recorder's own, renewed by whoever holds it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.contexts.codec import context_from, to_table
from services.contexts.model import Context, SecretSource
from services.contexts.secrets import ca_path, resolve_path, reveal
from services.contexts.sign_in import sign_in_with, token
from services.errors import OperatorError
from services.records import Secret

_CHINA = ".chinacloudapi.cn"


class EventCredential:
    """azure-core's TokenCredential for the Event Hub that ``context`` names. ``get_token`` raises OperatorError.

    Raises OperatorError for a sign-in by device code: the recorder outlives the console, and nobody enters a code there.
    """

    def __init__(self, context: Context) -> None:
        if context.sign_in.method == "device-code":
            raise OperatorError(
                "Messages are not received with a sign-in by device code.",
                cause="The recorder runs on without the console and renews its token by itself; nobody could enter a code there.",
                remedy="Take az, a service principal, workload identity or managed identity for the context's sign_in.",
                code="events.device-code",
            )
        self._context = context

    def get_token(self, *scopes: str, **_options: Any) -> Any:
        """Return a token; azure-eventhub asks for the public cloud's scope whatever the cloud is (5.15.1)."""
        from azure.core.credentials import AccessToken

        is_china = self._context.events.namespace.lower().rstrip(".").endswith(_CHINA)
        return AccessToken(*token(self._context, f"https://eventhubs{_CHINA}/.default" if is_china else scopes[0]))

    def to_fields(self) -> dict[str, Any]:
        """Return what ``from_fields`` makes the same credential of, for a child's standard input.

        A secret that does not lie in a file is in it: the child has neither our environment nor our keyring.
        """
        context = self._context
        cloud, sign_in, source = context.cloud, context.sign_in, context.sign_in.secret
        if cloud.ca_file:
            cloud = replace(cloud, ca_file=ca_path(cloud.ca_file))
        if source is not None and source.kind == "file":
            sign_in = replace(sign_in, secret=SecretSource("file", str(resolve_path(source.value))))
        if sign_in.certificate:
            sign_in = replace(sign_in, certificate=str(resolve_path(sign_in.certificate)))
        if sign_in.token_file:
            sign_in = replace(sign_in, token_file=str(resolve_path(sign_in.token_file)))
        kept = Context(context.name, cloud=cloud, sign_in=sign_in, events=context.events)
        secret = reveal(source).reveal() if source is not None and source.kind != "file" else ""
        return {"name": context.name, "table": to_table(kept), "secret": secret}

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> EventCredential:
        """Return the credential of ``to_fields``."""
        table = dict(fields["table"])
        table.pop("name", None)
        context = context_from(fields["name"], table)
        if fields["secret"]:
            sign_in_with(context, Secret(fields["secret"]))
        return cls(context)
