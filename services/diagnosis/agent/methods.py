"""Rules: what the edge agent answers to a direct method that it does not carry out."""

from __future__ import annotations

from services.diagnosis.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "no-such-module",
        "error",
        "missing",
        "there is no module of that name on the device",
        "The edge agent knows no container of that name: the name is wrong, or the module was never created.",
        "See the names: dbe-console modules.",
        pattern=r"^\w+: Module \S+ not found in the current environment",
    ),
    Rule(
        "logs-filter",
        "error",
        "filter",
        "the edge agent does not understand what was asked of the log",
        "It refuses the time, the level or the regular expression that was given, and says what it stumbled over.",
        "Times are spans before now (10m, 2h) or like 2026-01-31T10:00:00Z; a regular expression is one of .NET's.",
        pattern=(
            r"^GetModuleLogs: .{0,400}?(?:malformed|isoformat|parsing|not (?:a valid|in a valid|recognized as a valid)|"
            r"Invalid (?:pattern|regular expression|time|format))"
        ),
    ),
    Rule(
        "answer-too-large",
        "error",
        "too-big",
        "the device's answer is too large for a direct method",
        "A direct method answers with 128 KB at most, and one line of this log alone is longer, or the filter cannot be cut further.",
        "Ask for other lines: a time span (since, until), a level or a regular expression; UploadModuleLogs takes any size.",
        pattern=r"payload is too large",
    ),
)
