"""Ids of models and images in a workspace, ``NAME:VERSION``, as operators name them: the newest version where they give none."""

from __future__ import annotations

from collections.abc import Collection

from services.errors import OperatorError
from services.names import did_you_mean
from services.text import one_line


def whole_id(kind: str, name: str, ids: Collection[str]) -> str:
    """Return the id meant by ``name``: itself, or of its versions the newest. Raises OperatorError where ``ids`` has none."""
    versions = [item for item in ids if item.rpartition(":")[0] == name]
    if name in ids:
        return name
    if not versions:
        raise missing(kind, name, ids)
    return max(versions, key=lambda item: (len(item), item))  # 10 is newer than 9


def missing(kind: str, item: str, ids: Collection[str]) -> OperatorError:
    """Return the error of a model, image or service that the workspace does not have."""
    return OperatorError(
        f"The workspace has no {kind} {one_line(item, 200)}.",
        cause=f"It has: {one_line(', '.join(sorted(ids)), 600) or 'none'}.",
        remedy=f"{did_you_mean(item, sorted(ids))}Choose one of them.",
        code=f"workspace.no-{kind}",
    )
