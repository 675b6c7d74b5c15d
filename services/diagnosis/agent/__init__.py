"""Rules: what an edge agent reports, a file for each thing that it reports of."""

from __future__ import annotations

from services.diagnosis.agent import compared, container, deployment, edge_hub, engine, methods, modules, pull

RULES = (
    pull.RULES
    + container.RULES
    + engine.RULES
    + deployment.RULES
    + edge_hub.RULES
    + compared.RULES
    + methods.RULES
    + modules.RULES
)
