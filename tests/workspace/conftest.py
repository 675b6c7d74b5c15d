from collections.abc import Iterator

import pytest

from services.contexts.model import Context
from services.contexts.store import ContextStore
from services.workspace.client import Workspace


@pytest.fixture
def lab_context(lab: dict, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("DBE_CONSOLE_HOME", lab["config_home"])
    return ContextStore().resolve("lab")


@pytest.fixture(scope="session")
def _shared(lab: dict) -> Iterator[Workspace]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DBE_CONSOLE_HOME", lab["config_home"])
        workspace = Workspace(ContextStore().resolve("lab"), poll_seconds=0.1)
    yield workspace
    workspace.close()


@pytest.fixture
def workspace(lab_context: Context, _shared: Workspace) -> Workspace:
    """One that many tests ask: starting the SDK takes seconds. Leave it open."""
    return _shared


@pytest.fixture
def fresh_workspace(lab_context: Context) -> Iterator[Workspace]:
    """One for this test alone."""
    workspace = Workspace(lab_context, poll_seconds=0.1)
    yield workspace
    workspace.close()
