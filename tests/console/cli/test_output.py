"""Tables of the command line: columns stand below each other in cells, whatever characters they hold."""

from __future__ import annotations

import argparse

import pytest
from rich.cells import cell_len

from console.cli.output import Call


def test_columns_are_aligned_by_cells(capsys: pytest.CaptureFixture[str]):
    rows = [{"name": "相机一", "count": 3}, {"name": "eye", "count": 12}, {"name": "é", "count": None}]
    Call(argparse.Namespace(json=False)).table(("name", "count"), rows)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["NAME", "COUNT"], ["相机一", "3"], ["eye", "12"], ["é"]]
    ends = {cell_len(line) for line in lines[:3]}
    assert ends == {6 + 2 + 5}
