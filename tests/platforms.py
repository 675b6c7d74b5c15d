"""Writes ``docs/platforms.md``: where dbe-console installs from wheels alone, by asking a package index with uv.

python tests/platforms.py [--check]        (uv on PATH or in this environment, and an index that it reaches)

pip's own ``--platform`` takes the markers of the machine that it runs on, so that it cannot tell of another; uv's does not.
``--check`` writes nothing and exits with 1 where a pair does not resolve.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "platforms.md"
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    "Linux x86-64": "x86_64-unknown-linux-gnu",
    "Linux aarch64": "aarch64-unknown-linux-gnu",
    "macOS x86-64": "x86_64-apple-darwin",
    "macOS arm64": "aarch64-apple-darwin",
    "Windows x86-64": "x86_64-pc-windows-msvc",
}
# Whose suite (`.ci/run`) runs before each release: by hand, since no tool can know.
RUN = {("Linux x86-64", python) for python in ("3.10", "3.11", "3.13")}


def resolve(platform: str, python: str, extra: str = "") -> dict[str, str]:
    """The packages and versions that an install takes there; empty where it does not resolve."""
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    command = [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:"]
    command += ["--python-platform", PLATFORMS[platform], "--python-version", python, *(["--extra", extra] if extra else [])]
    done = subprocess.run([*command, str(ROOT / "pyproject.toml")], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        sys.stderr.write(f"{platform}, Python {python}{f' [{extra}]' if extra else ''}: {done.stderr.strip()}\n")
        return {}
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", done.stdout, re.MULTILINE))


HEAD = """# Platforms

Written by `python tests/platforms.py`, which asks a package index with uv for every pair, wheels alone; `.ci/run`
is what "run" means.

- **run**: the suite, or its quick half, is run on it (`.ci/run`).
- **resolved, never run**: every package has a wheel there, and nobody has tried it.
- **REST**: azure-iot-hub is left out, since its uamqp has no wheel there; the console asks the hub by `services/contexts/hub_rest.py`,
  which is held to the same contract (`tests/replies/test_hub_api.py`). By uamqp's wheels it could be had on macOS arm64 with Python
  3.10, too; there the REST is taken all the same.

On Windows the console has never been started. All else that the console needs, Azure ML's packages among it, has wheels for each of
these pairs. Only the lab needs onnxruntime, which decides where the lab can be installed. macOS is
asked for as 13, uv's own choice: the one wheel of onnxruntime for arm64 and Python 3.14 wants 14.

## What it weighs

Measured in an environment with the lab on Linux x86-64, Python 3.11: 538 MB in 107 packages, pip among them (the wheels of it: 104 MB).
The heaviest, in MB: onnxruntime 80 and pillow 22 (lab alone), numpy 71, azure-mgmt-resource 65 and azureml-core 51 (with the other
azure-mgmt packages, which azureml-core requires: 60 more), grpcio 19, uamqp 17, uvloop 14, cryptography 14, dbe-console itself 13 (the
lab's network and pictures among it).
"""


def cell(platform: str, python: str, extra: str) -> str:
    """What is to be said of one pair."""
    packages = resolve(platform, python, extra)
    if not packages:
        return "**does not resolve**"
    run = "run" if (platform, python) in RUN else "resolved, never run"
    return run + ("" if "azure-iot-hub" in packages else ", REST")


def table(extra: str) -> tuple[str, bool]:
    """A table of all pairs with an extra, and whether each of them resolves."""
    pairs = [(platform, python) for platform in PLATFORMS for python in PYTHONS]
    with ThreadPoolExecutor(2) as pool:
        cells = dict(zip(pairs, pool.map(lambda pair: cell(*pair, extra), pairs), strict=True))
    lines = ["| | " + " | ".join(PYTHONS) + " |", "|---" * (len(PYTHONS) + 1) + "|"]
    lines += [f"| {platform} | " + " | ".join(cells[platform, python] for python in PYTHONS) + " |" for platform in PLATFORMS]
    return "\n".join(lines) + "\n", not any("not resolve" in text for text in cells.values())


def main() -> int:
    """Ask, and write the page unless only asked to check."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing")
    check = arguments.parse_args().check
    console, console_resolves = table("")
    lab, _ = table("lab")
    if not check:
        PAGE.write_text(f"{HEAD}\n## The console\n\n{console}\n## With the lab\n\n{lab}", encoding="utf-8")
    return 0 if console_resolves else 1


if __name__ == "__main__":
    sys.exit(main())
