"""Rules: what the edge agent answers to a direct method that it does not carry out."""

from __future__ import annotations

from collections.abc import Iterator

from services.diagnosis.rule import Rule

# The agent with which each method came (Azure/iotedge by tag; docs/facts/hub-codes-and-routes.md, 4).
_SINCE = {
    "GetModuleLogs": ("logs want", "1.0.10"),
    "UploadModuleLogs": ("uploads of logs want", "1.0.10"),
    "UploadSupportBundle": ("support bundles want", "1.0.10"),
    "RestartModule": ("restarts want", "1.0.9"),
    "GetTaskStatus": ("states of tasks want", "1.0.8"),
}
# What the list of its methods tells of an older agent's version.
_BY_METHODS = (
    ("1.0.9", r"(?=[^\n]*\b(?:RestartModule|GetLogs)\b)(?![^\n]*\bGetModuleLogs\b)"),
    ("1.0.8", r"(?=[^\n]*\b(?:UploadLogs|GetTaskStatus)\b)(?![^\n]*\bRestartModule\b|[^\n]*\bGetLogs\b)"),
    ("1.0.7 or older", r"(?![^\n]*(?:\bRestartModule\b|Logs\b|\bGetTaskStatus\b))"),
)
_INSTEAD = {
    "RestartModule": " Without it: deploy the module again with a changed environment value, or restart it on the device.",
    "GetModuleLogs": " Without it: read them on the device (`iotedge logs MODULE`).",
}


def _too_old() -> Iterator[Rule]:
    """Yield the rules for agents too old for a method: 400 with the list of what they know from 1.0.8 on, before that a bare 501."""
    for method, (wants, since) in _SINCE.items():
        for version, methods in _BY_METHODS:
            yield _of_an_old_agent(
                method, wants, since, version, rf"Command '{method}' not found{methods}[^\n]*? - (?P<names>[^\n]*)"
            )
        yield _of_an_old_agent(method, wants, since, "1.0.7 or older", "", (501,))


def _of_an_old_agent(method: str, wants: str, since: str, version: str, pattern: str, statuses: tuple[int, ...] = ()) -> Rule:
    answers = "It answers to {names}." if pattern else "It answers to ping alone."
    return Rule(
        "agent-too-old",
        "error",
        "agent",
        f"the device's edge agent is too old for this: {wants} agent {since}; this is {version}",
        f"{answers} The deployment names the agent's image under systemModules.",
        f"Deploy an agent of {since} or later (systemModules.edgeAgent).{_INSTEAD.get(method, '')}",
        kinds=(method,),
        pattern=pattern,
        statuses=statuses,
    )


_DAMAGED = (
    r"log message is too large|truncated final frame|unexpected end of stream|unexpected EOF|Error grabbing logs|"
    r"invalid character [^\n]{1,40}(?:looking for|after|in )"
)

RULES: tuple[Rule, ...] = (
    *_too_old(),
    Rule(
        "no-such-method",
        "error",
        "method",
        "the edge agent has no such method",
        "It answers to {names}.",
        "Check the method's name.",
        pattern=r"Command '[^'\n]{1,200}' not found[^\n]*? - (?P<names>[^\n]*)",
        general=True,
    ),
    Rule(
        "no-such-method",
        "error",
        "method",
        "nothing answers to that method",
        "The module runs and has no handler for it; agents up to 1.0.7 answer to ping alone.",
        "Check the method's name.",
        statuses=(501,),
        general=True,
    ),
    Rule(
        "logs-unreadable",
        "error",
        "logs",
        "the device's container engine cannot read the module's log",
        (
            "Its log file is damaged, or was cut or rotated away while it was read; mostly the engine stumbles over it only where "
            "lines are sought by their time. It says: {text}"
        ),
        (
            "Ask for the last lines without times (no since, no until); restart the module, or set HostConfig.LogConfig in its "
            "create options (local or json-file, with max-size and max-file) and deploy again."
        ),
        pattern=_DAMAGED,
        statuses=(500,),
        kinds=("GetModuleLogs", "GetLogs"),
    ),
    Rule(
        "logs-kept-nowhere",
        "error",
        "logs",
        "the module's log goes where it cannot be read back",
        "Its log driver, or the engine's, hands lines on (syslog, journald, fluentd …) or drops them (none), and keeps nothing to read.",
        "Set HostConfig.LogConfig.Type to local or json-file in the create options, or read the log where the driver sends it.",
        pattern=r"logging driver does not support reading|does not support reading",
        kinds=("GetModuleLogs", "GetLogs"),
    ),
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
