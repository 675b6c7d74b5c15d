"""Every place where the product writes a file: private, whole, through no link; and what the disk refuses is said in words."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from files_and_disks import DISKS, QUIET, WRITERS, Writer

from services.errors import OperatorError
from services.files import private_folder

ALL = [*WRITERS, *QUIET]


def prepared(home: Path, writer: Writer) -> Path:
    """The writer's path, with its folder."""
    path = home / writer.path
    private_folder(path.parent)
    return path


def modes(folder: Path) -> dict[str, int]:
    """The mode of everything below a folder."""
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}


@pytest.mark.parametrize("writer", ALL, ids=str)
def test_files_are_0600_and_folders_0700(home: Path, writer: Writer) -> None:
    """Also where the user's own files are for everybody to read."""
    before = os.umask(0)
    try:
        if writer.from_outside:
            prepared(home, writer)
        writer.write(home / writer.path)
    finally:
        os.umask(before)
    assert (home / writer.path).stat().st_size
    expected = {name: 0o700 if (home / name).is_dir() else 0o600 for name in modes(home)}
    assert modes(home) == expected, "and nothing else is left there"


@pytest.mark.parametrize("writer", ALL, ids=str)
def test_a_file_that_others_could_read_becomes_private(home: Path, writer: Writer) -> None:
    path = prepared(home, writer)
    if writer.path.endswith("contexts.toml"):
        pytest.skip("it is refused before: tests/contexts/test_store.py")
    path.write_text("")
    path.chmod(0o666)
    writer.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.stat().st_size


@pytest.mark.parametrize("writer", ALL, ids=str)
@pytest.mark.parametrize("ending", ["", ".part", ".new", ".tmp"])
def test_no_link_is_followed(home: Path, tmp_path: Path, writer: Writer, ending: str) -> None:
    target = tmp_path / "precious"
    target.write_text("")
    target.chmod(0o644)
    path = prepared(home, writer)
    path.with_name(path.name + ending).symlink_to(target)
    if ending:
        writer.write(path)
        assert path.stat().st_size and not path.is_symlink()
    elif writer in QUIET:
        writer.write(path)
    else:
        with pytest.raises(OperatorError) as caught:
            writer.write(path)
        assert caught.value.remedy
        assert path.is_symlink()
    assert target.read_text() == "" and stat.S_IMODE(target.stat().st_mode) == 0o644


@pytest.mark.parametrize("writer", ALL, ids=str)
@pytest.mark.parametrize("disk", DISKS, ids=lambda disk: disk.__name__)
def test_what_the_disk_refuses_is_said(home: Path, writer: Writer, disk: Callable[[Path], AbstractContextManager[str]]) -> None:
    folder = home / writer.path.partition("/")[0] if "/" in writer.path else home
    folder.mkdir(mode=0o700, parents=True)
    with disk(folder) as cause:
        if writer.from_outside and disk is not DISKS[-1] and folder != (home / writer.path).parent:
            return  # nobody can have made that folder there
        if writer in QUIET:
            writer.write(home / writer.path)
            return
        with pytest.raises(OperatorError) as caught:
            writer.write(home / writer.path)
        assert (
            (cause in caught.value.cause or "Not a directory" in caught.value.cause) and caught.value.what and caught.value.remedy
        )
        assert not [path for path in folder.rglob(".*")] if folder.is_dir() else True, "half a file is left"


@pytest.mark.parametrize("writer", WRITERS, ids=str)
def test_a_folder_in_the_place_of_the_file_is_said(home: Path, writer: Writer) -> None:
    path = prepared(home, writer)
    path.mkdir()
    with pytest.raises(OperatorError) as caught:
        writer.write(path)
    assert caught.value.cause and caught.value.remedy
    assert path.is_dir()
