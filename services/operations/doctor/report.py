"""The doctor's report, to send to support: one Markdown file and one JSON object.

Secrets are masked; message bodies and picture names are left out unless asked for, since pictures may be sensitive.
"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from services.contexts.model import Context
from services.files import write as write_file
from services.masking import mask
from services.operations.doctor.examination import Examination, mark
from services.records import Step
from services.text import json_text

_PACKAGES = ("dbe-console", "azure-iot-hub", "azure-eventhub", "azureml-core", "azureml-accel-models", "grpcio", "textual")
_PICTURE = re.compile(r"(The image )(.+?)( was classified| is a ')")
_LEFT_OUT = "(left out)"


def as_dict(run: Examination, context: Context, bodies: bool = False) -> dict[str, Any]:
    """Return the run as plain JSON: verdict, causes worst first, steps, context without its secrets, versions."""
    tree = {
        "context": run.context,
        "device": run.device,
        "at": run.at.isoformat(timespec="seconds"),
        "healthy": run.healthy,
        "causes": [
            {
                "state": finding.state,
                "module": finding.module,
                "severity": finding.severity,
                "likely": finding.likely,
                "reason": finding.reason,
                "cause": finding.cause,
                "remedy": finding.remedy,
            }
            for finding in run.causes
        ],
        "steps": [step_dict(step) for step in run.steps],
        "out_of_support": [step.name.partition(":")[2] for step in run.steps if step.name.startswith("support:")],
        "settings": _settings(context),
        "versions": versions(),
    }
    safe: dict[str, Any] = _safe(tree, bodies)
    return safe


def step_dict(step: Step) -> dict[str, Any]:
    """Return one step: name, title, mark, state, detail, seconds, remedy, finding."""
    finding = asdict(step.finding) if step.finding else None
    seconds = None if step.seconds is None else round(step.seconds, 3)
    return {
        "name": step.name,
        "title": step.title,
        "mark": mark(step),
        "state": step.state,
        "detail": step.detail,
        "seconds": seconds,
        "remedy": step.remedy,
        "finding": finding,
    }


def markdown(tree: Mapping[str, Any]) -> str:
    """Return the run for reading, from ``as_dict``'s answer."""
    lines = [
        "# dbe-console doctor",
        "",
        f"Context {_code(tree['context'])}, device {_code(tree['device'])}, {tree['at']}",
        "",
        "## What is wrong",
        "",
    ]
    for cause in tree["causes"]:
        who = f"{_code(cause['module'])}: " if cause["module"] else ""
        lines.append(f"- {who}{'likely ' if cause['likely'] else ''}{_code(cause['state'])}: {_plain(cause['reason'])}")
        lines += [f"  {_plain(text)}" for text in (cause["cause"], cause["remedy"]) if text]
    if not tree["causes"]:
        lines.append("Nothing was found.")
    lines += ["", "## Checks", "", "| | check | what was seen | s | remedy |", "|---|---|---|---|---|"]
    for step in tree["steps"]:
        seconds = "" if step["seconds"] is None else f"{step['seconds']:.1f}"
        lines.append(
            f"| {step['mark']} | {_cell(step['title'])} | {_cell(step['detail'])} | {seconds} | {_cell(step['remedy'])} |"
        )
    pairs = [(step, step["finding"]) for step in tree["steps"] if step["finding"] and step["finding"]["severity"] != "ok"]
    lines += ["", "## Evidence", ""] if pairs else [""]
    for step, finding in pairs:
        lines += [f"### {_plain(step['title'])}: {_code(finding['state'])}", "", _plain(finding["cause"]), ""]
        if finding["settle"]:
            lines += [f"What would settle it: {_plain(finding['settle'])}", ""]
        for text in finding["evidence"]:
            lines += [*(f"    {line}" for line in str(text).split("\n")), ""]
    lines += [
        "## Settings and versions",
        "",
        *(f"    {line}" for line in json_text(tree["settings"], 1).split("\n")),
        "",
    ]
    lines += [f"- {name} {number}" for name, number in tree["versions"].items()]
    return "\n".join(lines) + "\n"


def report_paths(path: Path) -> tuple[Path, Path]:
    """Return the report's two files, Markdown and JSON, for a name with or without an ending."""
    if path.suffix not in (".md", ".json"):
        path = path.with_name(path.name + ".md")
    return path.with_suffix(".md"), path.with_suffix(".json")


def write(path: Path, run: Examination, context: Context, bodies: bool = False) -> tuple[Path, Path]:
    """Write ``path`` as Markdown and the same name with .json beside it, both mode 0600; the two paths. Raises OperatorError."""
    path, other = report_paths(path)
    tree = as_dict(run, context, bodies)
    for target, text in ((path, markdown(tree)), (other, json_text(tree, 1) + "\n")):
        write_file(target, text)
    return path, other


def versions() -> dict[str, str]:
    """Return Python, operating system and the packages that matter."""
    by_name = {"python": platform.python_version(), "system": f"{platform.system()} {platform.release()} {platform.machine()}"}
    for name in _PACKAGES:
        try:
            by_name[name] = version(name)
        except PackageNotFoundError:
            continue
    by_name["executable"] = Path(sys.executable).name
    return by_name


def _settings(context: Context) -> dict[str, Any]:
    """Return the context; of a secret only the kind of place that it comes from."""

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            if set(node) == {"kind", "value"}:
                return f"{node['kind']}:…"
            return {key: walk(value) for key, value in node.items()}
        return node

    settings: dict[str, Any] = walk(asdict(context))
    return settings


def _safe(node: Any, bodies: bool) -> Any:
    """Mask every text once more; picture names and message bodies go unless asked for."""
    if isinstance(node, dict):
        safe = {key: _safe(value, bodies) for key, value in node.items()}
        if not bodies and isinstance(node.get("evidence"), (list, tuple)) and _from_client(node["evidence"]):
            safe["evidence"] = [safe["evidence"][0], _LEFT_OUT]
        return safe
    if isinstance(node, (list, tuple)):
        return [_safe(value, bodies) for value in node]
    if isinstance(node, str):
        text = mask(node)
        return text if bodies else _PICTURE.sub(rf"\1{_LEFT_OUT}\3", text)
    return node


def _from_client(evidence: Any) -> bool:
    return len(evidence) > 1 and str(evidence[0]).startswith("client")


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_<>\[\]#|])", r"\\\1", str(text).replace("\n", " "))


def _cell(text: str) -> str:
    return _plain(text)


def _code(text: str) -> str:
    return f"`{str(text).replace('`', chr(39))}`" if text else "–"
