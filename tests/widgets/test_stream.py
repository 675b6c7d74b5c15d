"""The stream: a window at constant memory, tail, pause, scroll back."""

from datetime import datetime, timezone

from textual.app import App, ComposeResult

from services.records import InferenceMessage, RecorderFigures
from widgets.messages import MessagesPane
from widgets.stream import PAGE, WINDOW, SenderColumn, Stream, message_cells


def message(row: int, **changes: object) -> InferenceMessage:
    fields = {
        "device": "device",
        "module": "client",
        "kind": "result",
        "text": "t",
        "picture": "./a/cat.jpg",
        "label": "tiger cat",
        "confidence": 0.9,
        "milliseconds": 42.0,
    }
    return InferenceMessage(
        row,
        "0",
        row,
        str(row),
        datetime(2026, 1, 1, tzinfo=timezone.utc),
        **{**fields, **changes},
    )


class Bare(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.pane = MessagesPane(id="messages")
        self.wanted: list[tuple[str, int]] = []
        self.tails = 0

    def compose(self) -> ComposeResult:
        yield self.pane

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"dim": "#808080"}

    def on_stream_wanted(self, event: Stream.Wanted) -> None:
        self.wanted.append((event.where, event.row))

    def on_messages_pane_tail(self) -> None:
        self.tails += 1


async def test_the_window_never_grows_beyond_its_size() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show_window([message(row) for row in range(100)])
        for start in range(100, 20_000, 500):
            app.pane.add_newer([message(row) for row in range(start, start + 500)])
        await pilot.pause()
        stream = app.pane.stream
        assert len(stream.window) == WINDOW
        assert stream.current == message(stream.last_row)
        assert stream.scroll_offset.y == stream.max_scroll_y


async def test_the_end_stays_in_sight_under_a_note() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.pane
        pane.show_window([message(row) for row in range(100)])
        await pilot.pause()
        height = pane.stream.page_size
        pane.show_intake(RecorderFigures("reconnecting", trouble="The connection was cut.", remedy="Wait. " * 20), 0)
        await pilot.pause()
        assert pane.stream.page_size < height and pane.stream.scroll_offset.y == pane.stream.max_scroll_y
        pane.show_intake(RecorderFigures("receiving"), 0)
        await pilot.pause()
        assert pane.stream.page_size == height and pane.stream.scroll_offset.y == pane.stream.max_scroll_y


async def test_scrolling_up_leaves_the_tail_and_counts_what_waits() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.pane
        pane.show_window([message(row) for row in range(100, 300)])
        pane.focus_content()
        await pilot.press("k")
        assert not pane.tailing
        seen = pane.stream.current
        offset = pane.stream.scroll_offset.y
        pane.show_intake(RecorderFigures("receiving", 10.0), 17)
        assert pane.word == "paused +17"
        pane.add_newer([message(row) for row in range(300, 320)])
        assert pane.stream.current == seen and pane.stream.scroll_offset.y == offset
        pane.action_follow()
        await pilot.pause()
        assert pane.tailing and app.tails == 1


async def test_older_messages_are_asked_for_once_and_what_is_seen_stays() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.pane
        pane.show_window([message(row) for row in range(1000, 1100)])
        pane.focus_content()
        pane.stream.move_to(0)
        await pilot.press("j")
        await pilot.press("k")
        await pilot.pause()
        assert app.wanted == [("before", 1000)]
        pane.add_older([message(row) for row in range(500, 1000)])
        assert pane.stream.current == message(1000)


async def test_pause_freezes_the_view() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)):
        app.pane.show_window([message(1)])
        app.pane.action_pause()
        assert app.pane.paused and not app.pane.tailing
        app.pane.action_pause()
        assert app.pane.tailing


def test_a_result_is_aligned_and_a_slow_one_marked() -> None:
    for width in (30, 60, 80, 120):
        cells = message_cells(message(1), width)
        assert sum(len(text) for text, _ in cells) <= width + 1
    assert ("1,200 ms".rjust(8) + " ", "warn") in message_cells(message(1, milliseconds=1200.0), 80)
    assert any("cat.jpg" in text and "./a" not in text for text, _ in message_cells(message(1), 80))
    error = message_cells(message(1, kind="tensor-names", text="Unable to inference"), 80)
    assert any(text.startswith("✗") for text, _ in error) and any("Unable" in text for text, _ in error)


def test_senders_stand_in_the_row_where_there_are_several() -> None:
    names = ["databox-edge-1", "databox-edge-2/classifier", "databox-edge-2/other"]
    assert SenderColumn.of(names[:1], 80) is None and SenderColumn.of(names, 40) is None
    for room in (50, 66, 78, 120):
        column = SenderColumn.of(names, room)
        assert column is not None
        shown = [column.fit(name) for name in names]
        assert len(set(shown)) == 3 and {len(text) for text in shown} == {column.width}  # told apart, and aligned
        cells = message_cells(message(1, device="databox-edge-2", module="classifier", missing=1234), room, column)
        assert sum(len(text) for text, _ in cells) <= room
        line = "".join(text for text, _ in cells)
        assert shown[1].strip() in line and "▲ 1,234 lost before" in line
    assert [text.strip() for text in shown] == names


async def test_the_senders_column_comes_and_goes_with_the_filter() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.pane
        pane.show_window([message(row, device=f"device-{row % 2}") for row in range(10)])
        await pilot.pause()
        assert pane.stream.column is not None
        pane.show_window([message(row) for row in range(10)])
        assert pane.stream.column is None
        pane.add_newer([message(11, device="device-2")])
        assert pane.stream.column is not None
        pane.show_window([message(row) for row in range(PAGE, 2 * PAGE)])
        assert pane.stream.column is None
        pane.stream.prepend([message(1, device="device-1")])
        assert pane.stream.column is not None, "further back another one sends"


async def test_the_intakes_line_tells_the_worst_first_and_all_of_it() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.pane
        pane.show_window([message(1)])
        pane.show_intake(
            RecorderFigures(
                "reconnecting", lag=1200, behind=34, stored=3040, gaps=1, dropped=460, reconnects=10, restarts=1, ahead=-600.0
            ),
            0,
        )
        await pilot.pause()
        for width in range(80, 50, -7):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            lines = str(pane.state_line.content).splitlines()
            assert all(len(line) <= width - 4 for line in lines) and pane.state_line.size.height == len(lines), width
            assert " · ".join(lines).split(" · ") == [
                "✗ reconnecting", "lag 1,200 (34s)", "460 lost in 1 gap", "10 reconnects", "recorder 1 restart",
                "clock 10m late", "3,040 kept",
            ]  # fmt: skip
        pane.show_intake(RecorderFigures("receiving", 3.0, stored=3040), 0)
        assert str(pane.state_line.content).startswith("following · 3.0/s · lag 0")


async def test_the_heads_stand_over_their_columns_and_name_another_day() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.pane
        pane.show_window([message(row) for row in range(10)])
        await pilot.pause()
        heads = str(pane.heads.content)
        line = "".join(text for text, _ in message_cells(message(1), pane.stream.scrollable_content_region.width))
        assert heads.startswith(" 2026-01-01 ") and heads.index("CLASS") == line.index("tiger cat")
        assert heads.index("PICTURE") == line.index("cat.jpg")
        await pilot.resize_terminal(80, 9)
        pane.show_window([message(1)])
        await pilot.pause()
        assert not pane.heads.display, "each line is for a message"
