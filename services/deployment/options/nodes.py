"""Readers of create options as they are parsed: the value at a place, where it is there and of the type asked for."""

from __future__ import annotations

from services.deployment.options.located_json import Node


def text_at(node: Node | None, *path: str) -> Node | None:
    """Return the text at a path, where there is one and it is not empty."""
    value = node.get(*path) if node else None
    return value if value and value.kind == "string" and value.value else None


def number_at(node: Node, *path: str) -> Node | None:
    """Return the whole number at a path."""
    value = node.get(*path)
    return value if value and value.kind == "number" and isinstance(value.value, int) else None


def texts_at(node: Node | None, *path: str) -> list[Node]:
    """Return the texts of the list at a path."""
    value = node.get(*path) if node else None
    return [item for item in (value.items() if value else ()) if item.kind == "string"]


def objects_at(node: Node | None, *path: str) -> list[Node]:
    """Return the objects of the list at a path."""
    value = node.get(*path) if node else None
    return [item for item in (value.items() if value else ()) if item.kind == "object"]


def is_true(node: Node | None) -> bool:
    """Return whether a value is true, also as the text that the edge agent makes true of."""
    return node is not None and (node.value is True or (node.kind == "string" and node.value.strip().lower() == "true"))


def is_set(node: Node | None) -> bool:
    """Return whether a value says anything: not null, false, 0 or empty."""
    return node is not None and bool(node.value)
