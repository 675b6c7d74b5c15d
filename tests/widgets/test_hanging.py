"""Long values go on under where they began, at any width; what is copied is not broken."""

from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static

from services.records import WorkspaceImage
from widgets.details import image_details
from widgets.hanging_indent import Hang, Hanging

LONG = "word " * 30 + "x" * 50


class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield Static(image_details(WorkspaceImage("a", "a", 1, "AccelContainer", "Succeeded", "l", description=LONG)))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"dim": "#808080"}


async def test_a_value_goes_on_under_where_it_began() -> None:
    app = Bare()
    async with app.run_test(size=(50, 30)) as pilot:
        for width in (50, 80, 33):
            await pilot.resize_terminal(width, 30)
            await pilot.pause()
            static = app.query_one(Static)
            drawn = ["".join(segment.text for segment in static.render_line(y)).rstrip() for y in range(static.size.height)]
            begun = next(number for number, line in enumerate(drawn) if line.startswith("description"))
            value = [drawn[begun][15:]]
            for line in drawn[begun + 1 :]:
                if not line.startswith(" " * 15):
                    break
                value.append(line[15:])
            assert len(value) > 2 and "".join(value).replace(" ", "") == LONG.replace(" ", ""), drawn


def test_where_there_is_no_room_it_wraps_as_ever_and_a_long_name_stands_alone() -> None:
    text = Hanging(Content("a name that is long  value and more\nno hang here at all\n"), {0: Hang(21, 6)})
    assert text.at(14).plain.splitlines()[0] == "a name that is long  "
    assert text.at(14).plain.splitlines()[1:3] == ["      value", "      and more"]
    assert text.at(10).plain == text.plain == "a name that is long  value and more\nno hang here at all\n"
