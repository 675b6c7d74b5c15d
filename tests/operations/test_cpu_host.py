"""A CPU host, asked over HTTP by doctor and score where its port 80 is reached under another number."""

from __future__ import annotations

from pathlib import Path

import pytest

CAT = Path(__file__).parents[2] / "services" / "client" / "assets" / "cat.jpg"


@pytest.fixture
def context(tmp_path, running, monkeypatch):
    """The context of a lab whose user may not bind ports below 1024."""
    with running(tmp_path / "lab", low_ports=False) as info:
        monkeypatch.setenv("DBE_CONSOLE_HOME", info["config_home"])
        from services.contexts.store import ContextStore
        from services.hub.client import Hub

        context = ContextStore().resolve(None)
        deploy(Hub.open(context), info)
        yield context


def deploy(hub, info):
    from services.deployment.history import History
    from services.deployment.manifest.changes import SetModule, SetRegistry
    from services.deployment.routes.hub import apply_plan, plan_changes
    from services.records import RegistryCredentials, Secret

    server = info["registry_server"]
    credentials = RegistryCredentials(server, info["registry_username"], Secret(info["registry_password"]))
    options = '{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"80"}]}}}'
    host = SetModule("cpu", image=f"{server}/cpu-classifier:1", create_options=options, status="running")
    apply_plan(hub, plan_changes(hub, "databox-edge-1", [SetRegistry(credentials), host]), History())


def test_it_answers_doctor_and_score(context, checked_steps, eventually):
    from services.hub.client import Hub
    from services.operations.score import Scorer, find_host

    assert context.device_ports == {80: 8080, 443: 8443}

    def answered():
        step = checked_steps(context, "host").get("host:cpu")
        return step if step is not None and step.state == "done" else None

    assert "answers in" in eventually(answered).detail
    with Scorer(find_host(context, Hub.open(context))) as scorer:
        assert scorer.score(CAT).labels[0].name == "tiger cat"
