"""What is sent shows what the whole frames would, in a terminal emulator that is not ours."""

from typing import Any

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st

from console.terminal.changed_cells import Cells

COLUMNS, ROWS = 24, 5
PIECE = 4  # characters of a text at most; two cells each at most

texts = st.text(alphabet="ab ×漢e\u0301", min_size=1, max_size=PIECE)
colours = st.sampled_from(["", "38;5;246", "38;2;1;2;3", "31", "97"])
backgrounds = st.sampled_from(["", "48;5;16", "48;2;9;9;9", "44", "101"])
styles = st.builds(
    lambda *parts: ";".join(filter(None, parts)), st.sampled_from(["", "1", "3;4", "7", "9"]), colours, backgrounds
)
pieces = st.builds(
    lambda row, column, style, text: f"\x1b[{row};{column}H\x1b[{style}m{text}\x1b[0m",
    st.integers(1, ROWS),
    st.integers(1, COLUMNS - 2 * PIECE),
    styles,
    texts,
)
rows = st.builds(lambda row, text: f"\x1b[{row};1H\x1b[1m{text}\x1b[0m\r\n", st.integers(1, ROWS - 1), texts)
others = st.sampled_from(["\x1b[2J", "\x1b[?25l", "\x1b[?2026h", "\x1b[K", "\x1b[3;3H"])
frames = st.lists(st.lists(pieces | rows | others, max_size=6).map("".join), max_size=8)


def terminal() -> tuple[pyte.Screen, pyte.Stream]:
    screen = pyte.Screen(COLUMNS, ROWS)
    return screen, pyte.Stream(screen)


def visible(cell: Any) -> Any:
    """What is seen of a cell: of a blank one without a line or a reversal its background alone."""
    blank = cell.data == " " and not (cell.underscore or cell.strikethrough or cell.reverse)
    return (cell.data, cell.bg) if blank else cell


@given(frames)
@settings(max_examples=500)
def test_the_terminal_shows_the_same(drawn: list[str]) -> None:
    cells = Cells()
    (whole, all_of_it), (thin, changes) = terminal(), terminal()
    for frame in drawn:
        all_of_it.feed(frame)
        changes.feed(cells.changes(frame))
        for row in range(ROWS):
            assert [visible(thin.buffer[row][column]) for column in range(COLUMNS)] == [
                visible(whole.buffer[row][column]) for column in range(COLUMNS)
            ]
        assert (thin.cursor.x, thin.cursor.y) == (whole.cursor.x, whole.cursor.y)


def test_what_stands_there_is_not_sent_again() -> None:
    cells = Cells()
    frame = "\x1b[1;1H\x1b[1mSTATE\x1b[0m   accel-resnet50\r\n\x1b[2;1H\x1b[38;5;2m✓ ready\x1b[0m"
    assert "accel-resnet50" in cells.changes(frame)
    assert cells.changes(frame) == ""
    assert cells.changes(frame.replace("ready", "reach")) == "\x1b[2;6H\x1b[38;5;2mch\x1b[m"
    cells.forget()
    assert "accel-resnet50" in cells.changes(frame)
