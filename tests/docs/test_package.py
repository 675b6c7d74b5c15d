"""What a user installs: a wheel of what belongs in it and nothing else, its licences, and its version."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from licences import PAGE, project_table

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(int(version("setuptools").partition(".")[0]) < 78, reason="this environment's setuptools is older than ours")
def test_the_wheel_holds_the_packages_and_nothing_else(tmp_path: Path) -> None:
    """From a tree with caches, tests and the papers in it."""
    tree = tmp_path / "tree"
    for package in ("console", "widgets", "services"):
        shutil.copytree(ROOT / package, tree / package)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for name in ("tests/test_one.py", "tests/__init__.py", "docs" + "/page.txt", "console/__pycache__/stale.cpython-310.pyc"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).touch()
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        str(tmp_path),
    ]
    built = subprocess.run([*command, str(tree)], capture_output=True, text=True, timeout=120)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (archive.read(name).decode() for name in names if name.endswith(".dist-info/METADATA"))
    strange = [name for name in names if not re.match(r"(console|widgets|services)/|dbe_console-[^/]+\.dist-info/", name)]
    assert not strange
    assert not [name for name in names if re.search(r"__pycache__|\.pyc$|(^|/)tests?(/|_)|/make", name)]
    parts = (
        "console/tui/console.tcss",
        "services/deployment/options/presets.json",
        "services/client/Dockerfile",
        "services/client/class_names.txt",
    )
    assert names >= {*parts, "services/lab/model/efficientnet-lite0-int8.onnx", "services/lab/model/LICENSE.efficientnet-lite0"}
    assert "License-Expression: MIT" in metadata
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]


def test_each_dependency_stands_on_the_page_of_licences() -> None:
    """A new one fails here until ``python tests/licences.py`` has been run; another release's other licence does not."""
    listed = dict(re.findall(r"^\| ([a-z0-9-]+) \| ([^|]+) \|", PAGE.read_text("utf-8"), re.MULTILINE))
    project = project_table()
    required = [*project["dependencies"], *project["optional-dependencies"]["lab"]]
    names = {re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0].lower() for text in required if "python_version" not in text}
    assert names <= listed.keys()
    assert {licence.split(" ")[0] for name, licence in listed.items() if name.startswith("azureml")} == {"proprietary"}
    assert not [name for name, licence in listed.items() if "not stated" in licence]


def test_setuptools_has_a_lower_bound_without_known_faults() -> None:
    assert [text for text in project_table()["dependencies"] if text.startswith("setuptools")] == ["setuptools>=78.1.1,<80"]


@pytest.mark.parametrize("arguments", [("--version",), ("--lab", "--version"), ("history", "--version")])
def test_version(arguments: tuple[str, ...]) -> None:
    """Without a terminal, a context or a writable home."""
    said = subprocess.run([sys.executable, "-m", "console", *arguments], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert (said.returncode, said.stdout) == (0, f"dbe-console {version('dbe-console')}\n")


def test_completions_are_put_where_a_shell_finds_them(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": "",
        "XDG_CONFIG_HOME": "",
        "DBE_CONSOLE_HOME": str(tmp_path),
    }
    for shell, place in (
        ("bash", ".local/share/bash-completion/completions/dbe-console"),
        ("fish", ".config/fish/completions/dbe-console.fish"),
    ):
        command = [sys.executable, "-m", "console", "completion", shell]
        installed = subprocess.run([*command, "--install"], capture_output=True, text=True, timeout=60, cwd=ROOT, env=environment)
        assert installed.returncode == 0, installed.stderr
        printed = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, env=environment).stdout
        assert (tmp_path / place).read_text("utf-8") == printed and "dbe-console" in printed
