"""One verb imports no other, and no SDK before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from console.cli.verbs import NAMES

SDKS = (
    "aiohttp",
    "azure",
    "azureml",
    "docker",
    "google",
    "grpc",
    "keyring",
    "msrest",
    "numpy",
    "onnxruntime",
    "textual",
    "uamqp",
)
PROBE = """
import importlib, json, sys
importlib.import_module("console.cli.verbs." + sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""
# ``client`` shares the options of ``deploy``; a change of any kind those of a module; a deployment those of create options.
SHARED = {"options", "deploy"}


@pytest.mark.parametrize("verb", NAMES)
def test_a_verb_is_imported_without_sdks_and_without_other_verbs(verb: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROBE, verb], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    modules = json.loads(done.stdout)
    assert not {name.split(".")[0] for name in modules} & set(SDKS)
    verbs = {name.rpartition(".")[2] for name in modules if name.startswith("console.cli.verbs.")}
    assert not (verbs & set(NAMES)) - {verb} - SHARED
