"""Contexts as TOML tables and back. What is wrong in a table is named with its key; the store adds file and line."""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Mapping
from typing import Any

from services.contexts.model import Context, FieldPath, SecretSource
from services.text import one_line

_HOST_PAIR = re.compile(r"[A-Za-z0-9.:\[\]-]+=[A-Za-z0-9.:\[\]-]+")
_STEPS, _PATH = 16, 300  # of a field's path, and its characters
_KINDS = ("env", "file", "command", "keyring")
_HOSTILE = "what a terminal would obey, or what cannot be seen"
_PLAIN = "Write it without control, direction and invisible characters."
_TOML_NAMES = {str: "a text in quotes", int: "a whole number", bool: "true or false"}


class TableError(Exception):
    """A table that does not fit: the path of keys to the fault, what is wrong, and the remedy."""

    def __init__(self, path: tuple[str, ...], what: str, remedy: str) -> None:
        super().__init__(what)
        self.path = path
        self.what = what
        self.remedy = remedy


def parse_source(text: str) -> SecretSource:
    """Parse ``env:NAME``, ``file:PATH``, ``command:ARGV…`` or ``keyring:NAME``; ValueError otherwise, which never repeats the text."""
    kind, colon, value = text.strip().partition(":")
    if not colon or kind not in _KINDS or not value.strip():
        raise ValueError("a secret is named by its source: env:NAME, file:PATH, command:ARGV… or keyring:NAME")
    return SecretSource(typing.cast(Any, kind), value.strip())


def render_source(source: SecretSource) -> str:
    """Return the text that ``parse_source`` reads."""
    return f"{source.kind}:{source.value}"


def to_table(record: Any) -> dict[str, Any]:
    """Return a settings record as a TOML table; what stands at its default is left out."""
    table: dict[str, Any] = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if value is None or value == _default(field):
            continue
        key = _key(field)
        if isinstance(value, SecretSource):
            table[key] = render_source(value)
        elif dataclasses.is_dataclass(value):
            table[key] = to_table(value)
        elif isinstance(value, tuple):
            table[key] = list(value)
        elif isinstance(value, Mapping):
            table[key] = {str(port): number for port, number in value.items()}
        else:
            table[key] = value
    return table


def context_from(name: str, table: object) -> Context:
    """Return the context that a table describes; raises TableError."""
    if one_line(name) != name:
        raise TableError((name,), f"the context name {one_line(name, 60)!r} holds {_HOSTILE}", _PLAIN)
    if isinstance(table, Mapping) and "name" in table:
        raise TableError(
            (name, "name"), "a context is named by its table, not by a key", f"Write [contexts.{name}] and remove the key name."
        )
    return typing.cast(Context, _record(Context, table, (name,), {"name": name}))


def _key(field: dataclasses.Field[Any]) -> str:
    """Return the key of a field: its name, but for one that Python keeps for itself."""
    return str(field.metadata.get("key", field.name))


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _record(kind: type[Any], table: object, path: tuple[str, ...], given: Mapping[str, Any] | None = None) -> Any:
    if not isinstance(table, Mapping):
        raise TableError(path, f"{path[-1]} must be a table", f"Write [contexts.{'.'.join(path)}] with one key a line.")
    values: dict[str, Any] = dict(given or {})
    hints = typing.get_type_hints(kind)
    names = {_key(field): field.name for field in dataclasses.fields(kind) if field.name not in values}
    for key, value in table.items():
        if key not in names:
            near = difflib.get_close_matches(key, list(names), 1)
            remedy = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(names)}."
            raise TableError((*path, key), f"{key} is not a setting", remedy)
        values[names[key]] = _value(hints[names[key]], value, (*path, key))
    for field in dataclasses.fields(kind):
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if needed and field.name not in values:
            raise TableError(path, f"{field.name} is missing", f"Add {field.name} = … to [contexts.{'.'.join(path)}].")
    return kind(**values)


def _value(hint: Any, value: object, path: tuple[str, ...]) -> Any:
    if isinstance(hint, types.UnionType):  # X | None
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if hint is SecretSource:
        if isinstance(value, str):
            try:
                return parse_source(value)
            except ValueError:
                pass  # said below, without the value: it may be the secret itself
        raise TableError(
            path,
            f"{path[-1]} must say where the secret is, not hold it",
            "Write env:NAME, file:PATH (mode 0600), command:ARGV… or keyring:NAME.",
        )
    if dataclasses.is_dataclass(hint):
        return _record(typing.cast(type[Any], hint), value, path)
    if hint is FieldPath:
        return _field_path(value, path)
    if typing.get_origin(hint) is Mapping:
        return _ports(value, path)
    if typing.get_origin(hint) is tuple:
        return _host_pairs(value, path)
    if typing.get_origin(hint) is typing.Literal:
        choices = typing.get_args(hint)
        if value not in choices:
            raise TableError(path, f"{path[-1]} is not one of its choices", f"Choose from {', '.join(choices)}.")
        return value
    if type(value) is not hint:
        raise TableError(path, f"{path[-1]} must be {_TOML_NAMES.get(hint, hint)}", "Correct the line.")
    if isinstance(value, str) and one_line(value) != value:
        raise TableError(path, f"{path[-1]} holds {_HOSTILE}", _PLAIN)
    if hint is int and typing.cast(int, value) <= 0:
        raise TableError(path, f"{path[-1]} must be more than 0", "Correct the line.")
    return value


def _field_path(value: object, path: tuple[str, ...]) -> FieldPath:
    field_path = FieldPath(value) if isinstance(value, str) and one_line(value) == value else None
    if not field_path or not all(map(str.strip, field_path.steps)) or len(field_path.steps) > _STEPS or len(field_path) > _PATH:
        remedy = (
            f'Write {path[-1]} = "predictions.0.tagName": names, and places in arrays from 0, {_STEPS} at most, dots between.'
        )
        raise TableError(path, f"contexts.{'.'.join(path)} must say where in a message's JSON it stands", remedy)
    return field_path


def _host_pairs(value: object, path: tuple[str, ...]) -> tuple[str, ...]:
    pairs = tuple(value) if isinstance(value, list) else (None,)
    if not all(isinstance(pair, str) and _HOST_PAIR.fullmatch(pair) for pair in pairs):
        remedy = f'Write {path[-1]} = ["SERVICE=HOST"], for example ["registry.example.com=auth.example.com"].'
        raise TableError(path, f"{path[-1]} must name pairs of hosts", remedy)
    return typing.cast(tuple[str, ...], pairs)


def _ports(value: object, path: tuple[str, ...]) -> dict[int, int]:
    pairs = [(str(key), number) for key, number in value.items()] if isinstance(value, Mapping) else [("", None)]
    for key, number in pairs:
        if not (key.isascii() and key.isdigit() and type(number) is int and 0 < int(key) < 65536 and 0 < number < 65536):
            remedy = f'Write {path[-1]} = {{ "80" = 8080 }}.'
            raise TableError(path, f"{path[-1]} must name ports of the device and those they are reached under", remedy)
    return {int(key): typing.cast(int, number) for key, number in pairs}
