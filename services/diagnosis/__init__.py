"""Evidence in, named state with cause and remedy out. Rules are data, a file for each source; nothing here calls anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from services.diagnosis import agent, amqp, client, grpc, http, hub_http, network, registry, workspace
from services.diagnosis.mask import mask
from services.diagnosis.rule import Rule, quote
from services.diagnosis.signs import Options, evidence_of, same_image
from services.errors import OperatorError
from services.records import DeviceState, Evidence, Finding, Severity
from services.text import clean, one_line

__all__ = ["RULES", "diagnose", "diagnose_state", "explain", "findings", "mask", "word_of", "worst"]

# A conversation that never began tells its network's story: after a source's own rules those of the network are asked.
RULES: dict[str, tuple[Rule, ...]] = {
    "hub": hub_http.RULES,
    "agent": agent.RULES,
    "amqp": amqp.RULES,
    "grpc": grpc.RULES,
    "http": http.RULES,
    "client": client.RULES,
    "workspace": workspace.RULES,
    "registry": registry.RULES,
    "network": (),
}
_RANK: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2, "ok": 3}
# States of the whole device or deployment, whichever module's name stands in the text.
_WHOLE = frozenset({"agent-stopped", "no-deployment", "bad-configuration", "schema-refused"})


def diagnose(evidence: Evidence) -> list[Finding]:
    """Every state that the evidence names, best first; one ``unknown`` that shows the evidence whole where no rule knows it.

    Nothing that is well (an agent's code 200 without a word, a running module) is unknown: it gives an empty list or an ``ok``.
    """
    rules = RULES[evidence.source]
    found = _ask((rule for rule in rules if not rule.general), evidence)
    if not found and evidence.source not in ("agent", "client") and (evidence.source == "network" or evidence.status is None):
        found = _ask((rule for rule in network.RULES if not rule.general), evidence)
    found += _beside(found, _ask((rule for rule in rules if rule.general), evidence))
    if not found and evidence.source == "network":
        found = _ask((rule for rule in network.RULES if rule.general), evidence)
    if not found and not _well(evidence):
        found = [_unknown(evidence)]
    return sorted(found, key=lambda finding: finding.likely)


def _beside(found: list[Finding], general: list[Finding]) -> list[Finding]:
    """Of the general findings those of modules that nothing else speaks of, or, where nothing else is found at all, those of the
    whole: each time what the first rule says that holds."""
    first = {finding.module: finding.state for finding in reversed(general)}
    mine = [finding for finding in general if finding.state == first[finding.module]]
    told = {finding.module for finding in found}
    return [finding for finding in mine if finding.module and finding.module not in told] or ([] if found else mine)


def _ask(rules: Iterable[Rule], evidence: Evidence) -> list[Finding]:
    found: dict[tuple[str, str, str], Finding] = {}
    for rule in rules:
        for words in rule.match(evidence):
            finding = rule.finding(evidence, words)
            if not finding.module and evidence.state is not None and finding.state not in _WHOLE:
                finding = replace(finding, module=_whose(words, evidence.state))
            found.setdefault((finding.state, finding.module, finding.cause), finding)
    return list(found.values())


def _whose(words: Mapping[str, str], state: DeviceState) -> str:
    """The one module that the words found point at: by its image, or by its host port."""
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


def _names(seen: str, image: str) -> bool:
    return same_image(seen, image) or image.rpartition(":")[0] == seen or image.partition("/")[2] == seen


def _well(evidence: Evidence) -> bool:
    if evidence.source == "agent":
        return evidence.code in ("configuration", "restarts", "image") or (
            evidence.code == "deployment" and evidence.status == 200
        )
    return evidence.source == "client" and not evidence.code


def _unknown(evidence: Evidence) -> Finding:
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
        likely=True,
        settle="The logs of the side that answered.",
        evidence=quote(evidence),
    )


def findings(state: DeviceState, heard: Iterable[Finding] = ()) -> list[Finding]:
    """Every finding of the device and of each of its modules, worst first, those that were ``heard`` from elsewhere among them;
    none hides another."""
    found: dict[tuple[str, str, str], Finding] = {}
    for evidence in evidence_of(state):
        for finding in diagnose(evidence):
            found.setdefault((finding.module, finding.state, finding.cause), finding)
    for finding in heard:  # after the twin's own: a container that crashes is why its port is closed
        found.setdefault((finding.module, finding.state, finding.cause), finding)
    return sorted(found.values(), key=_rank)


def diagnose_state(state: DeviceState, heard: Iterable[Finding] = ()) -> dict[str, Finding]:
    """The worst finding of each module under its name, and of the device under ``""``; what else is wrong there follows in the
    cause. ``heard`` are findings from elsewhere than the twin: what the module's client says, what its host answers."""
    every = findings(state, heard)
    chosen: dict[str, Finding] = {}
    for name in ("", *(module.name for module in state.modules)):
        mine = [finding for finding in every if finding.module == name]
        if not mine:
            chosen[name] = _no_news(name, every)
            continue
        worst_one, *rest = mine
        also = [finding for finding in rest if finding.severity in ("error", "warning") and not _follows(finding, worst_one)]
        also = list({finding.state: finding for finding in reversed(also)}.values())[::-1]  # each state once, the worst of it
        if also:
            worst_one = replace(
                worst_one,
                cause=" ".join([worst_one.cause, *(f"Also: {finding.reason}." for finding in also)]),
                evidence=worst_one.evidence + tuple(line for finding in also for line in finding.evidence),
            )
        chosen[name] = worst_one
    return chosen


def _follows(finding: Finding, worst_one: Finding) -> bool:
    """Whether a finding only repeats what the worst one says already."""
    follows = ("not-created", "state-unknown", "plan-failed", "stopped-unasked")
    return finding.state == worst_one.state or (worst_one.severity == "error" and finding.state in follows)


def _no_news(name: str, every: list[Finding]) -> Finding:
    if name:
        return Finding(
            "waiting",
            "info",
            "waiting",
            "nothing reported yet",
            "The agent has not said anything of it yet.",
            "Wait a moment.",
            module=name,
        )
    troubled = [finding for finding in every if finding.severity in ("error", "warning")]
    if troubled:
        names = list(dict.fromkeys(finding.module for finding in troubled))
        first = troubled[0]
        reason = f"trouble in {', '.join(names[:5])}{'…' if len(names) > 5 else ''}"
        return replace(
            first,
            state="module-trouble",
            word="trouble",
            reason=reason,
            cause=f"{first.module}: {first.reason}. {first.cause}",
            module="",
        )
    return Finding("healthy", "ok", "ok", "deployment applied", "The agent has taken up the deployment.", "")


def word_of(code: str) -> str:
    """The one word for an error's code (``grpc.host-gone``): its rule's."""
    source, _, state = code.rpartition(".")
    return next((rule.word for rule in (*RULES.get(source, ()), *network.RULES) if rule.state == state), state.partition("-")[0])


def worst(found: Iterable[Finding]) -> Finding | None:
    """The worst of some findings."""
    return min(found, key=_rank, default=None)


def _rank(finding: Finding) -> tuple[int, bool, int]:
    return _RANK.get(finding.severity, 1), finding.likely, 0 if finding.state in _WHOLE else 1


def explain(evidence: Evidence) -> OperatorError:
    """The evidence as the one error that an operator meets: always one; what no rule knows is shown whole,
    sanitised and masked.
    """
    found = diagnose(evidence)
    first = found[0] if found else _unknown(evidence)
    what = first.reason[:1].upper() + first.reason[1:]
    if first.module:
        what = f"{first.module}: {what}"
    cause = ("Likely: " if first.likely and first.state != "unknown" else "") + first.cause
    remedy = " ".join(
        part
        for part in (
            first.remedy,
            f"To settle it: {first.settle}" if first.likely and first.settle and first.state != "unknown" else "",
        )
        if part
    )
    raw = "\n".join(quote(evidence))
    return OperatorError(
        what if what.endswith((".", "!", "?")) else f"{what}.",
        cause=cause,
        remedy=remedy,
        code=f"{evidence.source}.{first.state}",
        raw=raw,
    )
