"""What the deploying verbs share: the device asked for, a plan shown and confirmed on the terminal, applied, and watched."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.call import Call
from services.contexts.model import Context
from services.errors import OperatorError, UsageError

if TYPE_CHECKING:
    from services.deployment.history import Entry
    from services.deployment.hub_route import Applied, Plan
    from services.hub.client import Hub
    from services.operations.rollout import Watch
    from services.records import RegistryCredentials, Step
    from services.workspace.client import Workspace


def add_change_arguments(parser: argparse.ArgumentParser, *, wait: bool = True) -> None:
    """``--device --dry-run --yes --wait --json``."""
    parser.add_argument("--device", default="", help="the device instead of the context's")
    parser.add_argument("--dry-run", action="store_true", help="show the difference and change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--no-image-check", action="store_true", help="do not ask the registries for the images first")
    if wait:
        parser.add_argument("--wait", action="store_true", help="watch until it runs, or until it is known why not")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def device_of(call: Call, context: Context) -> str:
    """The device asked for; UsageError where there is none."""
    device = call.options.device or context.device
    if not device:
        raise UsageError("No device is named.", remedy="Give --device, or set one in the context.", code="usage.device")
    return str(device)


def may_change(context: Context) -> None:
    """Raise UsageError in a read-only context."""
    from services.contexts import read_only

    read_only.may_change(context)


def confirmed(call: Call, question: str, device: str = "") -> bool:
    """Ask on the terminal, unless ``--yes``; without a terminal it is wrong usage to leave that out.

    In production the name of the device (the one asked for, where ``device`` is not given) is typed: as the answer, or on the
    command line beside ``--yes``.
    """
    context = call.context()
    named = str(getattr(call.options, "device", ""))
    device = device or named or context.device
    if call.options.yes:
        if context.production and not (named and named == device):
            raise UsageError(
                f"The context {context.name} is marked production: --yes alone does not do.",
                remedy=f"Name the device too: --device {device or 'NAME'} --yes",
                code="usage.production",
            )
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            "There is no terminal to confirm on.", remedy="Give --yes, or look first with --dry-run.", code="usage.confirm"
        )
    if context.production:
        sys.stderr.write(f"{question} PRODUCTION: type {device or context.name} to go on: ")
        sys.stderr.flush()
        return sys.stdin.readline().strip() == (device or context.name)
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def ask_secret(question: str) -> str:
    """A secret from the terminal, without echo."""
    if not sys.stdin.isatty():
        raise UsageError(
            f"{question} is needed, and there is no terminal to ask on.",
            remedy="Run it in a terminal, or give secrets in a file of mode 0600: --help names the option.",
            code="usage.secret",
        )
    return getpass.getpass(f"{question}: ", stream=sys.stderr)


def carry_out(call: Call, context: Context, hub: Hub, plan: Plan, watch: Sequence[str] = ()) -> int:
    """Show a plan, confirm, apply, watch: the rest of every deploying verb; the exit status. What is ``watch``ed is named by
    module; where a client is among the changes, up to its first message."""
    from services.deployment.history import History
    from services.deployment.hub_route import ChangedMeanwhile, apply
    from services.deployment.image_check import with_images_checked
    from services.deployment.interrupted import settle

    history = History()
    if not call.options.no_image_check:
        plan = with_images_checked(context, plan)
    if not call.options.dry_run:
        found_again(call, settle(hub, history))
    while True:
        show(call, plan)
        if plan.errors:
            _result(call, plan, None)
            raise OperatorError(
                f"The deployment has {len(plan.errors)} error{'s' if len(plan.errors) > 1 else ''}; nothing was sent.",
                cause=f"{plan.errors[0].place}: {plan.errors[0].message}",
                remedy=plan.errors[0].remedy,
                code="deployment.invalid",
            )
        if call.options.dry_run or plan.empty:
            call.progress(
                "Nothing was sent." if call.options.dry_run else "The device has all of this already; nothing was sent."
            )
            _result(call, plan, None)
            return 0
        if not confirmed(call, f"{plan.summary} on {plan.device}?", plan.device):
            call.progress("Nothing was sent.")
            return 1
        began = datetime.now(timezone.utc)
        try:
            applied = apply(hub, plan, history, context.name)
            break
        except ChangedMeanwhile as changed:
            if call.options.yes:
                raise
            call.progress(f"{changed.what} {changed.cause} What was changed:")
            for line in changed.theirs:
                call.progress(f"{line.sign} {line.text}")
            plan = changed.plan
    call.progress(applied.detail or f"{plan.device} is at version {applied.version} now.")
    _result(call, plan, applied)
    if not getattr(call.options, "wait", False) or not watch:
        return 0
    from services.operations.first_message import expected
    from services.operations.rollout import Watch

    rollout = Watch(plan.device, tuple(watch), applied.version, began)
    return watched(call, context, hub, rollout, messages=expected(plan))


def found_again(call: Call, entries: Sequence[Entry]) -> None:
    """Tell how deployments went that nobody saw to their end."""
    for entry in entries:
        call.progress(
            f"found again: {entry.summary} on {entry.device} of {entry.at:%Y-%m-%d %H:%M}: {entry.outcome}. {entry.detail}"
        )


def show(call: Call, plan: Plan) -> None:
    """The difference, the commands, problems and deployments at scale, to standard error."""
    for line in plan.diff:
        call.progress(f"{line.sign} {line.text}" if line.sign != "@" else line.text)
    for configuration in plan.configurations:
        call.progress(f"warning: the deployment at scale {configuration.id} will overwrite this within moments.")
    for problem in plan.problems:
        call.progress(f"{problem.severity}: {problem.place}: {problem.message}. {problem.remedy}")
    for command in plan.commands:
        call.progress(f"the same with the Azure CLI: {command}")


def _result(call: Call, plan: Plan, applied: Applied | None) -> None:
    if not call.as_json:
        return
    from dataclasses import asdict

    answer: dict[str, Any] = {
        "device": plan.device,
        "summary": plan.summary,
        "changed": not plan.empty,
        "applied": applied is not None and applied.entry is not None,
        "version": applied.version if applied else plan.before_version,
        "entry": applied.entry if applied else None,
        "diff": [f"{line.sign} {line.text}" for line in plan.diff],
        "problems": [asdict(problem) for problem in plan.problems],
        "configurations": [item.id for item in plan.configurations],
        "commands": list(plan.commands),
    }
    call.out_json(answer)


def watched(call: Call, context: Context, hub: Hub, watch: Watch, *, messages: bool = False) -> int:
    """Tell a rollout's steps until it is done or stops; 1 where it stopped. With ``messages`` up to the first one."""
    from services.operations.first_message import Listener
    from services.operations.rollout import Rollout

    listener: Listener | None = None
    if messages:
        try:
            listener = Listener(context)
        except OperatorError as error:
            call.progress(f"messages cannot be listened to: {error.what}")
    told: dict[str, tuple[str, str]] = {}
    steps: Sequence[Step] = ()
    try:
        for steps in Rollout(hub, context, watch, listener.sent if listener else None).steps():
            for step in steps:
                if step.state != "waiting" and told.get(step.name) not in ((step.state, step.detail), ("done", step.detail)):
                    told[step.name] = (step.state, step.detail)
                    took = f" ({step.seconds:.0f} s)" if step.seconds is not None else ""
                    call.progress(f"{step.state:8} {step.title}{took} {step.detail} {step.remedy}".rstrip())
    finally:
        if listener is not None:
            listener.close()
    return 0 if all(step.state in ("done", "neutral", "skipped") for step in steps) else 1


def registry_credentials(call: Call, workspace: Workspace | None, image: str) -> RegistryCredentials | None:
    """Credentials for the registry of ``image``: given (``--registry-user``, the password asked for or in a 0600 file), else
    the workspace's own where the image is of its registry, else none."""
    from services.contexts.model import SecretSource
    from services.contexts.secrets import reveal
    from services.records import RegistryCredentials, Secret

    server = image.partition("/")[0]
    if "." not in server and ":" not in server:
        return None
    if call.options.registry_user:
        file = call.options.registry_password_file
        password = (
            reveal(SecretSource("file", str(Path(file).expanduser().absolute())))  # of the working folder, not of the contexts
            if file
            else Secret(ask_secret(f"password of {call.options.registry_user} at {server}"))
        )
        return RegistryCredentials(server, call.options.registry_user, password)
    if workspace is None or call.options.no_registry:
        return None
    found = workspace.registry_credentials()
    return found if found.server.lower() == server.lower() else None


def own_registry(context: Context) -> RegistryCredentials | None:
    """The credentials of the workspace's own registry; None where the context names no workspace, or it gives none now."""
    from contextlib import closing

    from services.workspace.client import Workspace

    if context.workspace is None:
        return None
    with closing(Workspace(context)) as workspace:
        try:
            return workspace.registry_credentials()
        except OperatorError:
            return None  # the operator is asked instead
