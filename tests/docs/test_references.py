"""Pages that code, tests and docs refer to exist."""

import re
import subprocess
from pathlib import Path

import pytest

from console.tui.keymap import standard_keys

ROOT = Path(__file__).parents[2]
PAPERS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
READ = {".py", ".md", ".toml", ".tcss", ".json"}
# ``docs/…`` or ``facts/…`` as a path from the root; neither a part of an address nor of a longer path.
MENTION = re.compile(r"(?<![\w./-])((?:docs|facts)/[\w./-]*\w)")
# A file or folder of the code that a paper names, from the root; NAME stands for one to be made.
PLACE = re.compile(r"`((?:console|widgets|services|tests|docs)/[\w./-]*\w)/?`")
ACTION_NAMES = re.compile(r"`([a-z-]+)`((?:\s+\.[a-z-]+)+)")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#([\w-]+))?\)|\]\(#([\w-]+)\)")


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    names = listing.split("\n") if listing else [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")]
    files = [ROOT / name for name in names if name and not name.startswith((".", "tests/cases/"))]
    return [path for path in files if path.suffix in READ and path.is_file() and path != Path(__file__)]


def missing_mentions(text: str) -> list[str]:
    """Return the pages that ``text`` mentions by their path from the root, and that do not exist."""
    return [name for name in MENTION.findall(text) if not (ROOT / name).exists()]


def anchors(page: Path) -> set[str]:
    """Return the anchors of ``page``'s headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing_links(page: Path, text: str) -> list[str]:
    """Return the relative links of ``page`` whose file or heading does not exist."""
    broken = []
    for name, heading, own_heading in LINK.findall(text):
        if "://" in name or name.startswith("mailto:"):
            continue
        target = page.parent / name if name else page
        anchor = heading or own_heading
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(f"{name}#{anchor}" if anchor else name)
    return broken


def test_every_page_that_is_mentioned_exists():
    broken = {str(path.relative_to(ROOT)): missing_mentions(path.read_text(encoding="utf-8")) for path in tracked()}
    assert {path: names for path, names in broken.items() if names} == {}


def test_every_link_of_a_page_leads_somewhere():
    pages = [path for path in tracked() if path.suffix == ".md"]
    assert ROOT / "docs" / "facts" / "README.md" in pages
    broken = {str(page.relative_to(ROOT)): missing_links(page, page.read_text(encoding="utf-8")) for page in pages}
    assert {page: links for page, links in broken.items() if links} == {}


@pytest.mark.parametrize("page", PAPERS, ids=lambda page: page.name)
def test_every_place_that_a_paper_names_exists(page: Path):
    names = {name for name in PLACE.findall(page.read_text(encoding="utf-8")) if "NAME" not in name}
    assert {name for name in names if not (ROOT / name).exists()} == set()


def test_the_names_of_actions_in_the_configuration_exist():
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    names = {f"{place}{name}" for place, row in ACTION_NAMES.findall(text) for name in row.split()}
    assert len(names) > 100
    assert names - standard_keys().keys() == set()


def test_the_index_lists_every_page_of_facts():
    folder = ROOT / "docs" / "facts"
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in folder.glob("*.md") if page.name != "README.md" and f"]({page.name})" not in index] == []


def test_the_answers_of_the_lab_stand_where_the_page_says():
    rows = [
        row.split(" | ")
        for row in (ROOT / "docs/facts/lab-answers.md").read_text(encoding="utf-8").split("\n")
        if row[:2] == "| "
    ]
    files = {name for row in rows for name in re.findall(r"`([\w/]+\.\w+)`", row[1])}
    assert len(files) > 20
    assert {name for name in files if not any((ROOT / folder / name).exists() for folder in ("services/lab", "."))} == set()


@pytest.mark.parametrize("text", ["(docs/facts/nowhere.md)", '"""As facts/iot-hub.md has it."""', "see docs/nowhere"])
def test_a_page_that_does_not_exist_is_named(text):
    assert len(missing_mentions(text)) == 1


@pytest.mark.parametrize("text", ["docs/facts/iot-hub.md.", "https://example.com/docs/nowhere.md", "a/docs/nowhere"])
def test_pages_that_exist_and_addresses_of_others_are_left_alone(text):
    assert missing_mentions(text) == []


def test_a_link_to_a_heading_that_does_not_exist_is_named():
    page = ROOT / "docs" / "facts" / "README.md"
    assert missing_links(page, "[a](iot-hub.md#nothing) [b](nowhere.md) [c](#pages) [d](https://example.com)") == [
        "iot-hub.md#nothing",
        "nowhere.md",
    ]
