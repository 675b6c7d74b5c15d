"""Azure ML: discovery, model management, operations, compute targets. Addresses and payloads as docs/facts/azure-ml.md has them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from services.lab.cloud.hub.errors import section
from services.lab.cloud.workspace import AmlError, Workspace
from services.lab.wire.https import oauth
from services.lab.wire.https.arm_api import signed_in
from services.lab.wire.https.replies import CloudError, Json, body_of, part, world_of
from services.lab.world import World

Handler = Callable[[web.Request, Workspace], Awaitable[web.Response]]


def _managed(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def checked(request: web.Request) -> web.Response:
        oauth.require(request)
        world = world_of(request)
        if part(request, "workspace").lower() != world.workspace.name.lower():
            raise AmlError(404, "WorkspaceNotFound", f"Workspace {part(request, 'workspace')} is not found.")
        if world.faults.active("workspace-forbidden") is not None:
            raise AmlError(403, "Forbidden", "The user does not have the role to do this in the workspace.")
        if world.faults.active("v1-gone") is not None:
            raise AmlError(410, "Gone", "This API is retired.")
        return await handler(request, world.workspace)

    return checked


def _list(request: web.Request, things: dict[str, Json]) -> web.Response:
    """Return a page of things, filtered as the SDK filters: name, version, imageType…, with nextLink where there are more."""
    rows = list(things.values())
    if name := request.query.get("name"):
        rows = [one for one in rows if one["name"] == name]
    for tag in request.query.getall("tags", []):
        key, _, value = tag.partition("=")
        rows = [
            one for one in rows if one["kvTags"].get(key, None if value else "") == value or (not value and key in one["kvTags"])
        ]
    rows.reverse()
    start, size = int(request.query.get("$skipToken", "0")), int(request.query.get("$top") or 50)
    page: Json = {"value": rows[start : start + size]}
    if start + size < len(rows):
        page["nextLink"] = str(request.url.update_query({"$skipToken": start + size}).with_scheme("https"))
    return web.json_response(page)


def _accepted(request: web.Request, operation: Json) -> web.Response:
    w = request.match_info
    base = (
        f"https://{request.host}/modelmanagement/v1.0/subscriptions/{w['subscription']}/resourceGroups/{w['group']}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{w['workspace']}"
    )
    return web.Response(status=202, headers={"Operation-Location": f"{base}/operations/{operation['id']}"})


async def _models(request: web.Request, workspace: Workspace) -> web.Response:
    return _list(request, workspace.models)


async def _model(request: web.Request, workspace: Workspace) -> web.Response:
    return web.json_response(workspace.find("Model", workspace.models, part(request, "id")))


async def _delete_model(request: web.Request, workspace: Workspace) -> web.Response:
    workspace.delete_model(part(request, "id"))
    return web.Response(status=200)


async def _convert(request: web.Request, workspace: Workspace) -> web.Response:
    return _accepted(request, workspace.convert(part(request, "id"), await body_of(request)))


async def _images(request: web.Request, workspace: Workspace) -> web.Response:
    return _list(request, workspace.images)


async def _image(request: web.Request, workspace: Workspace) -> web.Response:
    return web.json_response(workspace.find("Image", workspace.images, part(request, "id")))


async def _create_image(request: web.Request, workspace: Workspace) -> web.Response:
    return _accepted(request, workspace.create_image(await body_of(request)))


async def _delete_image(request: web.Request, workspace: Workspace) -> web.Response:
    workspace.delete_image(part(request, "id"))
    return web.Response(status=200)


async def _operation(request: web.Request, workspace: Workspace) -> web.Response:
    return web.json_response(workspace.find("Operation", workspace.operations, part(request, "id")))


async def _services(request: web.Request, workspace: Workspace) -> web.Response:
    return _list(request, workspace.services)


async def _service(request: web.Request, workspace: Workspace) -> web.Response:
    return web.json_response(workspace.find("Service", workspace.services, part(request, "id")))


async def _validate(request: web.Request, workspace: Workspace) -> web.Response:
    if part(request, "name") in workspace.services:
        raise AmlError(409, "Conflict", f"The service {part(request, 'name')} exists already.")
    return web.json_response({"isValid": True, "name": part(request, "name")})


async def _create_service(request: web.Request, workspace: Workspace) -> web.Response:
    return _accepted(request, workspace.create_service(await body_of(request)))


async def _delete_service(request: web.Request, workspace: Workspace) -> web.Response:
    return _accepted(request, workspace.delete_service(part(request, "id")))


async def _computes(request: web.Request, workspace: Workspace) -> web.Response:
    return web.json_response({"value": list(workspace.computes.values())})


async def _compute(request: web.Request, workspace: Workspace) -> web.Response:
    name = part(request, "name")
    if name not in workspace.computes:
        raise CloudError(404, "ComputeNotFound", f"Compute with name {name} is not found.")
    return web.json_response(workspace.computes[name])


async def _attach(request: web.Request, workspace: Workspace) -> web.Response:
    world, name = world_of(request), part(request, "name")
    properties = section(await body_of(request), "properties")
    if properties.get("computeType") != "IotHub" or not properties.get("resourceId"):
        raise CloudError(400, "BadRequest", "This lab attaches compute targets of type IotHub only.")
    operation = workspace.attach(name, str(properties["resourceId"]), world.workspace_id)
    return web.json_response(workspace.computes[name], status=201, headers=_operation_header(request, operation))


def _operation_header(request: web.Request, operation: Json) -> dict[str, str]:
    """Return the header that names the operation, which azureml reads of an attach and of a detach (core/compute/compute.py)."""
    path = f"/asyncoperations{world_of(request).workspace_id}/operations/{operation['id']}"
    return {"Azure-AsyncOperation": f"https://{request.host}{path}"}


async def _detach(request: web.Request, workspace: Workspace) -> web.Response:
    name = part(request, "name")
    if workspace.computes.pop(name, None) is None:
        raise CloudError(404, "ComputeNotFound", f"Compute with name {name} is not found.")
    return web.Response(status=202, headers=_operation_header(request, workspace.detached()))


async def _async_operation(request: web.Request, workspace: Workspace) -> web.Response:
    operation = workspace.find("Operation", workspace.operations, part(request, "id"))
    status = {"NotStarted": "InProgress", "Running": "InProgress"}.get(operation["state"], operation["state"])
    error = operation["error"]
    return web.json_response({"status": status, "error": {"code": error["code"], "message": error["message"]} if error else None})


async def _discovery(request: web.Request) -> web.Response:
    """Answer where the workspace's services are: all here. The SDK asks without a token."""
    base = f"https://{request.host}"
    names = ("api", "history", "modelmanagement", "experimentation", "hyperdrive", "studio", "notebooks", "pipelines", "metrics")
    return web.json_response({name: base for name in names})


async def _log(request: web.Request) -> web.Response:
    """Return a build or conversion log; its address is the secret, as with a blob's SAS."""
    text = world_of(request).workspace.logs.get(part(request, "name"))
    if text is None:
        raise web.HTTPNotFound
    return web.Response(text=text)


def _for_workspace(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def inner(request: web.Request, world: World) -> web.Response:
        if part(request, "workspace").lower() != world.workspace.name.lower():
            raise CloudError(404, "ResourceNotFound", f"The workspace '{part(request, 'workspace')}' was not found.")
        return await handler(request, world.workspace)

    return signed_in(inner)


def routes() -> list[web.RouteDef]:
    scope = (
        "/subscriptions/{subscription}/{_groups:(?i:resourceGroups)}/{group}"
        "/providers/Microsoft.MachineLearningServices/workspaces/{workspace}"
    )
    base = f"/modelmanagement/v1.0{scope}"
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/models", _models),
        ("GET", "/models/{id}", _model),
        ("DELETE", "/models/{id}", _delete_model),
        ("POST", "/models/{id}/convert", _convert),
        ("GET", "/images", _images),
        ("POST", "/images", _create_image),
        ("GET", "/images/{id}", _image),
        ("DELETE", "/images/{id}", _delete_image),
        ("GET", "/operations/{id}", _operation),
        ("GET", "/services", _services),
        ("POST", "/services", _create_service),
        ("POST", "/services/validate/name/{name}", _validate),
        ("GET", "/services/{id}", _service),
        ("DELETE", "/services/{id}", _delete_service),
    ]
    routes = [web.route(method, base + path, _managed(handler)) for method, path, handler in table]
    for prefix in ("", "/rp/workspaces"):
        routes += [
            web.get(f"{prefix}{scope}/computes", _for_workspace(_computes)),
            web.get(f"{prefix}{scope}/computes/{{name}}", _for_workspace(_compute)),
            web.put(f"{prefix}{scope}/computes/{{name}}", _for_workspace(_attach)),
            web.delete(f"{prefix}{scope}/computes/{{name}}", _for_workspace(_detach)),
        ]
    return [
        *routes,
        web.get(f"/asyncoperations{scope}/operations/{{id}}", _for_workspace(_async_operation)),
        web.get("/discovery/{workspace}", _discovery),
        web.get("/logs/{name}", _log),
    ]
