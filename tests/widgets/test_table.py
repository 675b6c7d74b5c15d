"""Tables and lines: cells that fit, a cursor that stays on its record, only what is seen drawn."""

from rich.cells import cell_len
from textual.app import App, ComposeResult

from widgets.lines import fit
from widgets.table import Column, Table

COLUMNS = (
    Column("NAME", lambda record: (record[0], "strong"), grow=2, order=lambda record: record[0]),
    Column("COUNT", lambda record: (str(record[1]), "plain"), right=True, order=lambda record: record[1]),
    Column("NOTE", lambda record: (record[2], "dim"), quiet=True, grow=3),
)


class Bare(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.table = Table(COLUMNS, lambda record: record[0], lambda record: f"{record[0]} {record[2]}")

    def compose(self) -> ComposeResult:
        yield self.table

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"dim": "#808080"}


def test_fit_is_exact_and_marks_what_it_cuts() -> None:
    for text in ("", "short", "日本語のテキスト", "x" * 50):
        for right in (False, True):
            assert cell_len(fit(text, 10, right)) == 10
    assert fit("x" * 50, 10).endswith("…")
    assert fit("12", 5, right=True) == "   12"


async def test_the_cursor_stays_on_its_record() -> None:
    app = Bare()
    async with app.run_test(size=(60, 10)) as pilot:
        app.table.show([("b", 2, ""), ("a", 1, ""), ("c", 3, "")])
        app.table.rows.focus()
        await pilot.press("j")
        assert app.table.current == ("a", 1, "")
        app.table.show([("new", 0, ""), ("c", 3, ""), ("b", 2, ""), ("a", 7, "")])
        assert app.table.current == ("a", 7, "")
        app.table.next_sort()
        assert [record[0] for record in app.table.rows.records] == ["a", "b", "c", "new"]
        assert app.table.current == ("a", 7, "")


async def test_filter_and_its_inverse() -> None:
    app = Bare()
    async with app.run_test(size=(60, 10)):
        app.table.show([("host", 1, "FPGA"), ("client", 2, "python")])
        app.table.set_filter("fpga")
        assert [record[0] for record in app.table.rows.records] == ["host"]
        app.table.set_filter("!fpga")
        assert [record[0] for record in app.table.rows.records] == ["client"]
        app.table.set_filter("nothing has this")
        assert app.table.current is None


async def test_columns_fill_the_width_and_quiet_ones_hide() -> None:
    app = Bare()
    async with app.run_test(size=(60, 10)) as pilot:
        app.table.show([("a" * 30, 1, "")])
        await pilot.pause()
        assert [column.title for column, _ in app.table.rows.widths(60)] == ["NAME", "COUNT"]
        app.table.show([("a" * 30, 1, "note " * 20)])
        for width in (24, 40, 60, 120):
            sizes = [size for _, size in app.table.rows.widths(width)]
            assert sum(sizes) + 2 * len(sizes) == width  # two cells between them, one at either end


async def test_spare_columns_are_shown_where_the_others_leave_room() -> None:
    columns = (COLUMNS[0], Column("SPARE", lambda record: ("spare", "dim"), spare=True), COLUMNS[2])
    table = Table(columns, lambda record: record[0], lambda record: record[0])
    table.rows.records = [("short", 1, "")]
    assert [column.title for column, _ in table.rows.widths(20)] == ["NAME", "SPARE"]
    table.rows.records = [("short", 1, "a long note")]
    assert [column.title for column, _ in table.rows.widths(20)] == ["NAME", "NOTE"]
    assert [column.title for column, _ in table.rows.widths(15)] == ["NAME"], "what would be cut to nothing is left out"


async def test_only_rows_in_view_are_drawn() -> None:
    app = Bare()
    drawn: list[int] = []
    async with app.run_test(size=(60, 10)) as pilot:
        cells = app.table.rows.cells
        app.table.rows.cells = lambda index, width: (drawn.append(index), cells(index, width))[1]
        app.table.show([(f"row-{number}", number, "") for number in range(10_000)])
        await pilot.pause()
        assert 0 < len(set(drawn)) <= 20
        app.table.rows.focus()
        await pilot.press("G")
        await pilot.pause()
        assert 9_999 in drawn and len(set(drawn)) <= 40


async def test_markup_in_data_is_text() -> None:
    app = Bare()
    async with app.run_test(size=(60, 10)) as pilot:
        app.table.show([("[/dev/fpga0] [red", 1, "[bold]x[/]")])
        await pilot.pause()
        assert "[/dev/fpga0] [red" in "".join(segment.text for segment in app.table.rows.render_line(0))


async def test_the_wide_view_shows_every_column_whole_sideways() -> None:
    app = Bare()
    async with app.run_test(size=(30, 10)) as pilot:
        app.table.show([("a" * 30, 1, "n" * 30 + "end")])
        app.table.rows.focus()
        await pilot.press("right")  # there is nothing there yet
        assert app.table.rows.shift == 0

        def row() -> str:
            return "".join(segment.text for segment in app.table.rows.render_line(0))

        assert "…" in row()
        await pilot.press("W")
        assert row() == " " + "a" * 29
        await pilot.press(*["right"] * 9)
        assert row().rstrip().endswith("end") and "NAME" not in str(app.table.heading.content)
        await pilot.press("W")
        assert "…" in row() and app.table.rows.shift == 0
