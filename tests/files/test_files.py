"""The one way to write a file: whole or not at all, names from outside, and what belongs to somebody else."""

from __future__ import annotations

import errno
import os
import stat
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import files
from services.errors import OperatorError
from services.files import (
    FileError,
    check_owner,
    file_name,
    open_private,
    private_file,
    private_folder,
    write,
    write_new,
    writing,
)


@given(st.text(max_size=300))
def test_a_name_from_outside_is_a_plain_name_in_its_folder(text: str) -> None:
    name = file_name(text)
    assert set(name) <= set(string.ascii_letters + string.digits + "._-") and not name.startswith((".", "-"))
    assert 0 < len(name) <= 100
    assert file_name(name) == name, "and stays as it is when it is named once more"


@pytest.mark.parametrize("text", ["host", "databox-edge-1", "a.b_c-9", "AccelHost"])
def test_an_ordinary_name_stays(text: str) -> None:
    assert file_name(text) == text


HOSTILE = [
    "a/b",
    "../../etc/passwd",
    "..",
    ".",
    "",
    "\0",
    "a\0b",
    "nul",
    "CON.txt",
    "x" * 5000,
    "-rf",
    ".bashrc",
    "\ud800",
    "ä\u202e",
    "a b",
]


def test_unlike_names_stay_unlike(tmp_path: Path) -> None:
    names = [file_name(text) for text in HOSTILE]
    assert len(set(names)) == len(names)
    for name in names:
        write_new(tmp_path / name, "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert not any(files._RESERVED.fullmatch(name) for name in names)


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "\ud800", "missing/a"])
@pytest.mark.parametrize("call", [write, write_new])
def test_a_name_that_no_file_can_have_is_said(tmp_path: Path, name: str, call: object) -> None:
    with pytest.raises(FileError) as caught:
        call(tmp_path / name, "x")  # type: ignore[operator]
    assert caught.value.cause and caught.value.remedy and "\0" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_fails_half_way_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write(path, "old")
    with pytest.raises(KeyError), writing(path, replace=True) as file:
        file.write(b"new")
        raise KeyError
    with pytest.raises(FileError, match="The disk is full"), writing(path, replace=True) as file:
        raise OSError(errno.ENOSPC, "")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_file_under_a_limit_of_size(tmp_path: Path) -> None:
    """In a child: the limit is the process's."""
    import subprocess
    import sys

    program = (
        "import resource, sys; from pathlib import Path; from services.files import FileError, write\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write(Path(sys.argv[1]), 'x' * 5000)\n"
        "except FileError as error: print(error.cause)"
    )
    root = Path(files.__file__).parents[1]
    said = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a")], capture_output=True, text=True, cwd=root, timeout=60
    )
    assert "limit on the size" in said.stdout and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: path.symlink_to("/dev/null"), Path.mkdir], ids=["fifo", "device", "folder"]
)
@pytest.mark.parametrize("call", [lambda path: write(path, "x"), private_file, open_private], ids=["write", "file", "append"])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path, make: object, call: object) -> None:
    make(tmp_path / "a")  # type: ignore[operator]
    with pytest.raises(FileError) as caught:
        call(tmp_path / "a")  # type: ignore[operator]
    assert caught.value.cause and caught.value.remedy


def test_new_means_new_on_a_disk_without_second_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "")

    monkeypatch.setattr(os, "link", refuse)
    write_new(tmp_path / "a", "x")
    (tmp_path / "b").symlink_to(tmp_path / "nowhere")
    for name in ("a", "b"):
        with pytest.raises(FileError, match="exists already"):
            write_new(tmp_path / name, "y")
    assert (tmp_path / "a").read_text() == "x" and not (tmp_path / "nowhere").exists()


def test_halves_of_characters_are_written_as_escapes(tmp_path: Path) -> None:
    write(tmp_path / "a", '"\ud800"')
    assert (tmp_path / "a").read_bytes() == b'"\\ud800"'


def test_private_folders_all_the_way(tmp_path: Path) -> None:
    private_folder(tmp_path / "a" / "b" / "c")
    for name in ("a", "a/b", "a/b/c"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700


def is_refused(path: Path) -> str:
    with pytest.raises(OperatorError) as caught:
        check_owner(path, "the context file")
    assert caught.value.code == "file.owner" and caught.value.cause and caught.value.remedy
    return str(caught.value)


def test_what_others_can_write_or_replace_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir(mode=0o700)
    file = folder / "a"
    file.touch(0o600)
    check_owner(file, "the context file")
    file.chmod(0o620)
    assert "chmod go-w" in is_refused(file)
    file.chmod(0o644)
    check_owner(file, "the context file")
    folder.chmod(0o777)
    assert "Others can replace" in is_refused(file)
    folder.chmod(0o1777)  # as /tmp: only owners remove
    check_owner(file, "the context file")
    folder.chmod(0o700)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "open" / "b").touch(0o600)
    (folder / "link").symlink_to(tmp_path / "open" / "b")
    assert "Others can replace" in is_refused(folder / "link")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_is_somebody_elses_is_refused_also_to_root(tmp_path: Path) -> None:
    file = tmp_path / "contexts.toml"
    file.touch(0o600)
    os.chown(file, 12345, 12345)
    assert "belongs to somebody else" in is_refused(file)
    os.chown(file, 0, 0)
    tmp_path.chmod(0o755)
    os.chown(tmp_path, 12345, 12345)
    assert "Others can replace" in is_refused(file)
