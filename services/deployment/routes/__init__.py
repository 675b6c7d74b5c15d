"""The routes by which a deployment reaches a device: the hub's own, and Azure ML's."""

from services.deployment.routes.azureml import AzureMLRoute
from services.deployment.routes.base import Route
from services.deployment.routes.hub import HubRoute

ROUTES: dict[str, Route] = {route.name: route for route in (HubRoute(), AzureMLRoute())}
