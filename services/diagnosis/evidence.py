"""One piece of evidence in, named states out: the rules of its source are asked, the sure before the likely, none hiding another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from services.diagnosis import agent, amqp, client, grpc, http, hub_access, hub_http, network, registry, workspace
from services.diagnosis.image_names import same_image
from services.diagnosis.nearest import guess
from services.diagnosis.rule import Rule, quote
from services.diagnosis.twin_evidence import Options
from services.masking import mask
from services.records import DeviceState, Evidence, Finding
from services.text import clean, one_line

# A conversation that never began tells its network's story: after a source's own rules those of the network are asked.
RULES: dict[str, tuple[Rule, ...]] = {
    "hub": (*hub_access.RULES, *hub_http.RULES),
    "agent": agent.RULES,
    "amqp": amqp.RULES,
    "grpc": grpc.RULES,
    "http": http.RULES,
    "client": client.RULES,
    "workspace": workspace.RULES,
    "registry": registry.RULES,
    "network": (),
}
# States of the whole device or deployment, whichever module's name stands in the text.
WHOLE = frozenset({"agent-stopped", "no-deployment", "bad-configuration", "schema-refused"})


def diagnose(evidence: Evidence) -> list[Finding]:
    """Return every state that the evidence names, best first; one ``unknown`` that shows it whole where no rule knows it.

    Nothing that is well (an agent's code 200 without a word, a running module) is unknown: it gives an empty list or an ``ok``.
    """
    rules = RULES[evidence.source]
    findings = _ask((rule for rule in rules if not rule.general), evidence)
    if not findings and evidence.source not in ("agent", "client") and (evidence.source == "network" or evidence.status is None):
        findings = _ask((rule for rule in network.RULES if not rule.general), evidence)
    findings += _beside(findings, _ask((rule for rule in rules if rule.general), evidence))
    if not findings and evidence.source == "network":
        findings = _ask((rule for rule in network.RULES if rule.general), evidence)
    if not findings and not _well(evidence):
        findings = [unknown(evidence)]
    findings = [_with_guess(finding, evidence) for finding in findings]
    return sorted(findings, key=lambda finding: finding.likely)


# States that say only that something failed: what the words come nearest to is added as a guess.
_UNNAMED = frozenset({"unknown", "plan-failed", "start-refused", "endpoint-refuses"})


def _with_guess(finding: Finding, evidence: Evidence) -> Finding:
    words = guess(evidence.text) if finding.state in _UNNAMED else ""
    return replace(finding, cause=f"{finding.cause} {words}") if words else finding


def _beside(findings: list[Finding], general: list[Finding]) -> list[Finding]:
    """Return the general findings of modules that nothing else speaks of; those of the whole where nothing else is known at all.

    Each time it is what the first rule says that holds.
    """
    first = {finding.module: (finding.state, finding.remedy) for finding in reversed(general)}
    mine = [finding for finding in general if (finding.state, finding.remedy) == first[finding.module]]
    modules = {finding.module for finding in findings}
    return [finding for finding in mine if finding.module and finding.module not in modules] or ([] if findings else mine)


def _ask(rules: Iterable[Rule], evidence: Evidence) -> list[Finding]:
    findings_by_key: dict[tuple[str, str, str], Finding] = {}
    for rule in rules:
        for words in rule.match(evidence):
            finding = rule.finding(evidence, words)
            if not finding.module and evidence.state is not None and finding.state not in WHOLE:
                finding = replace(finding, module=_whose(words, evidence.state))
            findings_by_key.setdefault((finding.state, finding.module, finding.cause), finding)
    return list(findings_by_key.values())


def _whose(words: Mapping[str, str], state: DeviceState) -> str:
    """Return the one module that the words found point at: by its image, or by its host port."""
    image, port, near = words.get("image", ""), words.get("port", ""), words.get("near", "")
    if near and state.module(near) is not None:
        return near
    if image:
        named = [module.name for module in state.modules if module.desired and _names(image, module.desired.image)]
    elif port:
        holders = [
            module
            for module in state.modules
            if module.desired and int(port) in Options.read(module.desired.create_options).ports
        ]
        # The one that holds the port runs; the one that was refused does not.
        waiting = [module.name for module in holders if not (module.reported and module.reported.runtime_status == "running")]
        named = waiting or [module.name for module in holders]
    else:
        named = [module.name for module in state.modules if words.get("container") == module.name]
    return named[0] if named else ""


def _names(pulled_image: str, image: str) -> bool:
    return same_image(pulled_image, image) or image.rpartition(":")[0] == pulled_image or image.partition("/")[2] == pulled_image


def _well(evidence: Evidence) -> bool:
    if evidence.source == "agent":
        return evidence.code in ("configuration", "restarts", "image") or (
            evidence.code == "deployment" and evidence.status == 200
        )
    return evidence.source == "client" and not evidence.code


def unknown(evidence: Evidence) -> Finding:
    """Return what no rule knows, shown whole."""
    text = mask(clean(evidence.text, 2_000)).strip()
    head = " ".join(
        part
        for part in (evidence.source, "" if evidence.status is None else str(evidence.status), mask(one_line(evidence.code, 120)))
        if part
    )
    reason = f"not known to this console: {head}"
    if evidence.source == "agent" and evidence.module and (evidence.status or 0) < 256:  # an exit code, no method's status
        reason = f"the agent reports a status that this console does not know: {mask(one_line(evidence.code, 60))}"
    return Finding(
        state="unknown",
        severity="warning",
        word="unknown",
        reason=reason,
        cause=text or "Nothing more was said.",
        remedy="The raw reply is all there is; `dbe-console doctor --report FILE` gathers what support will ask for.",
        module=evidence.module,
        settle="The logs of the side that answered.",
        evidence=quote(evidence),
    )
