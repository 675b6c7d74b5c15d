"""The service's words as records. Everything is sanitised here, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from services.records import EdgeService, WorkspaceCompute, WorkspaceImage, WorkspaceModel
from services.text import clean, one_line


def moment(value: object) -> datetime | None:
    """Return a time as the SDK gives it (ISO 8601 or ``str`` of a datetime); None where it is none. Without an offset it is UTC."""
    try:
        parsed = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)


def image(raw: Mapping[str, Any]) -> WorkspaceImage:
    """Return an image of model management."""
    return WorkspaceImage(
        id=_line(raw.get("id")),
        name=_line(raw.get("name")),
        version=_number(raw.get("version")),
        flavour=_line(raw.get("imageFlavor")),
        state=_line(raw.get("creationState")),
        location=_line(raw.get("imageLocation")),
        created=moment(raw.get("createdTime")),
        model_ids=tuple(_line(item) for item in raw.get("modelIds") or ()),
        description=clean(raw.get("description") or "", 2000),
        tags=_tags(raw.get("kvTags")),
    )


def models(raws: list[dict[str, Any]]) -> list[WorkspaceModel]:
    """Return registered models; each knows the newest accelerated one made from it."""
    newest: dict[str, tuple[int, str]] = {}
    for raw in raws:
        parent = raw.get("parentModelId")
        if parent:
            newest[parent] = max(newest.get(parent, (-1, "")), (_number(raw.get("version")), str(raw["id"])))
    return [
        WorkspaceModel(
            id=_line(raw.get("id")),
            name=_line(raw.get("name")),
            version=_number(raw.get("version")),
            framework=_line(raw.get("framework")),
            created=moment(raw.get("createdTime")),
            description=clean(raw.get("description") or "", 2000),
            tags=_tags(raw.get("tags")),
            parent_id=_line(raw.get("parentModelId")),
            converted_id=_line(newest.get(str(raw.get("id")), (0, ""))[1]),
        )
        for raw in raws
    ]


def compute(raw: Mapping[str, Any]) -> WorkspaceCompute:
    """Return a compute target."""
    return WorkspaceCompute(
        name=_line(raw.get("name")),
        kind=_line(raw.get("computeType")),
        state=_line(raw.get("provisioningState")),
        resource_id=_line(raw.get("resourceId")),
        error=error_text(raw.get("provisioningErrors")),
    )


def service(raw: Mapping[str, Any]) -> EdgeService:
    """Return an IotWebservice."""
    modules = raw.get("iotEdgeModules") or ()
    names = (
        modules
        if isinstance(modules, Mapping)
        else [item.get("moduleName") if isinstance(item, Mapping) else item for item in modules]
    )
    return EdgeService(
        name=_line(raw.get("name")),
        state=_line(raw.get("state")),
        compute_name=_line(raw.get("computeName")),
        device_id=_line(raw.get("iotDeviceId")),
        image_id=_line(raw.get("imageId")),
        modules=tuple(_line(name) for name in names if name),
        created=moment(raw.get("createdTime")),
        error=error_text(raw.get("error")),
    )


def error_text(error: object) -> str:
    """Return the message of an error as the service nests it, its details included."""
    if not error:
        return ""
    if isinstance(error, list):
        return one_line("; ".join(filter(None, (error_text(item) for item in error))), 1000)
    if isinstance(error, Mapping):
        inner = error.get("error")
        if isinstance(inner, Mapping):
            return error_text(inner)
        parts = [str(error.get("message") or error.get("code") or ""), error_text(error.get("details"))]
        return one_line(": ".join(part for part in parts if part), 1000)
    return one_line(error, 1000)


def _line(value: object) -> str:
    return "" if value is None else one_line(value, 1000)


def _number(value: object) -> int:
    text = str(value)
    return int(text) if text.isdecimal() else 0


def _tags(value: object) -> dict[str, str]:
    return {_line(key): _line(item) for key, item in value.items()} if isinstance(value, Mapping) else {}
