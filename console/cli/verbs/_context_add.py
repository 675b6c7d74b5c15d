"""The guided way of ``context add``: takes what is given, asks for the rest on a terminal, tries everything, then keeps it."""

from __future__ import annotations

import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from console.cli.output import Call
from console.files import from_here
from services.contexts.codec import parse_source
from services.contexts.draft import Draft
from services.contexts.model import CLOUDS, CloudSettings, RegistrySettings, SecretSource, SignIn
from services.contexts.sign_in import show_device_codes
from services.contexts.store import ContextStore
from services.errors import OperatorError, UsageError

_Item = TypeVar("_Item")


def add(call: Call, store: ContextStore) -> int:
    """Ask for a new context, try it and keep it; return 0 where it was kept, 1 where something named does not work."""
    draft = _draft(call)
    store.check_name(draft.name, call.options.replace)  # before anything is asked for
    show_device_codes(call.show_device_code)
    asking = sys.stdin.isatty() and "-" not in call.options.given
    for argument in call.options.given:
        if "=" in argument and ";" in argument:
            raise _never_here("--from takes the path of a file, or -")
        call.progress(f"  understood: {draft.take(sys.stdin.read() if argument == '-' else argument)}")
    if call.options.hub:
        call.progress(f"  understood: {draft.take_hub_source(_source(call.options.hub))}")
    if call.options.events:
        call.progress(f"  understood: {draft.take_event_source(_source(call.options.events))}")
    if not (draft.workspace or draft.hub_host or draft.event_string or draft.subscription):
        if not asking:
            raise UsageError(
                "There is nothing to make a context from.",
                cause="Nothing was given, and there is no terminal to ask on.",
                remedy="Give --from config.json, --hub SOURCE, --hub-host HOST, --events SOURCE or --subscription ID.",
                code="usage.context-empty",
            )
        _paste(call, draft)
    if draft.subscription and not (draft.workspace and draft.hub_host):
        _pick(call, draft, asking)
    if asking and not draft.device and draft.hub_host:
        draft.device = input("Device id (empty: none yet): ").strip()
    if not call.options.no_test and not _passes_checks(call, draft):
        call.progress("Nothing was kept. Correct it, or keep it untried with --no-test.")
        return 1
    context = draft.store(store, call.options.keep, replace=call.options.replace)
    call.progress(f"{context.name} is kept in {store.path}; the current context is {store.current}.")
    return 0


def _draft(call: Call) -> Draft:
    options = call.options
    standard = CloudSettings(*CLOUDS[options.cloud])
    ca_file = str(from_here(options.ca_file)) if options.ca_file else ""
    manager = options.resource_manager or standard.resource_manager
    secret = _source(options.client_secret) if options.client_secret else None
    password = _source(options.registry_password) if options.registry_password else None
    if (options.registry_user or password) and not (options.registry and options.registry_user and password):
        raise UsageError(
            "A registry's sign-in is its name, a user and where the password is.",
            remedy="Give --registry, --registry-user and --registry-password together.",
            code="usage.registry",
        )
    return Draft(
        options.name,
        token_host=options.hub_host,
        namespace=options.namespace,
        event_hub=options.event_hub,
        sign_in=SignIn(
            options.sign_in,
            options.tenant,
            options.client_id,
            secret,
            str(from_here(options.client_certificate)) if options.client_certificate else "",
            str(from_here(options.token_file)) if options.token_file else "",
        ),
        cloud=CloudSettings(manager.rstrip("/"), options.authority or standard.authority, ca_file),
        registry=RegistrySettings(options.registry, options.registry_user, password, ca_file) if options.registry else None,
        device=options.device,
        device_address=options.device_address,
        consumer_group=options.consumer_group,
        transport="websocket" if options.proxy else options.transport,
        proxy=_proxy(options.proxy),
        ca_file=ca_file,
        production=options.mark_production,
        read_only=options.mark_read_only,
        subscription=options.subscription,
    )


def _proxy(text: str) -> str:
    if "@" in text:
        raise UsageError(
            "A proxy's password is never given on the command line.",
            cause="Others on this machine can read it there.",
            remedy="Leave it out here, and write it into proxy of the context's events in contexts.toml.",
            code="usage.proxy",
        )
    return text


def _source(text: str) -> SecretSource:
    try:
        source = parse_source(text)
    except ValueError as error:
        # The text is not repeated: somebody may have given the secret itself.
        raise _never_here(str(error)) from None
    # The context file would take a relative one from its own folder.
    return SecretSource("file", str(from_here(source.value))) if source.kind == "file" else source


def _never_here(cause: str) -> UsageError:
    return UsageError(
        "A secret is never given on the command line, only where it is.",
        cause=cause,
        remedy="For example: --hub file:~/hub.txt (chmod 600), or leave it out and paste it when asked.",
        code="usage.secret-source",
    )


def _paste(call: Call, draft: Draft) -> None:
    with _unseen():
        call.progress(
            "Paste what you have: the path of the workspace's config.json, a connection string of the hub or of its events,"
        )
        call.progress("or a subscription's id. It is not shown; an empty line ends.")
        while not (draft.workspace or draft.hub_host or draft.event_string or draft.subscription):
            text = _lines()
            if not text:
                return
            try:
                call.progress(f"  understood: {draft.take(text)}")
            except OperatorError as error:
                call.progress(f"  {error}")


@contextmanager
def _unseen() -> Iterator[None]:
    """Switch the echo off from before the question to the last answer: getpass would show what is pasted ahead of it, and lose it."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    quiet = termios.tcgetattr(terminal)
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _lines() -> str:
    """Read lines up to an empty one."""
    lines = []
    while line := sys.stdin.readline().strip():
        lines.append(line)
    return "\n".join(lines)


def _pick(call: Call, draft: Draft, asking: bool) -> None:
    resources = draft.resources()
    if not draft.workspace:
        workspace = _choose(call, "workspace", resources.workspaces(draft.subscription), asking)
        if workspace:
            draft.take_workspace(workspace)
    if not draft.hub_host:
        hub = _choose(call, "hub", resources.hubs(draft.subscription), asking)
        if hub:
            draft.take_hub(hub, resources)
            if draft.token_host:
                call.progress(f"  {hub.name}: its keys may not be listed with this sign-in; the hub is reached with its token")


def _choose(call: Call, kind: str, candidates: Sequence[_Item], asking: bool) -> _Item | None:
    if len(candidates) == 1:
        call.progress(f"  the only {kind}: {getattr(candidates[0], 'name', '')}")
        return candidates[0]
    names = [str(getattr(item, "name", "")) for item in candidates]
    if not candidates:
        call.progress(f"  no {kind} there")
        return None
    if not asking:
        raise UsageError(
            f"There are {len(candidates)} {kind}s: {', '.join(names)}.",
            cause="Without a terminal none can be picked.",
            remedy="Name it with --from config.json or --hub SOURCE.",
            code="usage.context-choice",
        )
    for number, name in enumerate(names, 1):
        call.progress(f"  {number}  {name}")
    while True:
        answer = input(f"Which {kind} (empty: none)? ").strip()
        if not answer:
            return None
        if answer.isdecimal() and 1 <= int(answer) <= len(candidates):
            return candidates[int(answer) - 1]


def _passes_checks(call: Call, draft: Draft) -> bool:
    good = True
    for step in draft.test():
        if step.state == "running":
            continue
        call.progress(f"  {'ok' if step.state == 'done' else 'FAILED':<6}  {step.title}: {step.detail}")
        if step.state == "failed":
            good = False
            call.progress(f"          remedy: {step.remedy}")
    return good
