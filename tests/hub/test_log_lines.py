"""Times at the beginning of log lines, in the styles that containers write."""

from __future__ import annotations

import time
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.hub.log_lines import lines_of

NOW = datetime(2026, 12, 1, 3, 0, tzinfo=timezone.utc)
AT = "2021-06-12T12:34:56"
MS = f"{AT}.789"

STYLES = [
    ("[I 2021-06-12 12:34:56.789 ServerApp] ready", "2021-06-12T12:34:56.789", "[I 2021-06-12 12:34:56.789 ServerApp] ready"),
    ("20210612 12:34:56.789 ready", "2021-06-12T12:34:56.789", "ready"),
    # Python: logging, Flask, gunicorn, a CSV-like format
    ("2021-06-12 12:34:56,789 | root | INFO | model is loaded", MS, "| root | INFO | model is loaded"),
    ("[2021-06-12 12:34:56,789] INFO in app: ready", MS, "INFO in app: ready"),
    ("[2021-06-12 14:34:56 +0200] [7] [INFO] Booting worker", AT, "[7] [INFO] Booting worker"),
    ("2021-06-12 12:34:56,789:INFO:root:ready", MS, "INFO:root:ready"),
    ("2021-06-12 12:34:56,789 - root - INFO - ready", MS, "- root - INFO - ready"),
    ("INFO 2021-06-12 12:34:56,789 main: ready", MS, "INFO 2021-06-12 12:34:56,789 main: ready"),
    # what a comma begins is not always a fraction
    ("2021-06-12 12:34:56,42,ok", AT, ",42,ok"),
    ("[2021-06-12 12:34:56,789: INFO/MainProcess] ready", MS, "[INFO/MainProcess] ready"),
    ('{"@t":"2021-06-12T12:34:56.7890000Z","@m":"x"}', MS, '{"@t":"2021-06-12T12:34:56.7890000Z","@m":"x"}'),
    # glog, klog
    ("I0612 12:34:56.789012       7 main.go:12] ready", f"{AT}.789012", "I 7 main.go:12] ready"),
    ("E20210612 12:34:56.789012  7 server.cc:80] failed", f"{AT}.789012", "E 7 server.cc:80] failed"),
    # nginx, Apache, Go
    ("2021/06/12 12:34:56 [error] 31#31: *1 open() failed", AT, "[error] 31#31: *1 open() failed"),
    ("2021/06/12 12:34:56.789012 main.go:7: ready", f"{AT}.789012", "main.go:7: ready"),
    (
        '172.17.0.1 - - [12/Jun/2021:14:34:56 +0200] "GET / HTTP/1.1" 200 612',
        AT,
        '172.17.0.1 - - [12/Jun/2021:14:34:56 +0200] "GET / HTTP/1.1" 200 612',
    ),
    ("[Sat Jun 12 12:34:56.789012 2021] [core:notice] [pid 1] ready", f"{AT}.789012", "[core:notice] [pid 1] ready"),
    ("Sat, 12 Jun 2021 12:34:56 GMT ready", AT, "ready"),
    ("Sat Jun 12 12:34:56 UTC 2021 ready", AT, "ready"),
    # Java
    ("2021-06-12 12:34:56.789  INFO 1 --- [main] Started", MS, "INFO 1 --- [main] Started"),
    ("[2021-06-12T12:34:56,789][INFO ][o.e.n.Node] started", MS, "[INFO ][o.e.n.Node] started"),
    ("Jun 12, 2021 12:34:56 PM com.acme.Main run", AT, "com.acme.Main run"),
    ("12-Jun-2021 12:34:56.789 INFO [main] ready", MS, "INFO [main] ready"),
    ("12 Jun 2021 12:34:56,789 ready", MS, "ready"),
    # .NET
    ("6/12/2021 12:30:11 AM> Sending message: 1", "2021-06-12T00:30:11", "> Sending message: 1"),
    ("\t6/12/2021 12:30:11\u202fPM> Sending message: 1", "2021-06-12T12:30:11", "> Sending message: 1"),
    ("06/12/2021 12:34:56 ready", AT, "ready"),
    ("13/06/2021 12:34:56 ready", "2021-06-13T12:34:56", "ready"),
    ("12.06.2021 12:34:56 bereit", AT, "bereit"),
    ("2021-06-12 12:34:56.789 +00:00 [INF] - ready", MS, "[INF] - ready"),
    ("[2021-06-12 12:34:56.789 INF] ready", MS, "[INF] ready"),
    # Rust, TensorFlow, PostgreSQL
    ("[2021-06-12T12:34:56Z INFO  edgelet] ready", AT, "[INFO edgelet] ready"),
    ("[2021-06-12T12:34:56Z] ready", AT, "ready"),
    ("2021-06-12 12:34:56.789012: I tensorflow/core/x.cc:142] ready", f"{AT}.789012", "I tensorflow/core/x.cc:142] ready"),
    ("2021-06-12 12:34:56.789 UTC [1] LOG:  ready", MS, "[1] LOG:  ready"),
    ("2021-06-12 14:34:56.789+02 ready", MS, "ready"),
    ("2021-06-12T12:34:56.7890123Z ready", f"{AT}.789012", "ready"),
    # seconds and thousandths since 1970
    ("1623501296 INFO ready", AT, "INFO ready"),
    ("1623501296.789 ready", MS, "ready"),
    ("1623501296789 ready", MS, "ready"),
    ("[1623501296] ready", AT, "ready"),
    # fields
    ('{"level":"info","ts":1623501296.789,"msg":"ready"}', MS, '{"level":"info","ts":1623501296.789,"msg":"ready"}'),
    ('{"time":"2021-06-12T12:34:56.789Z","msg":"x"}', MS, '{"time":"2021-06-12T12:34:56.789Z","msg":"x"}'),
    ('time="2021-06-12T12:34:56Z" level=info msg=ready', AT, 'time="2021-06-12T12:34:56Z" level=info msg=ready'),
    ("1:M 12 Jun 2021 12:34:56.789 * Ready", MS, "1:M 12 Jun 2021 12:34:56.789 * Ready"),
    # colours
    ("\x1b[2m2021-06-12T12:34:56.789Z\x1b[0m \x1b[32m INFO\x1b[0m ready", MS, "INFO ready"),
    ("\x1b[32m[2021-06-12 12:34:56,789]\x1b[0m ready", MS, "ready"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "moment", "text"), STYLES)
def test_time_is_read_and_the_text_stays_whole(line: str, moment: str, text: str) -> None:
    (found,) = lines_of(line, NOW)
    assert found.time is not None
    assert (found.time, " ".join(found.text.split())) == (_utc(moment, found.time.year), " ".join(text.split()))


def _utc(text: str, year: int) -> datetime:
    """A line without a year gets the last one before now."""
    moment = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
    return moment.replace(year=year) if year == 2026 else moment


@pytest.mark.parametrize(
    "line",
    [
        "2024-02-30 10:00:00 no such day",
        "2021-06-12 25:00:00,123 no such hour",
        "2021-13-12 10:00:00 no such month",
        "13/13/2021 10:00:00 no such month",
        "6/12/2021 13:00:00 PM no such hour",
        "0001-01-01T00:00:00Z never",
        "Foo 12 12:34:56 no month",
        "Sat Jun 12 12:34:56 CEST 2021 no offset",
        "1623501296 bytes received",
        "1623501296789 rows",
        "4102444800 is in 2100",
        "123456789 too few digits",
        "10:00:00.123 no date",
        "[12:34:56 INF] no date",
        "error at 2021-06-12",
        "version 1623501296.1.2",
        "<999>Jun 12 12:34:56 no such priority",
    ],
)
def test_what_is_no_valid_time_stays_text(line: str) -> None:
    (found,) = lines_of(line, NOW)
    assert (found.time, found.text) == (None, line)


@pytest.mark.parametrize(
    ("line", "moment", "level", "text"),
    [
        ("<3> 2026-01-01 10:00:00.123 +00:00 [ERR] - bad", "2026-01-01T10:00:00.123", 3, "[ERR] - bad"),
        ("<6>2026-01-01 10:00:00.123 +00:00 [INF] - ok", "2026-01-01T10:00:00.123", 6, "[INF] - ok"),
        ("<34>1 2003-10-11T22:14:15.003Z host su - ID47 - 'su root'", "2003-10-11T22:14:15.003", 2, "host su - ID47 - 'su root'"),
        ("<34>Oct 11 22:14:15 host su: failed", "2026-10-11T22:14:15", 2, "host su: failed"),
        ("Dec 31 23:59:59 host app[7]: ready", "2025-12-31T23:59:59", 6, "host app[7]: ready"),
        ("Dec  1 02:59:59 host app[7]: ready", "2026-12-01T02:59:59", 6, "host app[7]: ready"),
        ("Feb 29 02:59:59 host app[7]: ready", "2024-02-29T02:59:59", 6, "host app[7]: ready"),
    ],
)
def test_levels_and_dates_without_a_year(line: str, moment: str, level: int, text: str) -> None:
    (found,) = lines_of(line, NOW)
    assert (found.time, found.level, found.text) == (datetime.fromisoformat(moment + "+00:00"), level, text)


@given(st.text(alphabet='0123456789:-/.,TZ+[]<> IWEFabJunSat{}"=tsAPM\x1b', max_size=80))
def test_no_line_raises(line: str) -> None:
    lines_of(line, NOW)


def test_long_lines_take_no_time() -> None:
    begun = time.process_time()
    for part in ("ts ", "1 ", "[", "2021-06-12 ", "<1>", "{", "a b [12/Jun/2021:", "INFO - ", '"time": '):
        lines_of((part * 300_000)[:600_000], NOW)
        lines_of("\n".join([(part * 300)[:400]] * 1_000), NOW)
    assert time.process_time() - begun < 5
