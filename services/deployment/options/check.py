"""Create options checked as they are typed: JSON, Docker's schema, and what the device and its other modules allow."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator

from services.chunks import chunk
from services.deployment.options.conversions import conversion, type_remedy
from services.deployment.options.docker_schema import EXTENSIONS, READ_BY_THE_AGENT, SCHEMA
from services.deployment.options.located_json import BrokenJson, Finding, Lines, Node, read
from services.deployment.options.pastes import INSPECTED_MOUNT, compose_remedy, no_json_remedy, paste_findings
from services.deployment.options.placement import Placement
from services.deployment.options.rules import rules
from services.deployment.options.size import desired_size
from services.records import OptionProblem, OptionsReport
from services.text import one_line

_MANY_CHUNKS = 8
_TYPES = {"str": "string", "bool": "boolean", "int": "number", "num": "number"}


def check(text: str, placement: Placement | None = None) -> OptionsReport:
    """Check create options; empty text is valid. Never raises, whatever ``text`` is."""
    around = placement or Placement()
    if not text.strip():
        return _report((), "", around)
    lines = Lines(text)
    try:
        root = read(text)
    except BrokenJson as error:
        line, column = lines.place(error.offset)
        problem = OptionProblem(line, column, "error", f"no JSON: {error.message}", no_json_remedy(text) or error.remedy)
        return _report((problem,), text, around)
    problems = []
    for offset, severity, message, remedy in _all(root, around):
        line, column = lines.place(offset)
        problems.append(OptionProblem(line, column, severity, one_line(message, 300), one_line(remedy, 300)))
    problems = sorted(dict.fromkeys(problems), key=lambda problem: (problem.line, problem.column))
    return _report(tuple(problems), json.dumps(root.plain(), separators=(",", ":"), ensure_ascii=False), around)


def _report(problems: tuple[OptionProblem, ...], normalised: str, around: Placement) -> OptionsReport:
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


def _all(root: Node, around: Placement) -> Iterator[Finding]:
    if root.kind == "null":
        return  # none, to the agent (docs/facts/iot-hub.md)
    pastes = list(paste_findings(root))
    yield from pastes
    if root.kind != "object":
        nested = root.kind == "string" and root.value.lstrip().startswith("{")
        remedy = "This is JSON written as a text: take the quotes around it and the backslashes out."
        if not pastes:
            yield root.offset, "error", "create options are an object", remedy if nested else "Begin with { and end with }."
        return
    yield from _object(root, "", "", root, foreign=bool(pastes))
    yield from rules(root, around)


def _object(node: Node, schema: str, path: str, root: Node, foreign: bool = False) -> Iterator[Finding]:
    """Yield the findings about an object's keys and values; of ``foreign`` options, keys that do not belong here are not told again."""
    keys = SCHEMA[schema]
    lower = {key.lower(): key for key in keys}
    present: set[str] = set()
    for member in node.members():
        name = lower.get(member.key.lower())
        here = f"{path}.{member.key}" if path else member.key
        if member.key.lower() in present:
            yield member.offset, "error", f"{here} is written twice; only the last would count", "Delete one of them."
        present.add(member.key.lower())
        if not path and member.key.lower() in EXTENSIONS:
            continue
        if name is None:
            yield from () if foreign else (_unknown(member.key, member.offset, here, schema, node, root),)
            continue
        if name != member.key and member.key not in keys and not foreign:
            yield member.offset, "warning", f"{here} is written {name} by Docker", f"Write {name}."
        yield from _value(member.node, keys[name], here, root, name in READ_BY_THE_AGENT.get(schema, ()))


def _doubled(node: Node, here: str) -> Iterator[Finding]:
    """Free keys, whose letter case counts."""
    present: set[str] = set()
    for member in node.members():
        if member.key in present:
            message = f"{here}.{member.key} is written twice; only the last would count"
            yield member.offset, "error", message, "Delete one of them."
        present.add(member.key)


def _unknown(key: str, offset: int, here: str, schema: str, node: Node, root: Node) -> Finding:
    """Return what to do with a key that its object does not have; one that is there already is never proposed."""
    homes = ("HostConfig", "NetworkingConfig", "") if schema in ("", "HostConfig", "NetworkingConfig") else ()
    home = next((name for name in homes if name != schema and key.lower() in map(str.lower, SCHEMA[name])), None)
    if home is not None:
        where = f"in {home}" if home else "beside HostConfig, not in it"
        there = root.get(home, key) if home else root.get(key)
        remedy = f"Delete it: it stands {where} already." if there else f"It belongs {where}."
        return offset, "warning", f"{here} stands in the wrong place: Docker ignores it there", remedy
    if not schema and (remedy := compose_remedy(key)):
        return offset, "error", f"{here} does not belong in create options", remedy
    if schema == "Mount" and (remedy := INSPECTED_MOUNT.get(key.lower(), "")):
        return offset, "error", f"Docker knows no {here}", remedy
    close = difflib.get_close_matches(key.lower(), [name.lower() for name in SCHEMA[schema]], 1, 0.7)
    if close and node.get(close[0]) is None:
        likely = next(name for name in SCHEMA[schema] if name.lower() == close[0])
        return offset, "error", f"Docker knows no {here}", f"Did you mean {likely}?"
    return offset, "warning", f"Docker knows no {here} and will ignore it", "Delete it, or check its spelling."


def _value(node: Node, kind: str, here: str, root: Node, by_agent: bool) -> Iterator[Finding]:
    """Yield the findings about a value; ``by_agent`` where the edge agent reads it into a type of its own."""
    if node.kind == "null" or kind == "any":
        return
    if kind in _TYPES:
        yield from _plain(node, kind, here, by_agent)
    elif kind.startswith("["):
        if node.kind != "array":
            yield node.offset, "error", f"{here} is {_quote_node(node)}", type_remedy(node, kind, here)
        for index, item in enumerate(node.items()):
            yield from _value(item, kind[1:-1], f"{here}[{index}]", root, by_agent)
    elif node.kind != "object":
        yield node.offset, "error", f"{here} is {_quote_node(node)}", type_remedy(node, kind, here)
    elif kind.startswith("{"):
        yield from _doubled(node, here)
        for member in node.members():
            inner = kind[1:-1]
            if inner:
                yield from _value(member.node, inner, f"{here}.{member.key}", root, by_agent)
            elif member.node.kind not in ("object", "null"):
                yield member.node.offset, "error", f"{here}.{member.key} is {_quote_node(member.node)}", "It has to be {}."
    else:
        yield from _object(node, kind, here, root)


def _plain(node: Node, kind: str, here: str, by_agent: bool) -> Iterator[Finding]:
    if node.kind == _TYPES[kind] and (kind != "int" or (isinstance(node.value, int) and -(2**63) <= node.value < 2**63)):
        return
    value = conversion(node, kind) if by_agent else ""
    if value:
        yield node.offset, "warning", f"{here} is {_quote_node(node)}; the agent reads {value}", f"Write {value}."
    else:
        yield node.offset, "error", f"{here} is {_quote_node(node)}", type_remedy(node, kind, here)


def _quote_node(node: Node) -> str:
    if node.kind in ("object", "array"):
        return "an object" if node.kind == "object" else "a list"
    if node.kind == "string":
        return f'the text "{one_line(node.value, 40)}"' if re.search(r"\S", node.value) else "an empty text"
    return f"{json.dumps(node.value)[:40]}"
