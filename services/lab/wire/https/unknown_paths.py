"""What the lab does not do, said in the form of the service that was asked."""

from __future__ import annotations

from aiohttp import web

from services.lab.cloud.workspace import AmlError

# The services that azureml's discovery names; all of them are here, and most do nothing.
_WORKSPACE = (
    "artifact",
    "experimentation",
    "execution",
    "history",
    "hyperdrive",
    "metric",
    "modelmanagement",
    "notebook",
    "pipeline",
)
_HUB = ("devices", "twins", "configurations", "statistics", "messages", "jobs", "digitaltwins", "service")
_CODES = {404: "NotFound", 405: "MethodNotAllowed"}


def refuse(request: web.Request, status: int) -> web.Response:
    """Return the 404 or 405 of a path or method that the lab does not have."""
    text = f"The lab does not do this: {request.method} {request.path}"
    service, code = request.path.strip("/").partition("/")[0].lower(), _CODES[status]
    if service.startswith(_WORKSPACE):
        # ``details`` is iterated by azureml's ServiceException, present or not.
        return web.json_response(AmlError(status, code, text).body(), status=status)
    if service == "v2":
        error = {"code": "UNSUPPORTED", "message": text, "detail": None}
        return web.json_response({"errors": [error]}, status=status)
    if service in _HUB:
        return web.json_response({"Message": f"ErrorCode:{code};{text}", "ExceptionMessage": ""}, status=status)
    return web.json_response({"error": {"code": code, "message": text, "details": []}}, status=status)
