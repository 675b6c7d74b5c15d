"""Azure ML that misbehaves, through the unmodified azureml in its process; where its discovery leads."""

import base64
import json
from collections.abc import Callable, Iterator

import pytest
from replies.misbehaving import MISBEHAVIOURS, Server, json_reply

from services.contexts.model import CloudSettings, Context, WorkspaceSettings
from services.errors import OperatorError
from services.workspace import calls
from services.workspace.client import Workspace

# azureml reads the claims of its token.
TOKEN = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "none"}, {"oid": "x", "exp": 2**40}, 5)
)
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
FAST = [name for name in MISBEHAVIOURS if not any(word in name for word in ("drip", "silent", "endless"))]
PLACE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"


@pytest.fixture
def workspace_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Workspace]]:
    monkeypatch.setattr(calls, "token", lambda context: (TOKEN, 2**40))
    opened: list[Workspace] = []

    def make(server: Server, *trusted: str) -> Workspace:
        cloud = CloudSettings(f"https://{server.host}", f"https://{server.host}", server.ca_file)
        settings = WorkspaceSettings(SUBSCRIPTION, "g", "w", ca_file=server.ca_file)
        opened.append(Workspace(Context("other", workspace=settings, cloud=cloud, trusted_hosts=trusted)))
        return opened[-1]

    yield make
    for workspace in opened:
        workspace.close()


def test_nothing_is_read_from_a_reply_that_is_none(workspace_of: Callable[..., Workspace], server: Server):
    workspace = workspace_of(server)
    for name in FAST:
        server.behave = MISBEHAVIOURS[name]
        with pytest.raises(OperatorError) as caught:
            workspace.images()
        assert caught.value.what and caught.value.remedy, name
        assert caught.value.code.startswith(("workspace.", "network.")), (name, caught.value.code)


def answer_as_a_workspace(server: Server, services: str) -> None:
    resource = {
        "id": PLACE,
        "name": "w",
        "location": "eastus",
        "type": "Microsoft.MachineLearningServices/workspaces",
        "properties": {
            "workspaceId": "x",
            "discoveryUrl": f"https://{server.host}/discovery/x",
            "provisioningState": "Succeeded",
        },
        "sku": {"name": "Basic", "tier": "Basic"},
    }
    names = ("api", "history", "modelmanagement", "experimentation", "hyperdrive", "studio", "notebooks", "pipelines", "metrics")
    server.routes["/discovery/"] = json_reply({name: services for name in names})
    server.behave = json_reply(resource)


def test_the_token_goes_to_no_host_that_discovery_names(
    workspace_of: Callable[..., Workspace], server: Server, serve: Callable[..., Server]
):
    other = serve("127.0.0.72")
    other.behave = json_reply({"value": []})
    answer_as_a_workspace(server, f"https://{other.host}")
    with pytest.raises(OperatorError) as caught:
        workspace_of(server).images()
    assert caught.value.code == "context.untrusted-host", caught.value.as_dict()
    assert other.requests == []
    pair = f"{server.address}={other.address}"
    assert f"dbe-console context trust other --host {pair}" in caught.value.remedy
    assert workspace_of(server, pair).images() == []
    assert TOKEN in other.requests[0]
