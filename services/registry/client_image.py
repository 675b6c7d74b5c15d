"""The client image's build context: what the shipped client imports of ours, and its packages for the base image's Python."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

from services.errors import OperatorError
from services.files import scratch_folder
from services.records import Progress
from services.registry.engine import Engine
from services.registry.reference import Reference
from services.text import end_of, one_line

Tell = Callable[[Progress], None]

DOCKERFILE = "services/client/Dockerfile"
# The Dockerfile's own base image has this Python.
BASE_PYTHON = "3.12"
# azure-iot-device requires it, and there is a source distribution alone: pure Python, made a wheel here.
_SOURCE_ONLY = "paho-mqtt>=1.6.1,<2"
_ROOT = Path(__file__).resolve().parent.parent
_PIP_SECONDS = 600


def build_client(
    engine: Engine, image: Reference, progress: Tell, *, base: str = "", python: str = BASE_PYTHON, packages: Path | None = None
) -> str:
    """Build the client image as ``image``; its id.

    ``base`` replaces the Dockerfile's base image, ``python`` is the version in it, ``packages`` a folder of installed packages to
    take instead of fetching them.
    """
    if packages is not None:
        if not packages.is_dir():
            raise OperatorError(
                f"There is no folder {packages}.",
                cause="It was named as the folder of the client's packages.",
                remedy="Make it with pip install --target, or leave it out to have the packages fetched.",
                code="client.no-packages",
            )
        return engine.build(image, context(packages), DOCKERFILE, progress, {"BASE": base} if base else {})
    with scratch_folder("client") as folder:
        fetch_packages(folder, python, progress)
        return build_client(engine, image, progress, base=base, packages=folder)


def fetch_packages(folder: Path, python: str, progress: Tell) -> None:
    """Install what the client requires into ``folder``, as wheels for Linux on x86-64 and that Python; nothing is compiled."""
    requirements = _ROOT / "client" / "requirements.txt"
    platforms = [part for name in ("manylinux2014_x86_64", "manylinux_2_28_x86_64") for part in ("--platform", name)]
    progress(Progress(f"fetching the client's packages for Python {python}"))
    with scratch_folder("wheels") as wheels:
        _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), _SOURCE_ONLY)
        fixed = ["--only-binary", ":all:", *platforms, "--python-version", python]
        _pip("install", "--target", str(folder), "--find-links", str(wheels), *fixed, "-r", str(requirements))


def _pip(action: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "pip", action, "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    try:
        done = subprocess.run(
            [*command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PIP_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _fetch_failed(f"pip was not done in {_PIP_SECONDS} s.", "") from error
    if done.returncode:
        raise _fetch_failed(one_line(done.stderr.strip().rpartition("\n")[2], 300), end_of(done.stderr, 4000))


def context(packages: Path) -> bytes:
    """Return the build context as a tar, laid out as the Dockerfile says."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in ("__init__.py", "inference/__init__.py", "inference/descriptors.py", "client"):
            _put(tar, f"services/{name}", _ROOT / name)
        _put(tar, "packages", packages)
    return buffer.getvalue()


def _put(tar: tarfile.TarFile, name: str, source: Path) -> None:
    if source.name == "__pycache__":
        return
    entry = tarfile.TarInfo(name)
    if source.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(entry)
        for child in sorted(source.iterdir()):
            _put(tar, f"{name}/{child.name}", child)
        return
    data = source.read_bytes()
    entry.size = len(data)
    entry.mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
    tar.addfile(entry, io.BytesIO(data))


def _fetch_failed(cause: str, raw: str) -> OperatorError:
    return OperatorError(
        "The client's packages could not be fetched.",
        cause=cause,
        remedy="Check the way to the package index, or fetch them elsewhere (pip install --target) and give that folder.",
        code="client.fetch",
        raw=one_line(raw, 4000),
    )
