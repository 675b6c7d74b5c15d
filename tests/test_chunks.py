import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chunks import CHUNK, ChunkGap, chunk, join


@given(st.text(max_size=4000) | st.text(alphabet="a😀é", min_size=500, max_size=2500))
def test_what_is_chunked_is_joined_again(text):
    settings = chunk(text)
    assert join(settings) == text
    assert all(len(piece.encode("utf-16-le", "surrogatepass")) // 2 <= CHUNK for piece in settings.values())
    assert list(settings) == ["createOptions", *(f"createOptions{n:02d}" for n in range(1, len(settings)))]


@given(
    st.dictionaries(
        st.text(alphabet="createOptions0129İ", max_size=16),
        st.none() | st.text(max_size=5) | st.integers() | st.dictionaries(st.text(), st.none()),
    )
)
def test_no_settings_do_worse_than_a_gap(settings):
    try:
        assert isinstance(join(settings), str)
    except ChunkGap as gap:
        assert str(gap)


def test_whole_up_to_512_characters():
    assert list(chunk("x" * 512)) == ["createOptions"]
    assert list(chunk("x" * 513)) == ["createOptions", "createOptions01"]
    assert chunk("") == {"createOptions": ""}


def test_joined_in_sorted_order_whatever_the_case():
    assert join({"CREATEOPTIONS02": "c", "createoptions01": "b", "createOptions": "a", "image": "i"}) == "abc"


def test_empty_null_and_objects():
    assert join({}) == join({"createOptions": None}) == join({"createOptions": ""}) == ""
    assert join({"createOptions": {"Tty": True}}) == '{"Tty":true}'


@pytest.mark.parametrize(
    "settings",
    [
        {"createOptions": "a", "createOptionsOld": "b"},
        {"image": "i", "x-createOptions": "a"},
        {"createOptions01": "b"},
        {"createOptions": "a", "createOptions02": "c"},
        {"createOptions": "a", "createOptions01": None},
    ],
)
def test_a_gap_is_an_error(settings):
    with pytest.raises(ChunkGap):
        join(settings)
