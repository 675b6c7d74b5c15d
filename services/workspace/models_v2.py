"""The models of a workspace by Azure ML's v2 REST API, which needs no SDK (docs/facts/azure-today.md, 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.contexts.discovery import ResourceManager
from services.contexts.model import Context
from services.records import WorkspaceModel
from services.text import clean, one_line
from services.times import moment

_VERSION = "2025-12-01"  # that azure-ai-ml 1.35.2 sends
_MODELS = 200  # names that are asked for their versions, one request each


def list_models(context: Context) -> list[WorkspaceModel]:
    """Return the versions of every model that is not archived, newest first. Raises OperatorError."""
    place = context.workspace
    if place is None:
        return []
    resources = ResourceManager(context)
    models = (
        f"subscriptions/{place.subscription}/resourceGroups/{place.resource_group}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{place.name}/models"
    )
    names = [name for row in resources.rows(models, _VERSION) if (name := _line(row.get("name")))][:_MODELS]
    rows = [(name, row) for name in names for row in resources.rows(f"{models}/{name}/versions", _VERSION)]
    models_of_all = [_model(name, row) for name, row in rows if not _fields(row, "properties").get("isArchived")]
    return sorted(models_of_all, key=lambda model: model.created.timestamp() if model.created else 0.0, reverse=True)


def _model(name: str, row: Mapping[str, Any]) -> WorkspaceModel:
    properties, version = _fields(row, "properties"), _line(row.get("name"))
    flavours = ", ".join(_line(flavour) for flavour in _fields(properties, "flavors"))
    return WorkspaceModel(
        id=f"{name}:{version}",
        name=name,
        version=int(version) if version.isdecimal() and len(version) < 10 else 0,
        framework=flavours or _line(properties.get("modelType")),
        created=moment(_fields(row, "systemData").get("createdAt")),
        description=clean(properties.get("description") or "", 2000),
        conversions_known=False,
        tags={_line(key): _line(value) for key, value in _fields(properties, "tags").items()},
    )


def _fields(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _line(value: object) -> str:
    return one_line(value, 300) if isinstance(value, str) else ""
