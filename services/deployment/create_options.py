"""Create options checked as they are typed: JSON, Docker's schema, and what the device and its other modules allow."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.deployment.docker_schema import EXTENSIONS, SCHEMA
from services.deployment.option_rules import rules
from services.deployment.positions import BrokenJson, Found, Lines, Node, read
from services.deployment.size import desired_size
from services.deployment.surroundings import Surroundings
from services.hub.chunks import chunk
from services.text import one_line

_MANY_CHUNKS = 8
_TYPES = {"str": "string", "bool": "boolean", "int": "number", "num": "number"}
_WORDS = {"str": "text in quotes", "bool": "true or false", "int": "a whole number", "num": "a number"}

_INSIDE = "Take what stands in its createOptions, and that alone."
# What is pasted here from elsewhere: a module of a manifest, a service of Docker Compose.
_NOT_OPTIONS = {
    **dict.fromkeys(("createoptions", "settings", "modulescontent"), _INSIDE),
    "ports": 'Docker Compose writes it so: "PortBindings" in HostConfig here.',
    "devices": 'Docker Compose writes it so: "Devices" in HostConfig here.',
    "command": 'Docker Compose writes it so: "Cmd" here.',
    "environment": 'Docker Compose writes it so: "Env" here.',
}


@dataclass(frozen=True, slots=True)
class OptionProblem:
    """A problem at a place (line and column from 1). A warning does not forbid deploying."""

    line: int
    column: int
    severity: Literal["error", "warning"]
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class OptionsReport:
    """``normalised`` is the minified text that is sent, ``size`` its bytes, ``chunks`` how many pieces the twin keeps it in.

    ``room`` is the bytes that are left of the twin's 32 KB with it (None where the device is not known).
    """

    problems: tuple[OptionProblem, ...]
    normalised: str
    size: int
    chunks: int
    room: int | None = None

    @property
    def errors(self) -> tuple[OptionProblem, ...]:
        """The problems that forbid deploying."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def check(text: str, surroundings: Surroundings | None = None) -> OptionsReport:
    """Check create options; empty text is valid. Never raises, whatever ``text`` is."""
    around = surroundings or Surroundings()
    if not text.strip():
        return _report((), "", around)
    lines = Lines(text)
    try:
        root = read(text)
    except BrokenJson as error:
        line, column = lines.place(error.offset)
        problem = OptionProblem(line, column, "error", f"no JSON: {error.message}", error.remedy)
        return _report((problem,), text, around)
    found = []
    for offset, severity, message, remedy in _all(root, around):
        line, column = lines.place(offset)
        found.append(OptionProblem(line, column, severity, one_line(message, 300), remedy))
    found = sorted(dict.fromkeys(found), key=lambda problem: (problem.line, problem.column))
    return _report(tuple(found), json.dumps(root.plain(), separators=(",", ":"), ensure_ascii=False), around)


def _report(problems: tuple[OptionProblem, ...], normalised: str, around: Surroundings) -> OptionsReport:
    settings = chunk(normalised)
    pieces = len(settings)
    room = None if around.room is None else around.room - desired_size(settings)
    if room is not None and room < 0:
        problems += (
            OptionProblem(
                1,
                1,
                "error",
                f"the device's twin has {-room} bytes too few for these options",
                "Shorten them, or remove a module.",
            ),
        )
    if pieces > _MANY_CHUNKS:
        problems += (
            OptionProblem(
                1,
                1,
                "warning",
                f"{pieces} chunks: the portal and az write at most {_MANY_CHUNKS}",
                "Do not edit this module there.",
            ),
        )
    return OptionsReport(problems, normalised, len(normalised.encode("utf-8", "replace")), pieces, room)


def _all(root: Node, around: Surroundings) -> Iterator[Found]:
    if root.kind == "null":
        return  # none, to the agent (docs/facts/iot-hub.md)
    if root.kind != "object":
        nested = root.kind == "string" and root.value.lstrip().startswith("{")
        remedy = "This is JSON written as a text: take the quotes around it and the backslashes out."
        yield root.offset, "error", "create options are an object", remedy if nested else "Begin with { and end with }."
        return
    yield from _object(root, "", "")
    yield from rules(root, around)


def _object(node: Node, schema: str, path: str) -> Iterator[Found]:
    keys = SCHEMA[schema]
    lower = {key.lower(): key for key in keys}
    seen: set[str] = set()
    for member in node.members():
        name = lower.get(member.key.lower())
        here = f"{path}.{member.key}" if path else member.key
        if member.key.lower() in seen:
            yield member.offset, "error", f"{here} is written twice; only the last would count", "Delete one of them."
        seen.add(member.key.lower())
        if not path and member.key.lower() in EXTENSIONS:
            continue
        if name is None:
            yield _unknown(member.key, member.offset, here, keys, schema)
            continue
        if name != member.key and member.key not in keys:
            yield member.offset, "warning", f"{here} is written {name} by Docker", f"Write {name}."
        yield from _value(member.node, keys[name], here)


def _doubled(node: Node, here: str) -> Iterator[Found]:
    """Free keys, whose letter case counts."""
    seen: set[str] = set()
    for member in node.members():
        if member.key in seen:
            yield (
                member.offset,
                "error",
                f"{here}.{member.key} is written twice; only the last would count",
                "Delete one of them.",
            )
        seen.add(member.key)


def _unknown(key: str, offset: int, here: str, keys: Mapping[str, str], schema: str) -> Found:
    home = next(
        (
            name
            for name in ("HostConfig", "NetworkingConfig", "")
            if name != schema and key.lower() in {k.lower() for k in SCHEMA[name]}
        ),
        None,
    )
    if home is not None and schema in ("", "HostConfig", "NetworkingConfig"):
        where = f"in {home}" if home else "beside HostConfig, not in it"
        return offset, "error", f"{here} stands in the wrong place: Docker would ignore it", f"It belongs {where}."
    if not schema and key.lower() in _NOT_OPTIONS:
        return offset, "error", f"{here} does not belong in create options", _NOT_OPTIONS[key.lower()]
    close = difflib.get_close_matches(key.lower(), [name.lower() for name in keys], 1, 0.7)
    if close:
        likely = next(name for name in keys if name.lower() == close[0])
        return offset, "error", f"Docker knows no {here}", f"Did you mean {likely}?"
    return offset, "warning", f"Docker knows no {here} and will ignore it", "Delete it, or check its spelling."


def _value(node: Node, kind: str, here: str) -> Iterator[Found]:
    if node.kind == "null" or kind == "any":
        return
    if "|" in kind:
        if not any(not [*_value(node, option, here)] for option in kind.split("|")):
            yield node.offset, "error", f"{here} is {_shown(node)}", "It is a text or a list of texts."
    elif kind in _TYPES:
        if node.kind != _TYPES[kind] or (kind == "int" and not _whole(node.value)):
            yield node.offset, "error", f"{here} is {_shown(node)}", f"It has to be {_WORDS[kind]}."
    elif kind.startswith("["):
        if node.kind != "array":
            yield node.offset, "error", f"{here} is {_shown(node)}", "It has to be a list: [ … ]."
        for index, item in enumerate(node.items()):
            yield from _value(item, kind[1:-1], f"{here}[{index}]")
    elif kind.startswith("{"):
        if node.kind != "object":
            yield node.offset, "error", f"{here} is {_shown(node)}", "It has to be an object: { … }."
        yield from _doubled(node, here)
        for member in node.members():
            inner = kind[1:-1]
            if inner:
                yield from _value(member.node, inner, f"{here}.{member.key}")
            elif member.node.kind not in ("object", "null"):
                yield member.node.offset, "error", f"{here}.{member.key} is {_shown(member.node)}", "It has to be {}."
    elif node.kind != "object":
        yield node.offset, "error", f"{here} is {_shown(node)}", "It has to be an object: { … }."
    else:
        yield from _object(node, kind, here)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and -(2**63) <= value < 2**63


def _shown(node: Node) -> str:
    if node.kind in ("object", "array"):
        return "an object" if node.kind == "object" else "a list"
    if node.kind == "string":
        return f'the text "{one_line(node.value, 40)}"' if re.search(r"\S", node.value) else "an empty text"
    return f"{json.dumps(node.value)[:40]}"
