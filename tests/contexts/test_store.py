import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contexts.model import (
    CloudSettings,
    Context,
    EventSettings,
    HubSettings,
    Limits,
    SecretSource,
    SignIn,
    WorkspaceSettings,
)
from services.contexts.store import ContextStore, dump
from services.errors import OperatorError
from services.text import one_line

FULL = Context(
    "edge",
    hub=HubSettings("hub.azure-devices.net", SecretSource("command", "pass show hub"), "/subscriptions/s/x", "ca.pem"),
    workspace=WorkspaceSettings("s", "g", "w", "acr"),
    device="databox-edge-1",
    device_address="10.0.0.5",
    device_ports={80: 8080},
    cloud=CloudSettings("https://arm.example", "https://login.example", "/ca.pem"),
    sign_in=SignIn("service-principal", "t", "c", SecretSource("file", "~/secret")),
    events=EventSettings("ops", SecretSource("env", "EVENTS"), "websocket", "http://proxy:3128"),
    limits=Limits(modules_every=10),
    production=True,
    trusted_hosts=("registry.example=auth.example", "127.0.0.1:5000=127.0.0.2"),
)


@pytest.fixture
def store(tmp_path: Path) -> ContextStore:
    return ContextStore(tmp_path / "config" / "contexts.toml")


def write(store: ContextStore, text: str, mode: int = 0o600) -> None:
    store.path.parent.mkdir(parents=True, exist_ok=True)
    store.path.write_text(text)
    store.path.chmod(mode)


def test_what_is_added_is_read_back_and_private(store: ContextStore):
    store.add(FULL)
    store.add(Context("other"))
    assert store.resolve("edge") == FULL
    assert store.resolve() == FULL, "the first becomes the current one"
    store.use("other")
    assert (store.current, store.resolve().name) == ("other", "other")
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert [path.name for path in store.path.parent.iterdir()] == ["contexts.toml"], "no scratch file stays"


def test_the_docstrings_example_is_valid(store: ContextStore):
    import services.contexts.store as module

    example = (module.__doc__ or "").partition("::\n")[2].partition("\nRelative paths")[0]
    write(store, "\n".join(line[4:] for line in example.splitlines()))
    context = store.resolve()
    assert context.name == "edge"
    assert context.sign_in.secret == SecretSource("keyring", "edge-principal")
    assert context.limits == Limits()


def test_removing_the_current_one_leaves_none_chosen(store: ContextStore):
    for name in "abc":
        store.add(Context(name))
    store.remove("a")
    with pytest.raises(OperatorError) as caught:
        store.resolve()
    assert caught.value.code == "context.none-chosen"
    assert "b, c" in caught.value.cause


def test_unknown_names_list_the_known(store: ContextStore):
    store.add(Context("north"))
    store.add(Context("south"))
    for call in (store.resolve, store.use, store.remove):
        with pytest.raises(OperatorError) as caught:
            call("nroth")
        assert "north, south" in caught.value.cause


def test_none_at_all_says_how_to_begin(store: ContextStore):
    with pytest.raises(OperatorError) as caught:
        store.resolve()
    assert caught.value.code == "context.none"
    assert "--lab" in caught.value.remedy


def test_a_file_that_others_can_read_is_refused_with_the_remedy(store: ContextStore):
    write(store, "", 0o644)
    with pytest.raises(OperatorError) as caught:
        store.names()
    assert caught.value.remedy == f"Run: chmod 600 {store.path}"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('current = "a"\n[contexts.a]\ndevice = "x', 3, "string"),
        ('[contexts.a]\n\ndevise = "x"\n', 3, "Did you mean device?"),
        ('[contexts.a]\n[contexts.a.hub]\nconnection = "env:X"\n', 2, "host is missing"),
        ("[contexts.a]\nproduction = 1\n", 2, "true or false"),
        ('[contexts.a.sign_in]\nmethod = "password"\n', 2, "device-code"),
        ("[contexts.a.limits]\nmodules_every = 0\n", 2, "more than 0"),
        ('contexts = "x"\n', 1, "does not belong"),
        ('[contexts.a]\ndevice = "\\u001b[31mx"\n', 2, "a terminal would obey"),
        ('[contexts."\\u202Eevil"]\n', 1, "a terminal would obey"),
        ("[context.a]\n", 1, "does not belong"),
    ],
)
def test_a_broken_file_is_named_with_its_line_and_kept(store: ContextStore, text: str, line: int, says: str):
    write(store, text)
    with pytest.raises(OperatorError) as caught:
        store.add(Context("new"))
    assert f"{store.path}, line {line}:" in caught.value.what
    assert says.lower() in str(caught.value).lower()
    assert store.path.read_text() == text


def test_a_secret_in_place_of_its_source_is_refused_and_not_repeated(store: ContextStore):
    write(store, '[contexts.a.hub]\nhost = "h"\nconnection = "HostName=h;SharedAccessKeyName=o;SharedAccessKey=c2VjcmV0"\n')
    with pytest.raises(OperatorError) as caught:
        store.names()
    assert "line 3" in caught.value.what
    assert "c2VjcmV0" not in repr(caught.value.as_dict())


def test_read_only_comes_from_flag_context_or_environment(store: ContextStore, monkeypatch: pytest.MonkeyPatch):
    store.add(Context("a"))
    assert not store.resolve().read_only
    assert store.resolve(read_only=True).read_only
    monkeypatch.setenv("DBE_CONSOLE_READ_ONLY", "1")
    assert store.resolve().read_only
    assert not store.all()["a"].read_only, "it is not written down"


@pytest.mark.parametrize("name", ["", "a b", "-a", "../a", "a\n[x]", "x" * 65])
def test_names_that_cannot_be_are_refused(store: ContextStore, name: str):
    with pytest.raises(OperatorError):
        store.add(Context(name))
    with pytest.raises(OperatorError, match="a terminal would obey"):
        store.add(Context("plain", device=f"{name}\x1b[31m"))
    assert not store.path.exists()


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(one_line)


@given(device=texts, host=texts, group=texts, seconds=st.integers(1, 10**6), production=st.booleans())
def test_any_text_survives_the_file(tmp_path_factory: pytest.TempPathFactory, device, host, group, seconds, production):
    path = tmp_path_factory.mktemp("c") / "contexts.toml"
    limits = Limits(modules_every=seconds)
    context = Context(
        "a", hub=HubSettings(host), device=device, events=EventSettings(group), limits=limits, production=production
    )
    path.touch(0o600)
    path.write_text(dump({"a": context}, "a"), newline="")
    assert ContextStore(path).resolve() == context


def test_a_host_that_is_trusted_is_kept_once(store: ContextStore):
    store.add(Context("edge"))
    store.trust("edge", "registry.example=auth.example")
    assert store.trust("edge", "registry.example=auth.example").trusted_hosts == ("registry.example=auth.example",)
    assert store.resolve("edge").trusted_hosts == ("registry.example=auth.example",)


@pytest.mark.parametrize("pair", ["registry.example", "a=b=c", "=auth.example", "https://a=b", "a b=c"])
def test_what_is_no_pair_of_hosts_is_not_kept(store: ContextStore, pair: str):
    store.add(Context("edge"))
    with pytest.raises(OperatorError) as caught:
        store.trust("edge", pair)
    assert caught.value.remedy and store.resolve("edge").trusted_hosts == ()
