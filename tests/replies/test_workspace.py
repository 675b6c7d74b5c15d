"""Azure ML that misbehaves, through the unmodified azureml in its process; where its discovery leads."""

from collections.abc import Callable, Iterator

import pytest
from replies.misbehaving import MISBEHAVIOURS, Server, json_reply

from services.contexts.model import CloudSettings, Context, WorkspaceSettings
from services.errors import OperatorError
from services.workspace import calls
from services.workspace.client import Workspace

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
FAST = [name for name in MISBEHAVIOURS if not any(word in name for word in ("drip", "silent", "endless"))]
# These are no fault of ARM's, to which azureml's own reader of a workspace gives them: it asks for the next thing, which fails.
PLACE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"


@pytest.fixture
def workspace_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Workspace]]:
    monkeypatch.setattr(calls, "token", lambda context: ("CANARYTOKEN", 2**40))
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
    names = ("modelmanagement", "api", "experimentation", "history", "hyperdrive", "pipelines", "webhooks")
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
    assert caught.value.code == "context.untrusted-host" and other.requests == []
    pair = f"{server.address}={other.address}"
    assert f"dbe-console context trust other --host {pair}" in caught.value.remedy
    assert workspace_of(server, pair).images() == []
    assert "CANARYTOKEN" in other.requests[0]
