"""``dbe-console context``: contexts listed, shown, chosen, removed, extended by a trusted host, and added by the guided way."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from console.cli.output import Call
from console.cli.verbs import _route_messages
from console.cli.verbs._context_add import add
from console.cli.verbs._names import DeviceName
from services.contexts.codec import to_table
from services.contexts.draft import forget_secrets
from services.contexts.model import CLOUDS
from services.contexts.store import ContextStore, dump
from services.masking import mask
from services.names import hub_name

HELP = "add, list, use, show or remove contexts (workspace, hub and device under one name)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    sub = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = sub.add_parser("list", help="list the contexts")
    listing.add_argument("--json", action="store_true", help="one JSON list")
    listing.add_argument("--names", action="store_true", help="their names alone, one a line")
    for action, text in (("use", "make it the current one"), ("show", "show what it holds"), ("remove", "forget it")):
        one = sub.add_parser(action, help=text)
        one.add_argument(
            "name", metavar="CONTEXT", nargs="?" if action == "show" else None, help="which one: dbe-console context list"
        )
        if action == "show":
            one.add_argument("--json", action="store_true", help="one JSON object")
    trust = sub.add_parser("trust", help="confirm that a service may lead to another host, with its credentials")
    trust.add_argument("name", metavar="CONTEXT", help="which one: dbe-console context list")
    trust.add_argument(
        "--host",
        dest="pair",
        metavar="SERVICE=HOST",
        required=True,
        help="registry.example.com=auth.example.com, as the error names it",
    )
    _route_messages.add_arguments(sub.add_parser("route-messages", help=_route_messages.HELP))
    add = sub.add_parser(
        "add",
        help="add one; asks for what is not given",
        description="Add a context. What is not given is asked for, or picked from lists; everything is tried before it is kept.",
    )
    add.add_argument("name", metavar="NAME", nargs="?", default="edge", help="what it is called (default: edge)")
    add.add_argument("--from", dest="given", action="append", default=[], metavar="FILE", help="config.json, or - for a paste")
    add.add_argument("--hub", metavar="SOURCE", help="where the hub's connection string is: env:, file:, command: or keyring:")
    add.add_argument(
        "--hub-host", metavar="HOST", default="", help="a hub that is reached with the sign-in's token, without a key"
    )
    add.add_argument("--events", metavar="SOURCE", help="where an Event Hub-compatible connection string is")
    add.add_argument("--namespace", metavar="HOST", default="", help="of an Event Hub that the hub routes to, read by token")
    add.add_argument("--event-hub", metavar="NAME", default="", help="the Event Hub's name there")
    add.add_argument(
        "--registry", metavar="SERVER", default="", help="a container registry (HOST or HOST:PORT) to list images of"
    )
    add.add_argument("--registry-user", metavar="NAME", default="", help="who signs in there")
    add.add_argument("--registry-password", metavar="SOURCE", help="where that password is")
    add.add_argument("--subscription", metavar="ID", default="", help="pick workspace and hub from this subscription")
    add.add_argument("--device", action=DeviceName, metavar="D", default="", help="the Edge device")
    add.add_argument("--device-address", metavar="HOST", default="", help="where its compute network is reached from here")
    add.add_argument(
        "--consumer-group", metavar="G", default="$Default", help="the readers' group at the event endpoint (default: $Default)"
    )
    add.add_argument(
        "--transport", choices=("amqp", "websocket"), default="amqp", help="messages by port 5671, or websockets over 443"
    )
    add.add_argument("--proxy", metavar="URL", default="", help="the proxy for messages by websockets: http://HOST:PORT")
    add.add_argument(
        "--sign-in",
        choices=("az", "device-code", "service-principal", "workload-identity", "managed-identity"),
        default="az",
        help="how to sign in to Azure (default: az, the machine's az login)",
    )
    add.add_argument("--tenant", default="", help="its id or domain; a service principal needs it")
    add.add_argument("--client-id", default="", help="the application's id; a service principal needs it")
    add.add_argument("--client-secret", metavar="SOURCE", help="where the service principal's secret is")
    add.add_argument(
        "--client-certificate", metavar="PEM", default="", help="the service principal's certificate with its key (0600)"
    )
    add.add_argument("--token-file", metavar="FILE", default="", help="workload identity's federated token")
    add.add_argument("--cloud", choices=tuple(CLOUDS), default="public", help="which Azure (default: public)")
    add.add_argument("--resource-manager", metavar="URL", help="another cloud's Azure Resource Manager")
    add.add_argument("--authority", metavar="URL", help="another cloud's sign-in")
    add.add_argument("--ca-file", metavar="PEM", default="", help="a private certificate authority to trust")
    add.add_argument(
        "--keep", choices=("file", "keyring"), default="file", help="where pasted secrets are kept (default: file, 0600)"
    )
    add.add_argument("--mark-production", action="store_true", help="dangerous actions ask for the device's name")
    add.add_argument("--mark-read-only", action="store_true", help="nothing can be changed through it")
    add.add_argument("--replace", action="store_true", help="replace one of that name")
    add.add_argument("--no-test", action="store_true", help="keep it untried")


def run(call: Call) -> int:
    store = ContextStore()
    action = call.options.action
    if action == "add":
        return add(call, store)
    if action == "route-messages":
        return _route_messages.route_messages(call, store)
    if action == "list" and call.options.names:
        for name in store.names():
            call.out(name)
    elif action == "list":
        current = store.current
        rows = [
            {
                "name": name,
                "current": name == current,
                "workspace": context.workspace.name if context.workspace else "",
                "hub": context.hub.host if context.hub else "",
                "device": context.device,
                "marks": [mark for mark in ("production", "read_only", "lab") if getattr(context, mark)],
            }
            for name, context in store.all().items()
        ]
        if not call.as_json:
            rows = [{**row, "hub": hub_name(str(row["hub"]))} for row in rows]
        call.table(("name", "current", "workspace", "hub", "device", "marks"), rows)
    elif action == "use":
        store.use(call.options.name)
        call.progress(f"The current context is {call.options.name}.")
    elif action == "trust":
        context = store.trust(call.options.name, call.options.pair)
        service, _, host = call.options.pair.partition("=")
        call.progress(f"{context.name}: {service} may lead to {host} from now on.")
    elif action == "show":
        _show(call, store.resolve(call.options.name or getattr(call.options, "context", None)))
    else:
        context = store.resolve(call.options.name)
        store.remove(context.name)
        forget_secrets(context)
        call.progress(f"{context.name} is forgotten; its journals and history stay.")
    return 0


def _show(call: Call, context: Any) -> None:
    # The one secret that a context may hold itself: a proxy's password, for every leg or for messages alone.
    events = dataclasses.replace(context.events, proxy=mask(context.events.proxy))
    context = dataclasses.replace(context, proxy=mask(context.proxy), events=events)
    if call.as_json:
        call.out_json(to_table(context))
    else:
        call.out(dump({context.name: context}).rstrip("\n"))
