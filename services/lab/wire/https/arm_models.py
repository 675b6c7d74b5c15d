"""Models of a workspace as Azure ML's v2 API lists them (docs/facts/azure-today.md, 4)."""

from __future__ import annotations

from aiohttp import web

from services.lab.wire.https.arm_hub import forbidden
from services.lab.wire.https.replies import CloudError, Json, part
from services.lab.world import World

_MODELS_A_PAGE = 4  # so that a client has to follow nextLink


def _missing(kind: str, name: str) -> CloudError:
    return CloudError(404, "ResourceNotFound", f"The Resource 'Microsoft.MachineLearningServices/{kind}/{name}' was not found.")


def _page_of(request: web.Request, rows: list[Json]) -> web.Response:
    """Return a page of rows, with nextLink where there are more ($skip)."""
    start = int(request.query.get("$skip") or 0)
    page: Json = {"value": rows[start : start + _MODELS_A_PAGE]}
    if start + _MODELS_A_PAGE < len(rows):
        page["nextLink"] = str(request.url.update_query({"$skip": start + _MODELS_A_PAGE}).with_scheme("https"))
    return web.json_response(page)


def _v2_resource(world: World, place: str, name: str, created: str, properties: Json) -> Json:
    shared = {"tags": {}, "properties": {}, "isArchived": False, "provisioningState": "Succeeded"}
    return {
        "id": f"{world.workspace_id}/{place}/{name}",
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces/models",
        "properties": shared | properties,
        "systemData": {"createdAt": created, "createdBy": "Lab operator", "createdByType": "User"},
    }


async def v2_models(request: web.Request, world: World) -> web.Response:
    """List the workspace's models as v2's ModelContainers, or one's versions (docs/facts/azure-today.md, 4)."""
    if part(request, "name").lower() != world.workspace.name.lower():
        raise _missing("workspaces", part(request, "name"))
    if world.faults.active("workspace-forbidden") is not None:
        raise forbidden(world, "Microsoft.MachineLearningServices/workspaces/models/read", world.workspace_id)
    models = [*world.workspace.models.values()]
    name = request.match_info.get("model")
    if name is None:
        newest = {one["name"]: one for one in models}
        rows = [
            _v2_resource(
                world,
                "models",
                one["name"],
                one["createdTime"],
                {"description": one["description"], "latestVersion": str(one["version"]), "nextVersion": str(one["version"] + 1)},
            )
            for one in newest.values()
        ]
        return _page_of(request, rows)
    versions = [one for one in models if one["name"] == name]  # case-sensitive
    if not versions:
        raise _missing("workspaces/models", name)
    rows = [
        _v2_resource(
            world,
            f"models/{name}/versions",
            str(one["version"]),
            one["createdTime"],
            {
                "description": one["description"],
                "tags": one["kvTags"],
                "modelUri": one["url"],
                "modelType": "custom_model",
                "flavors": {},
                "stage": None,
                "jobName": None,
                "isAnonymous": False,
            },
        )
        for one in versions
    ]
    return _page_of(request, rows)
