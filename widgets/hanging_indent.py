"""Text whose long lines go on under where their value began, not at the left edge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions

from widgets.symbols import STYLES, drawn


class Fact(NamedTuple):
    """A name and what stands beside it, from the same column on however long it is."""

    name: str
    value: str
    style: str = STYLES["dim"]
    width: int = 16


Part = tuple[str, str] | Fact  # a fact, or a text with its style


class Hang(NamedTuple):
    """Where a line's value begins, counted in characters, and in which cell it goes on."""

    start: int
    indent: int


class Hanging(Content):
    """Content with a hanging indent on some lines, by their number. Its ``plain`` text is unwrapped, for copying."""

    def __init__(self, content: Content, hangs: Mapping[int, Hang]) -> None:
        super().__init__(content.plain, list(content.spans))
        self._hangs = hangs
        self._width = 0
        self._wrapped_content: Content = content

    def __str__(self) -> str:
        """Return the text as it was drawn last: what the mouse selects is cut out of this, line by line."""
        return self._wrapped_content.plain

    def at(self, width: int) -> Content:
        """Return the lines as they stand in ``width`` cells."""
        if width != self._width:
            lines: list[Content] = []
            for number, line in enumerate(self.split(allow_blank=True)):
                lines += self._wrap_line(line, self._hangs.get(number), width)
            self._width, self._wrapped_content = width, Content("\n").join(lines)
        return self._wrapped_content

    def _wrap_line(self, line: Content, hang: Hang | None, width: int) -> list[Content]:
        if hang is None or line.cell_length <= width or hang.indent * 9 > width * 5:
            return [line]
        name, value = line.divide([hang.start])
        blank = Content(" " * hang.indent)
        first, *more = value.wrap(width - hang.indent)
        begin = [name + first] if name.cell_length <= hang.indent else [name, blank + first]
        return [*begin, *(blank + rest for rest in more)]

    def get_height(self, rules: RulesMap, width: int) -> int:
        """Return the lines at that width."""
        return self.at(width).get_height(rules, width)

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        return self.at(width).render_strips(width, height, style, options)


def assemble(parts: Iterable[Part]) -> Hanging:
    """Return the texts and facts, one after the other; each fact ends its line, but for the last."""
    texts: list[tuple[str, str]] = []
    hangs: dict[int, Hang] = {}
    line = 0
    for part in parts:
        if isinstance(part, Fact):
            name = f"{part.name:<{part.width - 1}} "
            for text in part.value.split("\n"):
                hangs[line] = Hang(len(name), part.width)
                texts += [(drawn(name), part.style), (drawn(f"{text}\n"), "")]
                name = " " * part.width
                line += 1
        else:
            texts.append((drawn(part[0]), part[1]))
            line += part[0].count("\n")
    return Hanging(Content.assemble(*texts).rstrip("\n"), hangs)
