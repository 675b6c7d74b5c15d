"""A twin as a tree: branches that open and close, every text shown as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from widgets.symbols import drawn, is_ascii

_DEEP = 40  # a hub takes ten levels; what is deeper comes from somebody hostile


class TwinTree(Tree[str]):
    """The parts of a twin; ``data`` of a node is its path with dots."""

    DEFAULT_CSS = """
    TwinTree {
        height: 1fr; background: transparent; padding: 0 1; scrollbar-size-vertical: 1;
        & > .twin--name { color: $dim; }
        &:focus { background-tint: transparent 0%; }
        &:focus > .tree--cursor { background: $primary 30%; color: $foreground; text-style: bold; }
        &:ansi:focus > .tree--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"twin--name"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False, id="tree.down"),
        Binding("k", "cursor_up", "Up", show=False, id="tree.up"),
        Binding("right,plus", "open", "Open", show=False, id="tree.open"),
        Binding("left,minus", "close", "Close", show=False, id="tree.close"),
        Binding("g", "scroll_home", "Top", show=False, id="tree.top"),
        Binding("G", "scroll_end", "Bottom", show=False, id="tree.bottom"),
    ]

    def __init__(self) -> None:
        super().__init__("twin", id="twin")
        self.show_root = False
        self.show_guides = not is_ascii()
        self.ICON_NODE, self.ICON_NODE_EXPANDED = drawn(self.ICON_NODE), drawn(self.ICON_NODE_EXPANDED)
        self.guide_depth = 2
        self.auto_expand = True

    def show(self, parts: Mapping[str, Any]) -> None:
        """Show these parts, each open to its second level; what was open stays open."""
        opened = {node.data for node in self._all(self.root) if node.is_expanded}
        fresh = not self.root.children
        self.clear()
        for name, value in parts.items():
            self._add(self.root, name, value, name, 1)
        for node in self._all(self.root):
            if node.data in opened or (fresh and (node.data or "").count(".") < 1):
                node.expand()
        if fresh:
            self.cursor_line = 0

    def render_label(self, node: TreeNode[str], base_style: Style, style: Style) -> Text:
        """Draw names behind their values."""
        label = super().render_label(node, base_style, style)
        if not node.allow_expand and node is not self.cursor_node:
            name = self.get_component_rich_style("twin--name", partial=True)
            label.stylize(name, 0, len(label.plain.partition("  ")[0]))
        return label

    def _all(self, node: TreeNode[str]) -> list[TreeNode[str]]:
        descendants = []
        for child in node.children:
            descendants += [child, *self._all(child)]
        return descendants

    def _add(self, parent: TreeNode[str], name: str, value: Any, path: str, depth: int) -> None:
        items: list[tuple[Any, Any]] | None = None
        if isinstance(value, (dict, list)):
            items = list(value.items() if isinstance(value, dict) else enumerate(value))
        if items is None or not items or depth > _DEEP:
            parent.add_leaf(_label(name, _words(value)), path)
            return
        remark = f"[{len(items)}]" if isinstance(value, list) else ""
        branch = parent.add(_label(name, remark, branch=True), path)
        for key, inner in items:
            self._add(branch, str(key), inner, f"{path}.{key}", depth + 1)

    def action_open(self) -> None:
        """Open the branch, or go into it."""
        node = self.cursor_node
        if node is not None and node.allow_expand and not node.is_expanded:
            node.expand()
        else:
            self.action_cursor_down()

    def action_close(self) -> None:
        """Close the branch, or go up to it."""
        node = self.cursor_node
        if node is not None and node.is_expanded:
            node.collapse()
        else:
            self.action_cursor_parent()


def _words(value: Any) -> str:
    """Return a value as JSON writes it; text without its quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _label(name: str, value: str, branch: bool = False) -> Text:
    """Return the label as Text, never as markup: a twin may hold anything."""
    return Text.assemble((name, "bold" if branch else ""), ("  " if value else ""), value.replace("\n", " ⏎ "), no_wrap=True)
