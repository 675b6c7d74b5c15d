"""A moment as an operator types it: spans, times of the day, dates."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from services.errors import UsageError
from services.messages.start import parse_time


@pytest.fixture
def berlin() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14:30", "2026-12-01T14:30:00+01:00"),
        ("15:30", "2026-11-30T15:30:00+01:00"),
        ("7:05", "2026-12-01T07:05:00+01:00"),
        ("14:30:09", "2026-12-01T14:30:09+01:00"),
        ("today", "2026-12-01T00:00:00+01:00"),
        ("Yesterday", "2026-11-30T00:00:00+01:00"),
        ("yesterday 14:30", "2026-11-30T14:30:00+01:00"),
        ("today 15:30", "2026-12-01T15:30:00+01:00"),
        ("2026-10-24", "2026-10-24T00:00:00+02:00"),
        ("2026-10-24 14:30", "2026-10-24T14:30:00+02:00"),
        ("90m", "2026-12-01T13:30:00+01:00"),
    ],
)
def test_times_of_the_day(berlin: None, text: str, expected: str) -> None:
    now = datetime.fromisoformat("2026-12-01T15:00:00+01:00")
    assert parse_time(text, now) == int(datetime.fromisoformat(expected).timestamp() * 1000)


def test_yesterday_has_its_own_offset(berlin: None) -> None:
    """On the day when the clocks go back, yesterday's noon is 25 hours before today's."""
    now = datetime.fromisoformat("2026-10-25T12:00:00+01:00")
    assert parse_time("yesterday 12:00", now) == int((now - timedelta(hours=25)).timestamp() * 1000)


@pytest.mark.parametrize("text", ["24:00", "14:60", "tomorrow", "14", "yesterday 25:00", ":30", "14:30 yesterday"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_time(text)
