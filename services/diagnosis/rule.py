"""What a rule is, and how one is asked. The rules themselves are data, a file for each source of evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from services.diagnosis.hub_codes import deciding_code
from services.masking import mask
from services.records import Evidence, Finding, Severity
from services.text import clean, counted, one_line

LOOKED_AT = 32_768  # characters of a reply that rules look at: a hostile one may hold megabytes
_NAMED = r"\bmodule ['\"]?([A-Za-z0-9_-]{1,128})"
_PULLED = r"\bpull(?:ing)? image (?!configuration)[\"'`]?([a-z0-9][\w./:@-]*\w)"
_STEP = "(Error calling "  # how an agent's AggregateException begins each step that failed
_BEFORE = 600  # characters before a find that may name what it is about
_SUPPORT = re.compile(r"[\s.,]{0,8}\bTracking ?Id:[\s\S]*\Z", re.IGNORECASE)  # for Azure's support; the evidence keeps it
_ESCAPES = re.compile(r"\\([nrt\"'/\\])")
_CODES_IN_TEXT = frozenset({"amqp", "workspace", "network"})
CLOCK_LIMIT = 300.0  # seconds that a clock may be off: over five minutes the hub refuses tokens (TS, note to 401003)
SHOWN = 4_096  # characters of a reply that are carried in a finding


@dataclass(frozen=True, slots=True)
class Rule:
    """Evidence in, named state out.

    A rule holds when every kind of sign that it names is there: ``statuses`` (HTTP status, exit code), ``over``/``under``
    (seconds that it has lasted), ``kinds`` (the evidence's whole code), and either one of ``codes`` (whole words in the service's
    code, or in the replies of services that write their codes there) or ``pattern`` (searched in the text, any case).

    Named groups of ``pattern`` (``port2`` is another way to find ``port``) and the evidence's own fields may stand in the wording:
    ``{image}``, ``{port}``, ``{host}``, ``{name}``, ``{module}``, ``{status}``, ``{text}`` (short), ``{whole}``, ``{clock}``,
    ``{minutes}`` (``5 minutes``); ``near`` is the module that the text names before the place that was found, and ``image``, where
    the cause speaks of one, the image that is pulled there.

    A ``general`` rule speaks only of what no other one of its source speaks of. ``skewed`` asks whether this machine's clock is
    off by more than five minutes, which must be known then, ``token`` whether a token was
    shown or a key; ``source`` says where the words or codes are written.
    """

    state: str
    severity: Severity
    word: str
    reason: str
    cause: str
    remedy: str
    codes: tuple[str, ...] = ()
    pattern: str = ""
    statuses: tuple[int, ...] = ()
    over: float | None = None
    under: float | None = None
    kinds: tuple[str, ...] = ()
    likely: bool = False
    settle: str = ""
    general: bool = False
    skewed: bool | None = None
    token: bool | None = None
    source: str = ""

    def match(self, evidence: Evidence) -> Iterator[Mapping[str, str]]:
        """Yield the words that were found, once for each place where the rule's pattern is met.

        Nothing where the rule does not hold.
        """
        if self.statuses and evidence.status not in self.statuses:
            return
        if self.kinds and evidence.code not in self.kinds:
            return
        if self.over is not None and (evidence.seconds is None or evidence.seconds <= self.over):
            return
        if self.under is not None and evidence.seconds is not None and evidence.seconds > self.under:
            return
        if self.skewed is not None and (evidence.skew is None or self.skewed != (abs(evidence.skew) > CLOCK_LIMIT)):
            return
        if self.token is not None and self.token != evidence.token:
            return
        text = legible(str(evidence.text)[:LOOKED_AT], evidence.source)
        if self.pattern:
            matches: set[tuple[tuple[str, str], ...]] = set()
            for match in compiled(self.pattern).finditer(text):
                groups = {name.rstrip("0123456789"): value for name, value in match.groupdict().items() if value}
                before = _of_its_step(text[max(match.start() - _BEFORE, 0) : match.end()])
                for name, pattern in (("near", _NAMED), ("image", _PULLED if "{image}" in self.cause else "")):
                    named = compiled(pattern).findall(before) if pattern else []
                    if named:
                        groups.setdefault(name, named[-1])
                key = tuple(sorted(groups.items()))
                if key not in matches:
                    matches.add(key)
                    yield groups
            if matches:
                return
        if self.codes and evidence.source == "hub":
            if deciding_code(str(evidence.code), text) in {code.lower() for code in self.codes}:
                yield {}
        elif self.codes:
            words = f"{str(evidence.code)[:200]}\n{text}" if evidence.source in _CODES_IN_TEXT else str(evidence.code)[:200]
            if compiled(_any_word(self.codes)).search(words):
                yield {}
        elif not self.pattern:
            yield {}

    def finding(self, evidence: Evidence, words: Mapping[str, str]) -> Finding:
        """Return the finding, with what was found put into its wording."""
        values = _Values(
            module=evidence.module or "MODULE",
            status="unknown" if evidence.status is None else str(evidence.status),
            code=str(evidence.code),
            image="the image",
            host="of the host",
            text=str(evidence.text)[:SHOWN],
            whole=_SUPPORT.sub("", str(evidence.text)[:LOOKED_AT])[:SHOWN] or "nothing",
            clock=_difference(evidence.skew),
            minutes="some minutes" if evidence.seconds is None else counted(round(evidence.seconds / 60), "minute"),
        )
        values.update(words)
        safe_values = _Values((name, mask(one_line(value, 1000 if name == "whole" else 160))) for name, value in values.items())
        return Finding(
            state=self.state,
            severity=self.severity,
            word=self.word,
            reason=self.reason.format_map(safe_values),
            cause=self.cause.format_map(safe_values),
            remedy=self.remedy.format_map(safe_values),
            module=evidence.module or one_line(words.get("module", ""), 128),
            likely=self.likely,
            settle=self.settle.format_map(safe_values),
            evidence=quote(evidence),
        )


def _of_its_step(before: str) -> str:
    """Return what stands before a find without the steps that failed beside its own: "(Error calling start module m: …) …"."""
    start = before.rfind(_STEP)
    depth = 0
    for place in range(max(start, 0), len(before) if start >= 0 else 0):
        depth += {"(": 1, ")": -1}.get(before[place], 0)
        if depth == 0:
            rest = before[place + 1 :]
            return rest if rest.strip() else before
    return before


def also(rule: Rule, **signs: Any) -> tuple[Rule, Rule]:
    """Return the rule, and the same one for other ``signs`` (``codes``, ``pattern``, ``statuses``, ``general``).

    The codes of a service beside its words, say.
    """
    return rule, replace(rule, **{"codes": (), "pattern": "", "statuses": (), "general": False, **signs})


def _difference(skew: float | None) -> str:
    """Say how far this machine's clock is from the hub's: ``11 minutes ahead of the hub's``."""
    if skew is None:
        return "not compared with the hub's"
    off = abs(skew)
    amount = counted(round(off), "second") if off < 120 else counted(round(off / 60), "minute")
    return f"{amount} {'ahead of' if skew > 0 else 'behind'} the hub's"


class _Values(dict[str, str]):
    """The values of a wording; what is not known stands as an ellipsis."""

    def __missing__(self, key: str) -> str:
        return "…"


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the pattern, compiled once; any case."""
    return re.compile(pattern, re.IGNORECASE)


@lru_cache(maxsize=8)
def legible(text: str, source: str) -> str:
    """Return an engine's words without the quoting of the JSON or Rust value in which some hand them on.

    Daemons up to 1.0.4 do, and agents that speak to the engine themselves: ``{"message":…}``, ``String("…")``.
    """
    if source not in ("agent", "registry") or "\\" not in text:
        return text
    for _ in range(3):
        text = _ESCAPES.sub(lambda match: {"n": "\n", "r": "\n", "t": "\t"}.get(match[1], match[1]), text)
    return text


def _any_word(words: tuple[str, ...]) -> str:
    return r"(?<![A-Za-z0-9])(?:" + "|".join(re.escape(word) for word in words) + r")(?![A-Za-z0-9])"


def quote(evidence: Evidence) -> tuple[str, ...]:
    """Return the evidence as lines that may be shown: sanitised, masked, and whole up to 4,096 characters."""
    lines = []
    head = " ".join(
        part
        for part in (f"{evidence.source}", "" if evidence.status is None else str(evidence.status), str(evidence.code))
        if part
    )
    lines.append(mask(one_line(head, 256)))
    if evidence.text:
        lines.append(mask(clean(str(evidence.text)[: SHOWN * 2], SHOWN)))
    return tuple(lines)
