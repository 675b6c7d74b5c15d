"""Values of another type than the key's: what the edge agent makes of them, and how they are written rightly (docs/facts/create-options.md).

The agent reads with Newtonsoft, which makes numbers and truth values of texts, and texts of numbers; it cannot make a list of a text.
"""

from __future__ import annotations

import json
import re
import shlex

from services.deployment.options.located_json import Node
from services.text import one_line

_WORDS = {"str": "text in quotes", "bool": "true or false", "int": "a whole number", "num": "a number"}
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,19}\s*\Z")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt])i?b?\Z", re.IGNORECASE)
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ns|us|ms|s|m|h)\Z")
_NANOSECONDS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def conversion(node: Node, kind: str) -> str:
    """Return, as JSON, what the agent makes of a value where ``kind`` (bool, int or str) is asked for.

    "" where it refuses it or digits would be lost.
    """
    value = node.value
    if kind == "bool":
        word = value.strip().lower() if node.kind == "string" else ""
        return word if word in ("true", "false") else str(bool(value)).lower() if node.kind == "number" else ""
    if kind == "str":
        return json.dumps(json.dumps(value)) if node.kind in ("number", "boolean") else ""
    if kind != "int":
        return ""
    if node.kind == "boolean":
        return str(int(value))
    whole = (isinstance(value, float) and value.is_integer()) or (isinstance(value, str) and _WHOLE.match(value) is not None)
    return str(int(value)) if whole and -(2**63) <= int(value) < 2**63 else ""


def type_remedy(node: Node, kind: str, path: str) -> str:
    """Return what a value of the wrong type has to be, with the value itself where that can be said."""
    key = re.split(r"[.\[]", path)[-1]
    if kind == "[Port]" and node.kind in ("string", "number"):
        return f"Write [{_object_form(node, 'Port')}]."
    if kind.startswith("["):
        return _list_remedy(node, key)
    if kind == "int" and node.kind == "string":
        size, duration = _SIZE.match(node.value), _DURATION.match(node.value)
        if path.startswith("Healthcheck") and duration:
            return f"It is counted in nanoseconds: {int(float(duration[1]) * _NANOSECONDS[duration[2]])}."
        if size:
            return f"It has to be a whole number; in bytes {int(float(size[1]) * 1024 ** (' kmgt'.index(size[2].lower())))}."
    if kind in _WORDS:
        return f"It has to be {_WORDS[kind]}."
    form = _object_form(node, kind) if node.kind in ("string", "number") else ""
    if form:
        return f"Write {one_line(form, 200)}."
    if kind == "Mount" and node.kind == "string":
        return "SOURCE:TARGET stands in Binds; a mount is { … }."
    if kind == "{str}" and node.kind == "array":
        return 'It has to be an object: { "NAME": "value", … }.'
    return "It has to be an object: { … }."


def _object_form(node: Node, kind: str) -> str:
    """Return as JSON the object that docker run's word for it means; "" where there is none."""
    text = str(node.value)
    if kind == "Device":
        host, _, inside = text.partition(":")
        return json.dumps({"PathOnHost": host, "PathInContainer": inside.partition(":")[0] or host, "CgroupPermissions": "rwm"})
    if kind == "Port":
        return json.dumps({"HostPort": text})
    if kind in ("RestartPolicy", "LogConfig"):
        return json.dumps({"Name" if kind == "RestartPolicy" else "Type": text})
    limit = re.match(r"([a-z]+)=([0-9-]+)(?::([0-9-]+))?\Z", text) if kind == "Ulimit" else None
    return json.dumps({"Name": limit[1], "Soft": int(limit[2]), "Hard": int(limit[3] or limit[2])}) if limit else ""


def _list_remedy(node: Node, key: str) -> str:
    if key == "Env" and node.kind == "object":
        return 'It has to be a list: [ "NAME=value", … ].'
    if node.kind == "string":
        if key == "Test":
            words = ["CMD-SHELL", node.value]
        else:
            try:
                words = shlex.split(node.value) if key in ("Cmd", "Entrypoint") else [node.value]
            except ValueError:  # a quote that is not closed
                words = [node.value]
        return f"It has to be a list: {one_line(json.dumps(words, ensure_ascii=False), 200)}."
    return "It has to be a list: put [ ] around it." if node.kind == "object" else "It has to be a list: [ … ]."
