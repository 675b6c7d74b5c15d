"""A module of a manifest, checked as the edge agent reads it.

Source: Azure/iotedge, Edge.Agent.Docker/DockerDesiredModule.cs, DockerConfig.cs and NestedEdgeParentUrlParser.cs
(docs/facts/create-options.md). Newtonsoft reads the
words of an enumeration in any letter case, and by their names in the program (``OnFailure``), too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from services.chunks import ChunkGap, is_chunk, join
from services.deployment.manifest.content import agent_of
from services.deployment.manifest.problem import ManifestProblem, misspelt_keys
from services.deployment.manifest.schema_versions import is_schema_1_0
from services.deployment.options.check import check
from services.deployment.options.placeholders import PLACEHOLDER
from services.deployment.options.placement import Placement
from services.hub.field_readers import mapping, number
from services.hub.twin import settings_of
from services.text import one_line

_MODULE_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}\Z")
_ENV_NAME = re.compile(r"[^+#$\s.]+\Z")
_IMAGE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._:/@-]*\Z")
_OWNER_KEY = re.compile(r"HostName=.*SharedAccessKeyName=", re.IGNORECASE)
_PARENT = re.compile(r"\$upstream(?P<port>:[1-9][0-9]*)?(?=/|\Z)")
_WORDS = {
    "status": ("running", "stopped"),
    "restartPolicy": ("never", "on-failure", "on-unhealthy", "always"),
    "imagePullPolicy": ("on-create", "never"),
}
_KEYS = ("type", "version", "status", "restartPolicy", "imagePullPolicy", "startupOrder", "env", "settings")
_REFUSED = "the agent refuses the whole deployment (400)"


def module_problems(name: str, module: Any, content: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    """Yield the problems of a module of ``content``, its create options included."""
    place = one_line(name, 80)
    fields = mapping(module)
    if not _MODULE_NAME.match(name):
        yield ManifestProblem(place, "error", "is no module name", "Letters, digits, '-' and '_' only, up to 128.")
    if not fields:
        yield ManifestProblem(place, "error", "is no object", "Give it type, status, restartPolicy and settings.")
        return
    yield from misspelt_keys(place, fields, _KEYS)
    for key in ("settings", "env"):
        if fields.get(key) is not None and not isinstance(fields[key], dict):
            yield ManifestProblem(f"{place}.{key}", "error", f"is no object; {_REFUSED}", "Write it as { … }.")
    if fields.get("type") != "docker":
        message = f"is {one_line(fields.get('type'), 40)!r}; {_REFUSED}"
        yield ManifestProblem(f"{place}.type", "error", message, "Use docker.")
    yield from _word_problems(place, fields)
    yield from _order_problems(f"{place}.startupOrder", fields.get("startupOrder"), content)
    settings = settings_of(fields)
    yield from _setting_problems(f"{place}.settings", settings)
    yield from image_problems(f"{place}.image", settings.get("image"))
    yield from _env_problems(place, mapping(fields.get("env")))
    yield from _option_problems(place, name, settings, content)


def _setting_problems(place: str, settings: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    """Yield the problems of the keys of ``settings``: the agent takes every one with createOptions in it for a chunk (JsonEx.cs, ChunkedProperty)."""
    for key in settings:
        if "createoptions" in key.lower() and not is_chunk(key):
            message = f"is taken for a part of createOptions; {_REFUSED}"
            yield ManifestProblem(f"{place}.{one_line(key, 60)}", "error", message, "Delete it.")
    others = {key: value for key, value in settings.items() if "createoptions" not in key.lower()}
    yield from misspelt_keys(place, {**others, "createOptions": ""}, ("image", "createOptions"))


def _word_problems(place: str, fields: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    for key, words in _WORDS.items():
        value = fields.get(key)
        if value in words or (value is None and key != "status"):
            continue
        plain = value.replace("-", "").lower() if isinstance(value, str) else ""
        likely = next((word for word in words if word.replace("-", "") == plain), "")
        if likely:
            message = f"is {one_line(value, 40)!r}, which the agent takes and others may not"
            yield ManifestProblem(f"{place}.{key}", "warning", message, f"Write {likely}.")
        else:
            never = " was never filled in" if isinstance(value, str) and PLACEHOLDER.fullmatch(value) else ""
            message = f"is {one_line(value, 40)!r}{never and f', which{never}'}; {_REFUSED}"
            yield ManifestProblem(f"{place}.{key}", "error", message, f"Use {' or '.join(words)}.")


def _order_problems(place: str, order: Any, content: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    if order is None:
        return
    value = number(order)
    if value is None or not 0 <= value <= 4294967295:
        yield ManifestProblem(place, "error", f"is {one_line(order, 40)!r}", "A whole number from 0 to 4294967295.")
    elif is_schema_1_0(agent_of(content).get("schemaVersion")):
        yield ManifestProblem(place, "warning", "is ignored at schema version 1.0", 'Set $edgeAgent.schemaVersion to "1.1".')


def image_problems(place: str, image: Any) -> Iterator[ManifestProblem]:
    """Yield the problems of an image's reference; ``$upstream:PORT/…`` is the parent device of a nested edge."""
    if not isinstance(image, str) or not image.strip():
        yield ManifestProblem(place, "error", "is missing", "Name the image: REGISTRY/NAME:TAG.")
        return
    parent = _PARENT.match(image)
    if parent and not parent["port"]:
        message = f"{one_line(image, 80)!r} has no port behind $upstream; {_REFUSED}"
        yield ManifestProblem(place, "error", message, "Write $upstream:443/NAME:TAG.")
        return
    named = image.replace("$upstream", "parent", 1) if parent else image
    if PLACEHOLDER.search(named):
        message = f"{one_line(image, 60)} was never filled in"
        yield ManifestProblem(place, "error", message, "Put the image's location in its place.")
    elif not _IMAGE.match(named) or "//" in named or named.rpartition("/")[2].count(":") > 1 + named.count("@"):
        yield ManifestProblem(
            place, "error", f"{one_line(image, 80)!r} is no image reference", "REGISTRY/NAME:TAG, without https://."
        )


def _env_problems(place: str, env: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    for name, entry in env.items():
        here = f"{place}.env.{one_line(name, 60)}"
        value = mapping(entry).get("value")
        if not _ENV_NAME.match(name):
            yield ManifestProblem(here, "error", "is no name for an environment variable", "Without space, '.', '+', '#' or '$'.")
        if not isinstance(entry, dict) or isinstance(value, (dict, list)):
            yield ManifestProblem(here, "error", f'is not {{"value": …}}; {_REFUSED}', "Write it so, with a text in it.")
        elif value is None:
            yield ManifestProblem(here, "warning", 'has no {"value": …}, and is empty in the module', "Give it a value.")
        elif isinstance(value, str) and _OWNER_KEY.search(value):
            yield ManifestProblem(
                here, "error", "holds a connection string of the hub itself: whoever reads the module owns the hub",
                "Give the module a device's connection string (DeviceId=…), or none: the client signs in as its module.",
            )  # fmt: skip
        elif isinstance(value, str) and PLACEHOLDER.fullmatch(value):
            message = f"{one_line(value, 60)} looks like a part of a template that was never filled in"
            yield ManifestProblem(here, "warning", message, "Put the value in its place, if it is none.")


def _option_problems(place: str, name: str, settings: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    try:
        text = join(settings)
    except ChunkGap as gap:
        yield ManifestProblem(f"{place}.createOptions", "error", f"{gap}; {_REFUSED}", "Write them again.")
        return
    around = replace(Placement.of(agent_of(content), name), room=None)  # the size is told once, of the whole
    for problem in check(text, around).problems:
        where = f"{place}.createOptions line {problem.line}, column {problem.column}"
        yield ManifestProblem(where, problem.severity, problem.message, problem.remedy)
