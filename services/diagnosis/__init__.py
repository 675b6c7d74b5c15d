"""Evidence in, named state with cause and remedy out. Rules are data, a file for each source; nothing here calls anybody."""

from __future__ import annotations

from services.diagnosis.device import diagnose_state, findings, worst
from services.diagnosis.errors import explain, finding_of
from services.diagnosis.evidence import RULES, diagnose

__all__ = ["RULES", "diagnose", "diagnose_state", "explain", "finding_of", "findings", "worst"]
