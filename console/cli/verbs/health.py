"""``dbe-console health``: whether the model is well, in one line, and what changed against the window before."""

from __future__ import annotations

import argparse
from datetime import datetime, timezone
from typing import Any

from console.cli.output import Call
from console.cli.verbs._names import DeviceName
from services.messages.health.statistics import WINDOWS, Counts
from services.messages.health.verdict import verdict
from services.operations.health import read_health

HELP = "say whether the model is well, by its messages, and what changed against the window before"
_SIGNS = {"ok": "✓", "info": "–", "warning": "!", "error": "✗"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", action=DeviceName, default="", help="the device instead of the context's")
    parser.add_argument("--window", choices=tuple(WINDOWS), default="5m", help="length of the window (default 5m)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(call: Call) -> int:
    """Print the verdict and both windows; return 1 where the model is not well, else 0."""
    device = call.options.device or call.context().device
    with call.session() as session:
        health = read_health(session, WINDOWS[call.options.window], device, progress=call.progress)
    severity, sentence = verdict(health)
    now, before = _window(health.now), _window(health.before)
    if call.as_json:
        changes = [{"what": change.what, "text": change.text, "worse": change.worse} for change in health.changes]
        call.out_json(
            {"device": device, "severity": severity, "verdict": sentence, "changes": changes, "now": now, "before": before}
        )
    else:
        call.out(f"{_SIGNS[severity]} {sentence}")
        for change in health.changes:
            call.out(f"  {change.text}")
        if now["messages"] or before["messages"]:
            rows = [{"window": name, **_row(window)} for name, window in (("now", now), ("before", before))]
            call.table(("window", "since", "messages", "results", "errors", "p50", "p95", "confidence"), rows)
    return 1 if severity == "error" else 0


def _window(counts: Counts) -> dict[str, Any]:
    since, until = (
        datetime.fromtimestamp(at / 1000, timezone.utc).isoformat(timespec="seconds") for at in (counts.since, counts.until)
    )
    return {
        "since": since,
        "until": until,
        "messages": counts.count,
        "results": counts.results,
        "errors": counts.errors,
        "latency_ms": {f"p{percent}": round(value, 1) for percent, value in sorted(counts.percentiles.items())},
        "confidence": None if counts.mean_confidence is None else round(counts.mean_confidence, 3),
        "classes": dict(counts.classes),
    }


def _row(window: dict[str, Any]) -> dict[str, Any]:
    """Return a window as its row for people."""
    since = datetime.fromisoformat(window["since"]).astimezone()
    latencies = {name: f"{value:,.0f} ms" for name, value in window["latency_ms"].items()}
    return {
        **window,
        **latencies,
        "since": f"{since:%H:%M:%S}" if since.date() == datetime.now().date() else f"{since:%d %b %H:%M}",
    }
