from pathlib import Path

import pytest

from services.contexts.model import Context, HubSettings, SecretSource
from services.contexts.store import ContextStore
from services.hub.client import Hub


@pytest.fixture
def context(lab_home: Path) -> Context:
    return ContextStore().resolve("lab")


@pytest.fixture
def hub(context: Context) -> Hub:
    return Hub.open(context)


@pytest.fixture
def context_with(lab: dict, lab_home: Path):
    """A context of the lab's hub with another connection string, CA or host."""

    def make(connection: str = "", ca_file: str = "") -> Context:
        secret = lab_home / "connection"
        secret.write_text(connection or lab["hub_connection_string"])
        secret.chmod(0o600)
        settings = HubSettings(lab["host"], SecretSource("file", str(secret)), ca_file=ca_file or lab["ca_file"])
        return Context("other", hub=settings)

    return make
