"""Rules: what an edge agent reports, a file for each thing that it reports of."""

from __future__ import annotations

from services.diagnosis.agent import compared, deployment, engine, methods, modules, pull

RULES = pull.RULES + engine.RULES + deployment.RULES + compared.RULES + methods.RULES + modules.RULES
