"""How many messages a second are sent, however they come."""

from __future__ import annotations

import pytest

from services.messages.health.pace import Pace

NOW = 1_800_000_000_000  # ms


@pytest.mark.parametrize("each", [0.2, 1, 10, 500, 6_000, 600_000])
def test_the_pace_of_a_steady_stream(each: float) -> None:
    """A message every ``each`` ms, until now."""
    pace = Pace()
    for start in range(5):
        pace.count(int(NOW - number * each) for number in range(start, min(int(120_000 / each) + 5, 100_000), 5))
    expected = 1000 / each
    assert pace.look(NOW) == pytest.approx(expected, rel=0.1)


def test_a_backlog_is_no_pace() -> None:
    """What was sent yesterday at 1,000 a second comes now, beside one message a second that is sent now."""
    pace = Pace()
    for second in range(60):
        pace.count(NOW - 86_400_000 + second * 1000 + number for number in range(1000))
        assert pace.look(NOW + second * 1000) <= 1.1
        pace.count([NOW + second * 1000])
    assert pace.look(NOW + 59_000) == pytest.approx(1.0, rel=0.1)


def test_what_came_at_once_after_a_cut_has_the_pace_at_which_it_was_sent() -> None:
    pace = Pace()
    pace.count(NOW - 30_000 + number * 500 for number in range(60))
    assert pace.look(NOW) == pytest.approx(2.0, rel=0.05)


def test_a_silent_stream_has_none_and_a_message_of_the_future_does_not_hide_the_others() -> None:
    pace = Pace()
    assert pace.look(NOW) == 0.0
    pace.count([NOW])
    assert pace.look(NOW) == 0.0, "one message has no pace"
    pace.count(NOW - number * 100 for number in range(50))
    pace.count([NOW + 10**12])
    assert pace.look(NOW) == pytest.approx(10, rel=0.1)
    assert pace.look(NOW + 5_000) == pytest.approx(10, rel=0.1)
    assert pace.look(NOW + 11_000) == 0.0
