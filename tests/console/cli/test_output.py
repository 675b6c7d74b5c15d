"""Tables of the command line: columns stand below each other in cells, whatever characters they hold."""

from __future__ import annotations

import argparse
from collections import Counter

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


WIDE = [
    {"name": "SimulatedTemperatureSensor", "state": "crash", "image": "azureiotedge-simulated-temperature-sensor:1.4"},
    {"name": "belt-camera", "state": "running", "image": "belt-camera:1.7"},
]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_table_fits_the_terminal_and_loses_nothing(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COLUMNS", str(width))
    reason = "the registry refuses the pull: authentication required"
    Call(argparse.Namespace(json=False)).table(("name", "state", "image", "reason"), [{**row, "reason": reason} for row in WIDE])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cell_len, lines)) <= width
    cells = "".join(text for row in WIDE for text in (*row.values(), reason)).replace(" ", "")
    assert Counter("".join(lines[1:]).replace(" ", "")) >= Counter(cells)
    assert width < 80 or any(line.startswith("SimulatedTemperatureSensor ") for line in lines)


def test_markup_in_a_cell_is_text(capsys: pytest.CaptureFixture[str]):
    Call(argparse.Namespace(json=False)).table(("name",), [{"name": "[red]x[/red]"}])
    assert "[red]x[/red]" in capsys.readouterr().out
