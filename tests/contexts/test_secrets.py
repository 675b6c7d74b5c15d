import stat
import sys
from pathlib import Path

import keyring
import keyring.backend
import pytest

from services.contexts.codec import parse_source
from services.contexts.secrets import forget, keep_in_file, keep_in_keyring, reveal
from services.errors import OperatorError
from services.records import Secret


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    return tmp_path


def test_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EDGE_HUB", " s3cret\n")
    assert reveal(parse_source("env:EDGE_HUB")) == Secret("s3cret")
    with pytest.raises(OperatorError, match="EDGE_NONE"):
        reveal(parse_source("env:EDGE_NONE"))


def test_a_kept_file_is_private_and_comes_back(home: Path):
    source = keep_in_file("edge-hub", Secret("s3cret"))
    assert stat.S_IMODE(Path(source.value).stat().st_mode) == 0o600
    assert reveal(source) == Secret("s3cret")
    forget(source)
    with pytest.raises(OperatorError, match="no file"):
        reveal(source)


def test_a_file_that_others_can_read_is_refused(home: Path):
    path = home / "hub"
    path.write_text("s3cret")
    path.chmod(0o640)
    with pytest.raises(OperatorError) as caught:
        reveal(parse_source(f"file:{path}"))
    assert "chmod 600" in caught.value.remedy
    assert "s3cret" not in str(caught.value)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file stands where the folder ought to be: the superuser cannot write there either."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path / "file"))
    with pytest.raises(OperatorError, match="cannot be written") as caught:
        keep_in_file("edge-hub", Secret("s3cret"))
    assert "DBE_CONSOLE_HOME" in caught.value.remedy


def test_a_folder_is_no_file_and_a_mark_before_the_text_no_part_of_it(home: Path):
    folder, path = home / "folder", home / "notepad.txt"
    folder.mkdir()
    with pytest.raises(OperatorError, match="cannot be read"):
        reveal(parse_source(f"file:{folder}"))
    path.write_text("s3cret", encoding="utf-8-sig")
    path.chmod(0o600)
    assert reveal(parse_source(f"file:{path}")) == Secret("s3cret")


def test_forgetting_leaves_the_operators_own_file(home: Path):
    path = home / "mine"
    path.write_text("s3cret")
    forget(parse_source(f"file:{path}"))
    assert path.exists()


def test_command_runs_without_a_shell_and_gives_its_first_line(home: Path):
    script = home / "vault.py"
    script.write_text("import sys; print(sys.argv[1]); print('second line')")
    source = parse_source(f"command:{sys.executable} {script} '$(touch {home}/shell)'")
    assert reveal(source) == Secret(f"$(touch {home}/shell)")
    assert not (home / "shell").exists()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("no-such-vault get", "No such file"),
        ("'unbalanced", "quotation"),
        (f"{sys.executable} -c 'raise SystemExit(3)'", "status 3"),
        ('printf \'{\n "connectionString": "x"}\'', "printed JSON"),
    ],
)
def test_a_command_that_fails_is_named(command: str, says: str):
    with pytest.raises(OperatorError) as caught:
        reveal(parse_source(f"command:{command}"))
    assert says.lower() in caught.value.cause.lower()


def test_an_empty_secret_is_none(home: Path):
    with pytest.raises(OperatorError, match="cannot be had"):
        reveal(parse_source("command:true"))


class _Ring(keyring.backend.KeyringBackend):
    priority = 1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError("gone")


def test_keyring():
    before = keyring.get_keyring()
    keyring.set_keyring(_Ring())
    try:
        source = keep_in_keyring("edge", Secret("s3cret"))
        assert reveal(source) == Secret("s3cret")
        forget(source)
        forget(source)
        with pytest.raises(OperatorError) as caught:
            reveal(source)
        assert "keyring set dbe-console edge" in caught.value.remedy
    finally:
        keyring.set_keyring(before)
