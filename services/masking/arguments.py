"""Secrets on a command line: in the values of options, glued to them, and after the words of programs that take them bare.

Works on words with their places, so that a list of arguments and a line for a shell are read by the same rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.masking.names import is_secret_name
from services.masking.shapes import looks_secret


class Word(NamedTuple):
    """An argument without its quotes; ``start`` is where its text begins in the whole."""

    text: str
    start: int


_WORDS = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s\"']+")
_NAME = re.compile(r"//[\w./-]+:_\w+|[\w$%-][\w.-]*(?<![.:,;])")
_SHELL = re.compile(r"(?:[^\s\"']|\"[^\"]*\"|'[^']*')+")
_OPTION = re.compile(r"(?:--?|/)([^\W\d_][\w.-]*)\Z")
_GLUED_OPTION = re.compile(r"(?:--?|/)([^\W\d_][\w.-]*)[:=](?=.)")
_BARE_OPTION = re.compile(r"-{1,2}[a-z][a-z-]*(?:=.*)?\Z")
_COMMAND_END = frozenset(("|", "||", "&&", ";", "&"))
# Programs that take a password bare, and the letters of the options that do; the first that matches counts.
_PROGRAMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"(?:^|[/\\])(?:{names})(?:\.exe)?\Z"), letters)
    for names, letters in (
        (r"redis-cli|valkey-cli|keydb-cli", "a"),
        (r"ldap\w+", "w"),
        (r"snmp\w+", "cAX"),
        (r"zip|unzip|mosquitto_\w+|sqlcmd|bcp|isql|tsql|ipmitool", "P"),
        (r"openssl|enc", "kK"),
        (r"rabbitmqctl|rabbitmqadmin|useradd|usermod|signtool|certutil|psexec\d*", "p"),
        (r"ssh-keygen", "NP"),
        (r"mysql\w*|mariadb\S*|mongo\w*|sshpass|7z\w?|rar|unrar|influx|cqlsh|clickhouse-client|smbclient|xfreerdp|rdesktop|plink|pscp|putty|login|mc"
         r"|kinit|vncviewer", "pP"),
    )
)  # fmt: skip
_PASSWORD_OPTION = re.compile(r"(?:-(?:p|P|pw|pass|w|a|k|K|c|A|X|N)|/p)\Z")
_USER_OPTION = re.compile(r"(?:-u|-U|--user|--proxy-user|--basic|--login|--auth-user|--userpass)\Z")
_GLUED_USER = re.compile(r"(?:-[uU]|--(?:proxy-)?user=|--basic=|--login=)(?=[^\s:%]+[:%].)")
_PLAIN_VALUE = re.compile(r"[0-9.,:]+(?:-[0-9]+)?(?:/(?:tcp|udp|sctp))?\Z|/[\w./-]*\Z|\.{1,2}(?:/[\w./-]*)?\Z|\$\{?\w+\}?\Z")
# Words after which a secret stands bare: of redis.conf, SQL, .netrc, cisco-like consoles.
_KEYWORDS = frozenset(("requirepass", "masterauth", "sentinel-pass", "auth-pass", "_authtoken", "_auth", "_password", "sshpass"))
_LAST_WORD = re.compile(r"(?:^|[/\\])(?:htpasswd|wpa_passphrase|smbpasswd|vncpasswd)\Z")
_FROM_LITERAL = re.compile(r"--from-literal=[^=]*=(?=.)")


def split(text: str) -> list[Word]:
    """Return the words of a text as a shell parts them, each with its place."""
    words = []
    for match in _SHELL.finditer(text):
        word, start = match.group(), match.start()
        if word[0] in "\"'" and word[-1] == word[0] and len(word) > 1 and word.count(word[0]) == 2:
            word, start = word[1:-1], start + 1
        words.append(Word(word, start))
    return words


def argument_spans(words: Sequence[Word], netrc: bool = False, listed: bool = False) -> Iterator[tuple[int, int, int]]:
    """Yield the secrets among the words of a command: the number of the word, and where in it the secret begins and ends.

    ``netrc``: the text is a .netrc, where every word after ``password`` is one. ``listed``: the words are a list's, and no prose.
    """
    letters = last_word = ""
    names_user = any(word.startswith(("-u", "-U", "--user", "--login")) or word == "-l" for word, _ in words)
    for number, (word, _) in enumerate(words):
        following = words[number + 1].text if number + 1 < len(words) else ""
        lower = word.lower()
        if word in _COMMAND_END or (word.endswith(";") and not word.startswith("-")):
            letters = ""
        letters = next((options for names, options in _PROGRAMS if names.search(lower)), letters)
        if _LAST_WORD.search(lower):
            last_word = lower
        yield from ((number, *span) for span in _within(word, "p" in letters))
        option = _OPTION.match(word)
        if not following:
            continue
        whole = (number + 1, 0, len(following))
        if option and is_secret_name(option.group(1)):
            if not _BARE_OPTION.match(following):
                yield whole
        elif _PASSWORD_OPTION.match(word):
            takes = word[1] in letters or (letters == "pP" and word in ("-pw", "-pass"))
            if following.startswith("-") or (
                _PLAIN_VALUE.match(following) and not (takes and names_user and following[0].isdigit())
            ):
                continue
            if takes or (word in ("-p", "-P", "-pw", "-pass") and (names_user or looks_secret(following))):
                yield whole
        elif _USER_OPTION.match(word):
            place = re.match(r"([^:%]+)[:%](?=.)", following)
            if place and not re.fullmatch(r"[0-9]+:[0-9]+", following):
                yield (number + 1, place.end(), len(following))
        elif (
            lower.lstrip("-") in _KEYWORDS
            or (lower == "auth" and letters == "a")
            or (
                not option
                and not following.startswith("-")
                and _is_bare_name(word)
                and (netrc or listed or letters or _bare_secret(word, following))
            )
        ):
            yield whole
    if last_word and len(words) > 2 and not words[-1].text.startswith("-"):
        yield (len(words) - 1, 0, len(words[-1].text))


def _within(word: str, glued_password: bool) -> Iterator[tuple[int, int]]:
    """Yield the secrets that are glued to their option, or to the word that says where they come from."""
    if (glued := _GLUED_OPTION.match(word)) and is_secret_name(glued.group(1)):
        yield glued.end(), len(word)
    elif (literal := _FROM_LITERAL.match(word)) or (literal := re.match(r"(?:pass|env-pass|passin|passout):(?=.)", word)):
        yield literal.end(), len(word)
    elif glued := _GLUED_USER.match(word):
        place = re.compile(r"[^\s:%]+[:%]").match(word, glued.end())
        if place and not re.fullmatch(r"[0-9]+:[0-9]+", word[glued.end() :]):
            yield place.end(), len(word)
    elif (
        glued_password
        and re.match(r"-p[^\s-]", word)
        and not _PLAIN_VALUE.match(word[2:])
        and not re.match(r"-p(?:ort|rotocol)\b", word)
    ):
        yield 2, len(word)


def _is_bare_name(word: str) -> bool:
    return _NAME.fullmatch(word) is not None and is_secret_name(word)


def _bare_secret(word: str, following: str) -> bool:
    """Return whether the word after a secret's name is its value: "aws_secret_access_key AbC1", "PASSWORD 'x'", but not "password is"."""
    return looks_secret(following) or (
        re.search(r"[a-z][A-Z]|[a-z0-9][_.][a-z]|[A-Z]_[A-Z]", word) is not None
        and (len(following) > 3 or not following.isalpha())
    )
