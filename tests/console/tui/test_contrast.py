"""Whether every theme with colours of its own can be read: WCAG's 4.5 to 1, on each ground that text stands on."""

from pathlib import Path

import pytest
from textual.color import Color

from console.tui.app import ConsoleApp
from console.tui.themes import CONTRAST, DARK, LIGHT

INK = ("foreground", "dim", "text-primary", "text-accent", "text-success", "text-warning", "text-error")
UNDER_THE_CURSOR = tuple(name for name in INK if name not in ("dim", "text-primary"))  # Lines draws no dim text there


def luminance(colour: Color) -> float:
    """Relative luminance as WCAG 2 defines it; Textual's own is another."""
    parts = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour.normalized]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def contrast(one: Color, other: Color) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [DARK, LIGHT, CONTRAST], ids=lambda theme: theme.name)
def test_text_can_be_read(theme) -> None:
    colours = {**theme.to_color_system().generate(), **theme.variables}
    ground = {name: Color.parse(colours[name]) for name in ("background", "surface", "panel")}
    cursor = ground["background"].blend(Color.parse(colours["primary"]), 0.30)
    pairs = [(name, where, Color.parse(colours[name]), back) for name in INK for where, back in ground.items()]
    pairs += [(name, "cursor", Color.parse(colours[name]), cursor) for name in UNDER_THE_CURSOR]
    pairs.append(("footer-key-foreground", "panel", Color.parse(colours["footer-key-foreground"]), ground["panel"]))
    pairs += [
        ("badge", name, (back := Color.parse(colours[name])).get_contrast_text(1.0), back)
        for name in ("primary", "accent", "error")
    ]
    weak = {f"{name} on {where}": round(ratio, 2) for name, where, ink, back in pairs if (ratio := contrast(ink, back)) < 4.5}
    assert not weak


async def test_without_colours_the_terminal_keeps_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)):
        colours = {
            colour.name
            for line in app.screen._compositor.render_strips()
            for segment in line.apply_filter(app._filters[-1], app.screen.background_colors[0])
            if segment.style is not None
            for colour in (segment.style.color, segment.style.bgcolor)
            if colour is not None
        }
    assert colours == {"default"}
