"""Presets: create options with form fields. The shipped ones, and the operator's own, which are files that can be shared.

A template is JSON in which ``${name}`` stands for a field: alone in a string, or inside one (also in keys). An element of a
list that is a
flag's placeholder disappears while the flag is off. An own preset is a file ``NAME.json`` in the presets folder of the
configuration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.contexts.paths import config_folder
from services.errors import OperatorError
from services.files import check_owner, private_folder, write
from services.files import remove as remove_file
from services.json_reader import JsonError, read_json
from services.names import did_you_mean
from services.records import Preset, PresetField, PresetKind
from services.text import clean, one_line

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}\Z")
_PLACEHOLDER = re.compile(r"\$\{([a-z0-9_-]+)\}")
_PORT = re.compile(r"(?!0)(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])\Z")
_AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{1,9})?\Z")
_SHIPPED = Path(__file__).with_name("presets.json")
_AT_MOST = 256 * 1024


def render(preset: Preset, values: Mapping[str, str] | None = None) -> str:
    """Return the JSON of a preset's create options, indented by two; fields that ``values`` does not name have their defaults.

    Raises OperatorError for a field that does not exist and for a number or port that is none.
    """
    given_values = dict(values or {})
    fields = {field.name: field for field in preset.fields}
    for name in given_values:
        if name not in fields:
            raise OperatorError(
                f"The preset {preset.name} has no field {one_line(name, 64)!r}.",
                cause=f"Its fields: {', '.join(fields) or 'none'}.",
                remedy=f"{did_you_mean(name, fields)}See what it writes: dbe-console options show {preset.name}",
                code="preset.field",
            )
    filled = {name: _checked(preset, field, given_values.get(name, field.default)) for name, field in fields.items()}
    return json.dumps(_fill(preset.template, filled, fields), indent=2, ensure_ascii=False)


def _checked(preset: Preset, field: PresetField, value: str) -> str:
    if field.kind == "flag":
        return field.value if value not in ("", "off", "no", "false", "0") else ""
    sound = field.kind == "text" or bool(_PORT.match(value) if field.kind == "port" else _AMOUNT.match(value))
    if not sound:
        expectation = "a port from 1 to 65535" if field.kind == "port" else "a number of 0 or more"
        raise OperatorError(
            f"{field.label} of the preset {preset.name} is {one_line(value, 40)!r}.",
            cause=f"It has to be {expectation}.",
            remedy=f"Give one, for example {field.default or '10'}.",
            code="preset.value",
        )
    return value


def _fill(node: Any, filled: Mapping[str, str], fields: Mapping[str, PresetField]) -> Any:
    if isinstance(node, str):
        return _PLACEHOLDER.sub(lambda match: filled.get(match.group(1), match.group()), node)
    if isinstance(node, dict):
        return {_fill(key, filled, fields): _number(value, filled, fields) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill(item, filled, fields) for item in node if not _off(item, filled, fields)]
    return node


def _number(value: Any, filled: Mapping[str, str], fields: Mapping[str, PresetField]) -> Any:
    """Return a key's value; the placeholder of a number alone becomes a number of JSON."""
    match = _PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    if match and match.group(1) in fields and fields[match.group(1)].kind == "number":
        return json.loads(filled[match.group(1)])
    return _fill(value, filled, fields)


def _off(item: Any, filled: Mapping[str, str], fields: Mapping[str, PresetField]) -> bool:
    """Return whether a list's element is the placeholder of a flag that is off."""
    match = _PLACEHOLDER.fullmatch(item) if isinstance(item, str) else None
    return bool(match and match.group(1) in fields and fields[match.group(1)].kind == "flag" and not filled[match.group(1)])


def presets() -> list[Preset]:
    """Return the shipped presets, then the own ones by name.

    An own file that is broken, or somebody else's, is left out here; ``preset`` says what is wrong with it.
    """
    results = [_parse(name, entry, own=False) for name, entry in json.loads(_SHIPPED.read_text("utf-8")).items()]
    folder = own_folder()
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            results.append(_load_own(path))
        except OperatorError:
            continue
    return results


def own_folder() -> Path:
    """Return the folder of the operator's own presets."""
    return config_folder() / "presets"


def _load_own(path: Path) -> Preset:
    """Return a preset of that folder: it may give a module the whole machine, so that it has to be the operator's own."""
    try:
        check_owner(path, "the preset")
    except OSError as error:
        raise _broken(path, one_line(error)) from error
    return load(path)


def preset(name: str) -> Preset:
    """Return the preset of that name, own ones before shipped ones; raises OperatorError naming those there are."""
    candidates = presets()
    for candidate in reversed(candidates):
        if candidate.name == name:
            return candidate
    own_file = own_folder() / f"{name}.json"
    if _NAME.match(name) and own_file.exists():
        return _load_own(own_file)
    raise OperatorError(
        f"There is no preset {one_line(name, 64)!r}.",
        cause=f"There are: {', '.join(candidate.name for candidate in candidates)}.",
        remedy=f"{did_you_mean(name, [candidate.name for candidate in candidates])}Choose one of them: dbe-console options list.",
        code="preset.unknown",
    )


def client_for(model: str) -> str:
    """Return the shipped client preset whose tensors fit a model or image by its name.

    The sample's own, ResNet-50, where it tells nothing.
    """
    letters = re.sub(r"[^a-z0-9]", "", model.lower())
    fits = (
        ("ssd", "ssd-vgg"),
        ("vgg", "vgg16"),
        ("dense", "densenet121"),
        ("resnet152", "resnet152"),
        ("resnetv1152", "resnet152"),
    )
    return "client-" + next((name for word, name in fits if word in letters), "transfer" if "transfer" in letters else "resnet50")


def tensors_for(model: str) -> tuple[str, tuple[str, ...]]:
    """Return the input and the outputs of a model by its name, as its client's preset has them: what a conversion keeps."""
    fields = {field.name: field.default for field in preset(client_for(model)).fields}
    return fields["input"], tuple(part.strip() for part in fields["output"].split(","))


def load(path: Path) -> Preset:
    """Return a preset from a file that ``save`` wrote or somebody shared.

    A file that is only create options is a preset without fields.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _broken(path, one_line(error)) from error
    try:
        entry = read_json(text, max_bytes=_AT_MOST)
    except JsonError as error:
        raise _broken(path, str(error)) from error
    if not isinstance(entry, dict):
        raise _broken(path, "It is no JSON object.")
    if "template" not in entry:
        entry = {"title": path.stem, "kind": "other", "fields": [], "template": entry}
    return _parse(path.stem, entry, own=True, path=path)


def save(preset: Preset, folder: Path | None = None) -> Path:
    """Keep a preset under its name, or write it into ``folder`` to share it."""
    if not _NAME.match(preset.name):
        raise OperatorError(
            f"{one_line(preset.name, 64)!r} cannot be a preset's name.",
            cause="Names are of small letters, digits, '.', '-' and '_', up to 64.",
            remedy="Choose another name.",
            code="preset.name",
        )
    path = (folder or private_folder(own_folder())) / f"{preset.name}.json"
    fields = [
        {
            key: value
            for key, value in (("name", f.name), ("label", f.label), ("default", f.default), ("kind", f.kind), ("value", f.value))
            if value
        }
        for f in preset.fields
    ]
    entry = {"title": preset.title, "kind": preset.kind, "fields": fields, "template": preset.template}
    write(path, json.dumps(entry, indent=2, ensure_ascii=False) + "\n")
    return path


def remove(name: str) -> None:
    """Remove an own preset."""
    path = own_folder() / f"{name}.json"
    if not _NAME.match(name) or not path.is_file():
        raise OperatorError(
            f"There is no own preset {one_line(name, 64)!r}.",
            cause="Only presets that were saved here can be removed.",
            remedy="See which there are: dbe-console options list",
            code="preset.unknown",
        )
    remove_file(path)


def own(name: str, text: str, title: str = "", kind: PresetKind = "other") -> Preset:
    """Return a preset without fields from create options as they are; ``kind`` is what it is offered for, "other" anything."""
    try:
        template = read_json(text, max_bytes=_AT_MOST)
    except JsonError as error:
        raise _no_options("These create options are no JSON.", str(error)) from error
    if not isinstance(template, dict):
        raise _no_options("These create options are no JSON object.", "")
    return Preset(name, title or name, kind, (), template, own=True)


def _no_options(what: str, cause: str) -> OperatorError:
    return OperatorError(
        what, cause=cause, remedy="Begin with { and end with }; the editor shows the place.", code="options.json"
    )


def _parse(name: str, entry: Mapping[str, Any], *, own: bool, path: Path | None = None) -> Preset:
    template, listed = entry.get("template"), entry.get("fields", [])
    if not isinstance(template, dict) or not isinstance(listed, list):
        raise _broken(path, "It has no template, or its fields are no list.")
    fields = []
    for raw in listed:
        if (
            not isinstance(raw, dict)
            or not isinstance(raw.get("name"), str)
            or raw.get("kind", "text") not in ("text", "number", "port", "flag")
        ):
            raise _broken(path, "A field needs a name, and a kind of text, number, port or flag.")
        fields.append(
            PresetField(
                one_line(raw["name"], 64), one_line(raw.get("label", raw["name"]), 80), clean(raw.get("default", ""), 2000),
                raw.get("kind", "text"), clean(raw.get("value", ""), 200),
            )
        )  # fmt: skip
    kinds: dict[Any, PresetKind] = {"host": "host", "cpu-host": "cpu-host", "client": "client"}
    kind = kinds.get(str(entry.get("kind")), "other")
    return Preset(name, one_line(entry.get("title", name), 120), kind, tuple(fields), template, own)


def _broken(path: Path | None, cause: str) -> OperatorError:
    return OperatorError(
        f"{path or 'This'} is no preset.",
        cause=cause,
        remedy="A preset is JSON with title, kind, fields and template; or create options alone.",
        code="preset.broken",
    )
