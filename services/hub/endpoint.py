"""Where a hub's messages are received: pasted, found by the hub's own redirect, or read from ARM."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from services.contexts.children import environment
from services.contexts.connection_string import fields_of, tidied
from services.contexts.hosts import check_leads, host_alone
from services.contexts.model import Context
from services.contexts.proxies import proxy_for
from services.contexts.secrets import ca_path, reveal
from services.diagnosis import explain
from services.errors import OperatorError
from services.hub.field_readers import mapping, word
from services.json_reader import JsonError, read_json
from services.masking import mask
from services.records import EventEndpoint, Evidence, Secret
from services.text import clean

_SECONDS = 25.0
_ROUTE = "Have the hub send messages to an Event Hub that takes tokens: dbe-console context route-messages."


def find_endpoint(context: Context, seconds: float = _SECONDS) -> EventEndpoint:
    """Return the endpoint of a context's hub; needs the right ServiceConnect. Never takes longer than ``seconds``."""
    if context.events.connection is not None:
        return _pasted(context, reveal(context.events.connection))
    if context.events.namespace or context.events.event_hub:
        return _routed(context)
    if context.hub is None:
        raise OperatorError(
            f"The context {context.name!r} names no IoT Hub, so that there is nowhere to receive from.",
            remedy="Add a hub's or an Event Hub-compatible connection string to the context.",
            code="context.no-hub",
        )
    if context.hub.connection is None:
        return _by_arm(context)
    return _by_redirect(context, fields_of(reveal(context.hub.connection)), seconds)


def _endpoint(context: Context, namespace: str, entity: str, policy: str, key: str) -> EventEndpoint:
    text = f"Endpoint=sb://{namespace}/;SharedAccessKeyName={policy};SharedAccessKey={key};EntityPath={entity}"
    return _with(context, namespace, entity, Secret(text))


def _with(context: Context, namespace: str, entity: str, connection: Secret) -> EventEndpoint:
    events = context.events
    ca_file = events.ca_file or (context.hub.ca_file if context.hub else "")
    return EventEndpoint(
        namespace=namespace,
        entity=entity,
        connection_string=connection,
        consumer_group=events.consumer_group,
        ca_file=ca_path(ca_file) if ca_file else "",
        transport=events.transport,
        proxy=events.proxy or proxy_for(namespace),
    )


def _pasted(context: Context, secret: Secret) -> EventEndpoint:
    parts = fields_of(secret)
    namespace = urlsplit(parts.get("Endpoint", "")).hostname or ""
    entity = parts.get("EntityPath", "")
    missing = [name for name in ("Endpoint", "SharedAccessKeyName", "SharedAccessKey", "EntityPath") if not parts.get(name)]
    if missing or not namespace:
        hub_string = "HostName" in parts
        raise OperatorError(
            "The connection string for messages is not an Event Hub-compatible one.",
            cause="It is the hub's own (HostName=…)."
            if hub_string
            else f"It lacks {', '.join(missing) or 'a host in Endpoint'}.",
            remedy="Leave it out and the endpoint is found from the hub's own connection string."
            if hub_string
            else "Copy it from the hub's Built-in endpoints, with its EntityPath at the end.",
            code="events.connection-string",
        )
    return _with(context, namespace, entity, tidied(secret))


def _routed(context: Context) -> EventEndpoint:
    """Return the Event Hub that the context names, with the sign-in's token; nothing is asked."""
    from services.contexts.event_token import EventCredential

    events = context.events
    if not (events.namespace and events.event_hub):
        raise OperatorError(
            "The context names half of an Event Hub.",
            cause=f"Its events lack {'event_hub' if events.namespace else 'namespace'}.",
            remedy="Name both, namespace (NAME.servicebus.windows.net) and event_hub, or neither.",
            code="events.half-named",
        )
    credential = EventCredential(context)
    return replace(_with(context, host_alone(events.namespace), events.event_hub, Secret("")), credential=credential)


def _by_redirect(context: Context, parts: dict[str, str], seconds: float) -> EventEndpoint:
    host, policy, key = (parts.get(name, "") for name in ("HostName", "SharedAccessKeyName", "SharedAccessKey"))
    if not (host and policy and key):
        raise OperatorError(
            "The hub's connection string cannot be used to find where messages are received.",
            cause="HostName, SharedAccessKeyName or SharedAccessKey is missing.",
            remedy="Copy it again from the hub's shared access policies.",
            code="hub.connection-string",
        )
    name, _, port = host.partition(":")
    endpoint = _with(context, name, "", Secret(""))
    question = {
        "host": name,
        "port": int(port) if port.isdigit() else 0,
        "policy": policy,
        "key": key,
        "ca_file": endpoint.ca_file,
        "websocket": endpoint.transport == "websocket" or bool(endpoint.proxy),
        "proxy": endpoint.proxy,
    }
    answer = _answer(question, seconds)
    if not answer.get("address"):
        text = clean(mask(str(answer.get("text", ""))), 500)
        raise explain(Evidence(source=_source(answer), code=word(answer.get("code")), text=f"{name}: {text}"))
    namespace, entity = _place(answer)
    check_leads(context, "hub", name, namespace)  # it is given a token that is signed with the hub's key
    return _endpoint(context, namespace, entity, policy, key)


def _source(answer: dict[str, Any]) -> Any:
    return "network" if answer.get("source") == "network" else "amqp"


def _place(answer: dict[str, Any]) -> tuple[str, str]:
    """Return the namespace and entity from ``amqps://NAMESPACE:5671/ENTITY/$management``."""
    try:
        address = urlsplit(word(answer.get("address")))
        namespace = word(answer.get("hostname")) or address.hostname or ""
    except ValueError:
        return "", ""
    return namespace, address.path.strip("/").removesuffix("/$management")


def _answer(question: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Ask in a child: the key goes by standard input, and a child that hangs is ended."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "services.hub.redirect"],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env=environment(),
        )
    except subprocess.TimeoutExpired:
        return {
            "source": "network",
            "code": "ETIMEDOUT",
            "text": f"timed out: no answer from the messages' port within {seconds:.0f} s",
        }
    try:
        return dict(mapping(read_json(done.stdout)))
    except JsonError:
        return {"source": "amqp", "code": "", "text": f"the process that asks ended with status {done.returncode}"}


def _by_arm(context: Context) -> EventEndpoint:
    from services.contexts.discovery import ResourceManager

    if context.hub is None or not context.hub.resource_id:
        raise OperatorError(
            "Where the hub's messages are received cannot be found.",
            cause="The context has neither a connection string of the hub nor its ARM id. The built-in endpoint takes keys only.",
            remedy=f"{_ROUTE} Or add one of them, or paste an Event Hub-compatible connection string.",
            code="events.unknown",
        )
    manager = ResourceManager(context)
    try:
        return _pasted(context, manager.events_connection_string(manager.hub(context.hub.resource_id)))
    except OperatorError as error:
        if error.code != "arm.403":
            raise
        # learn.microsoft.com authenticate-authorize-azure-ad, as docs/facts/azure-today.md has it
        raise OperatorError(
            "The hub's built-in endpoint takes keys only, and this sign-in may not list them.",
            cause="Azure AD tokens open the hub, but not its built-in endpoint (Microsoft's page on Azure AD for IoT Hub).",
            remedy=f"{_ROUTE} Or have somebody with the right Microsoft.Devices/iotHubs/listkeys/action add this context.",
            code="events.keys-only",
            raw=error.raw,
        ) from error
