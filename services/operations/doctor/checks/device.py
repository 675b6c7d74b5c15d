"""Checks of the device as its edge agent reports it: alive, deployment applied, modules, create options."""

from __future__ import annotations

from collections.abc import Sequence

from services.diagnosis import diagnose, diagnose_state, findings, lifecycle
from services.diagnosis.twin_evidence import claims
from services.errors import OperatorError
from services.hub import methods
from services.operations.doctor.checks.check import Outcome, SharedFacts, failed, neutral, ok, outcome_of
from services.records import PING_COST, Evidence, states
from services.times import now

_PING_SECONDS = 10


def agent(facts: SharedFacts) -> Outcome | Sequence[Outcome]:
    """Ping the edge agent: the one sign of life that is not stale. It also says whether the compute role is there.

    Where the hub passes no ping on (its quota is used up), what the identities say against the device counts.
    """
    try:
        methods.ping(facts.hub, facts.device, _PING_SECONDS)
    except OperatorError as error:
        word = facts.liveness
        if error.state == states.DEVICE_OFFLINE or word is None or word.word != "offline":
            raise
        offline = diagnose(Evidence("agent", code="disconnected", text=word.basis))[0]
        return [failed(error), outcome_of(offline, name="agent:liveness", title="The device's connections")]
    return ok(f"answers a ping ({PING_COST} messages of the hub's quota)")


def version(facts: SharedFacts) -> Sequence[Outcome]:
    """Check whether the agent has carried out the newest deployment."""
    state = facts.twin()
    elsewhere = (states.AT_SCALE, states.DEVICE_OFFLINE, states.DEVICE_DISABLED)
    mine = [finding for finding in findings(state) if not finding.module and finding.state not in elsewhere]
    if mine:
        return [
            outcome_of(finding, name="version" if index == 0 else f"version:{finding.state}")
            for index, finding in enumerate(mine)
        ]
    reported = f", reported {state.reported_at:%Y-%m-%d %H:%M} UTC" if state.reported_at else ""
    agent_version = state.agent_version or "unknown"
    return [ok(f"version {state.last_desired_version} of {state.desired_version} applied, agent {agent_version}{reported}")]


def at_scale(facts: SharedFacts) -> Outcome:
    """Name the deployments at scale that win over a single one."""
    state = facts.twin()
    finding = next((finding for finding in findings(state) if finding.state == states.AT_SCALE), None)
    if finding is not None:
        return Outcome("warning", finding.reason, finding.remedy, None)
    targeted = [configuration.id for configuration in state.configurations]
    return neutral(f"targeted by {', '.join(targeted)}, none applied") if targeted else ok("none")


def modules(facts: SharedFacts) -> Sequence[Outcome]:
    """Check each module by itself."""
    state = facts.twin()
    outcomes = []
    for name, finding in diagnose_state(state).items():
        if not name:
            continue
        outcomes.append(outcome_of(finding, name=f"module:{name}", title=f"Module {name}"))
    return outcomes or [neutral("the device has no modules")]


def options(facts: SharedFacts) -> Sequence[Outcome]:
    """Create options of all modules together: JSON, ports that clash, the FPGA."""
    state = facts.twin()
    wrong = [finding for finding in findings(state) if finding.state in states.OF_THE_OPTIONS]
    if wrong:
        return [
            outcome_of(finding, name=f"options:{finding.module}:{finding.state}", title=f"Create options of {finding.module}")
            for finding in wrong
        ]
    ports, hosts = claims(state)
    ports_text = ", ".join(f"{port} {names[0]}" for port, names in sorted(ports.items()))
    return [ok(f"ports: {ports_text or 'none'}; FPGA: {', '.join(hosts) or 'nobody'}")]


def support(facts: SharedFacts) -> Sequence[Outcome]:
    """Say what Microsoft no longer supports, each product once: no fault, so never worse than a remark."""
    state, today = facts.twin(), now().date()
    ended = list(lifecycle.unsupported(state, today))
    if facts.context.workspace is not None and lifecycle.AZUREML_V1.ended(today):
        ended.append(lifecycle.AZUREML_V1)
    if ended:
        return [
            neutral(lifecycle.sentence([product]), remedy=product.remedy, name=f"support:{product.name}") for product in ended
        ]
    runtimes = {product for module in state.modules if (product := lifecycle.runtime_of(module, state))}
    ends = "; ".join(f"{product.title} until {product.end}" for product in sorted(runtimes, key=lambda each: each.end))
    return [ok(f"supported: {ends}") if ends else neutral("the versions of edgeAgent and edgeHub are not known")]
