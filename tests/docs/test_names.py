"""Names say what a value is: few of them are bare participles (docs/contributing.md).

``python tests/docs/test_names.py [FOLDER…]`` lists those there are, with their places.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("console", "services", "widgets")
AT_MOST = 4.0  # of 1,000 bound names; 0.4 to 2.7 in harlequin, posting and httpx
# ``done``, ``read``, ``set`` and ``put`` are nouns or verbs, too; ``running`` and ``pending`` are states of the field.
PARTICIPLES = frozenset(
    {
        "found", "told", "said", "made", "taken", "known", "left", "given", "wanted", "heard", "seen", "kept",
        "shown", "got", "asked", "brought", "begun", "held", "meant", "sent", "sought", "thought", "chosen", "looked",
        "tried", "gone", "become", "written", "spoken", "added", "dropped", "moved", "joined", "wrapped", "reached",
        "refused", "offered", "typed", "answered", "missed", "lost", "gained", "met",
    }
)  # fmt: skip


def bound_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every name that a module binds: variables, parameters, functions, attributes of classes; with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno


def participles(folders: tuple[str, ...] = ROOMS) -> tuple[int, list[str]]:
    """Return how many names are bound, and the places of those that are bare participles."""
    count = 0
    places = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name, line in bound_names(ast.parse(path.read_text("utf-8"))):
                count += 1
                if name.strip("_") in PARTICIPLES:
                    places.append(f"{path.relative_to(ROOT)}:{line}: {name}")
    return count, places


def test_few_names_are_bare_participles():
    count, places = participles()
    assert 1000 * len(places) / count <= AT_MOST, "\n".join(places)


if __name__ == "__main__":
    total, places_of_all = participles(tuple(sys.argv[1:]) or ROOMS)
    sys.stdout.write(
        "\n".join([*places_of_all, f"{len(places_of_all)} of {total}: {1000 * len(places_of_all) / total:.1f} of 1,000"]) + "\n"
    )
