"""What the deploying verbs share: a plan shown and confirmed on the terminal, applied, and watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from console.cli.output import Call
from console.cli.verbs._confirmation import confirmed
from services.deployment.plan import Applied, Plan
from services.errors import OperatorError
from services.operations.deployer import Deployer
from services.operations.rollout_steps import Watch
from services.operations.session import Session
from services.records import Progress, Step


def carry_out(call: Call, session: Session, planning: Callable[[Deployer], Plan]) -> int:
    """Plan, show, confirm, apply, and with ``--wait`` watch: the whole of every deploying verb; the exit status."""
    deployer = Deployer(session, check_images=not getattr(call.options, "no_image_check", False))
    plan = planning(deployer)
    terminal = TerminalDialog(call)
    if call.options.dry_run:
        terminal.show(plan)
        call.progress("Nothing was sent.")
        _result(call, plan, None)
        return 0
    report_settled(call, deployer)
    applied = deployer.carry_out(plan, terminal)
    if applied is None:
        _result(call, plan, None)
        return 1 if terminal.declined else 0
    plan = terminal.plan or plan
    call.progress(applied.detail or f"{plan.device} is at version {applied.version} now.")
    _result(call, plan, applied)
    watch = deployer.watch(plan, applied)
    if not getattr(call.options, "wait", False) or not watch.modules:
        return 0
    return follow(call, deployer, watch)


class TerminalDialog:
    """The terminal's side of ``Deployer.carry_out``."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.plan: Plan | None = None  # as it was confirmed
        self.declined = False

    def confirm(self, plan: Plan) -> bool:
        """Show a plan and ask. A device that changed meanwhile is not confirmed by ``--yes``: nobody has seen that change."""
        self.show(plan)
        if self.plan is not None and self.call.options.yes:
            raise OperatorError(
                plan.notices[0],
                remedy="Look at the new difference and run the command again.",
                code="deployment.changed-meanwhile",
            )
        if not confirmed(self.call, f"{plan.summary} on {plan.device}?", plan.device):
            self.call.progress("Nothing was sent.")
            self.declined = True
            return False
        self.plan = plan
        return True

    def report(self, progress: Progress) -> None:
        """Say it among the progress."""
        self.call.progress(progress.text)

    def show(self, plan: Plan) -> None:
        """Show difference, remarks and commands on standard error; raises OperatorError for a plan that may not be applied."""
        for line in plan.diff:
            self.call.progress(f"{line.sign} {line.text}" if line.sign != "@" else line.text)
        for severity, text in plan.remarks:
            self.call.progress(text if severity in ("info", "ok") else f"{severity}: {text}")
        for module in (plan.service.host, *plan.service.modules) if plan.service else ():
            self.call.progress(f"{module.name}: {module.create_options}")
        for command in plan.commands:
            self.call.progress(f"the same with the Azure CLI: {command}")
        if plan.errors:
            _result(self.call, plan, None)
            raise plan.refusal


def report_settled(call: Call, deployer: Deployer) -> None:
    """Tell how deployments went that nobody saw to their end."""
    for entry in deployer.settle():
        call.progress(f"settled: {entry.summary} on {entry.device} of {entry.at:%Y-%m-%d %H:%M}: {entry.outcome}. {entry.detail}")


def _result(call: Call, plan: Plan, applied: Applied | None) -> None:
    if not call.as_json:
        return
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
    if plan.service is not None:
        answer |= {
            "service": plan.service.name,
            "state": applied.state if applied else "",
            "lost": list(applied.lost if applied else ()),
        }
    call.out_json(answer)


def follow(call: Call, deployer: Deployer, watch: Watch) -> int:
    """Tell a rollout's steps until it is done or stops; 1 where it stopped."""
    if watch.messages:
        try:
            deployer.session.messages.open()
        except OperatorError as error:
            call.progress(f"messages cannot be read, so that none is waited for: {error.what}")
            watch = replace(watch, messages=False)
    printed_steps: dict[str, tuple[str, str]] = {}
    steps: Sequence[Step] = ()
    for steps in deployer.rollout(watch):
        for step in steps:
            if step.state != "waiting" and printed_steps.get(step.name) not in ((step.state, step.detail), ("done", step.detail)):
                printed_steps[step.name] = (step.state, step.detail)
                took = f" ({step.seconds:.0f} s)" if step.seconds is not None else ""
                call.progress(f"{step.state:8} {step.title}{took} {step.detail} {step.remedy}".rstrip())
    return 0 if all(step.state in ("done", "neutral", "skipped") for step in steps) else 1
