"""Evidence as the one error that an operator meets, and such an error as a finding again."""

from __future__ import annotations

from services.diagnosis import network
from services.diagnosis.evidence import RULES, diagnose, unknown
from services.diagnosis.rule import quote
from services.errors import OperatorError
from services.records import Evidence, Finding

_LIKELY, _SETTLE = "Likely: ", "To settle it: "  # they stand in the error's own words, which cross from process to process
_VAGUE = frozenset({"failed", "hung", "reply", "timeout"})


def explain(evidence: Evidence) -> OperatorError:
    """Return the evidence as the one error that an operator meets.

    Always one; what no rule knows is shown whole, sanitised and masked.
    """
    findings = diagnose(evidence)
    first = findings[0] if findings else unknown(evidence)
    what = first.reason[:1].upper() + first.reason[1:]
    if first.module:
        what = f"{first.module}: {what}"
    cause = (_LIKELY if first.likely else "") + first.cause
    remedy = " ".join(
        part
        for part in (
            first.remedy,
            f"{_SETTLE}{first.settle}" if first.likely and first.settle else "",
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


def finding_of(error: OperatorError, module: str = "") -> Finding:
    """Return an error as a finding; the state is the last part of its code, or all of it where that part alone says too little."""
    room, _, state = error.code.rpartition(".")
    likely = error.cause.startswith(_LIKELY)
    remedy, _, settle = error.remedy.partition(_SETTLE)
    return Finding(
        state=f"{room}-{state}" if state in _VAGUE and room else state or "error",
        severity="error",
        word=_word_of(error.code),
        reason=error.what.rstrip("."),
        cause=error.cause.removeprefix(_LIKELY),
        remedy=remedy.strip(),
        module=module,
        likely=likely,
        settle=settle,
        evidence=(error.raw,) if error.raw else (),
    )


def _word_of(code: str) -> str:
    """Return the one word for an error's code (``grpc.host-gone``): its rule's."""
    source, _, state = code.rpartition(".")
    return next((rule.word for rule in (*RULES.get(source, ()), *network.RULES) if rule.state == state), state.partition("-")[0])
