"""The verb ``context route-messages``: shows what the hub lacks to send messages where no key is needed, then writes it."""

from __future__ import annotations

import argparse
import dataclasses

from console.cli.output import Call
from console.cli.verbs._confirmation import confirmed, may_change
from services.contexts.model import Context
from services.contexts.secrets import forget
from services.contexts.store import ContextStore
from services.errors import OperatorError
from services.operations.message_routes import EFFECT, ROLES, RoutePlan, apply_routes, blind_plan, plan_routes

HELP = "have the hub send messages to an Event Hub that is read without a key"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="CONTEXT", nargs="?", help="which one: dbe-console context list")
    parser.add_argument("--namespace", metavar="HOST", required=True, help="NAME.servicebus.windows.net")
    parser.add_argument("--event-hub", metavar="NAME", required=True, help="the Event Hub in it")
    parser.add_argument("--consumer-group", metavar="G", default="$Default", help="the readers' group there (default: $Default)")
    parser.add_argument("--print", dest="print_only", action="store_true", help="print the az commands and ask nobody")
    parser.add_argument("--dry-run", action="store_true", help="show what would be made and change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def route_messages(call: Call, store: ContextStore) -> int:
    """Return 0 where the hub has the routes and the context names the Event Hub, 1 where somebody else has to make them."""
    options = call.options
    context = store.resolve(options.name or getattr(options, "context", None))
    if options.print_only:
        return _print(call, blind_plan(context, options.namespace, options.event_hub), 0)
    call.progress(
        "The hub's built-in endpoint takes keys only; with a sign-in, messages are read from an Event Hub it routes to."
    )
    try:
        plan = plan_routes(context, options.namespace, options.event_hub)
    except OperatorError as error:
        if error.code not in ("arm.403", "arm.404"):
            raise
        call.progress(str(error))
        return _print(call, blind_plan(context, options.namespace, options.event_hub), 1)
    for line in plan.lines or ("The hub has the endpoint and both routes already.",):
        call.out(line)
    call.progress(EFFECT)
    call.progress(ROLES)
    if options.dry_run:
        return 0
    may_change(context)
    if not plan.is_empty:
        if not confirmed(call, f"Write this to the hub {plan.hub}?"):
            call.progress("Nothing was written.")
            return 0
        try:
            apply_routes(context, plan)
        except OperatorError as error:
            if error.code != "arm.403":
                raise
            call.progress(str(error))
            return _print(call, plan, 1)
    _keep(store, context, plan, options.consumer_group)
    call.progress(
        f"{context.name} reads {plan.event_hub} at {plan.namespace} with its sign-in; older messages stay in their journal."
    )
    return 0


def _print(call: Call, plan: RoutePlan, status: int) -> int:
    call.progress(f"{EFFECT} For somebody with the rights (EVENT_HUB_ID is the Event Hub's resource id):")
    for command in plan.commands:
        call.out(command)
    return status


def _keep(store: ContextStore, context: Context, plan: RoutePlan, group: str) -> None:
    old = context.events.connection
    events = dataclasses.replace(
        context.events, connection=None, namespace=plan.namespace, event_hub=plan.event_hub, consumer_group=group
    )
    store.add(dataclasses.replace(context, events=events), replace=True)
    if old is not None:
        forget(old)
