"""Where the secrets of a text stand: pairs of name and value, URLs, headers, connection strings, command lines, files of passwords.

Every pattern is linear: what a twin or a file brings cannot stop the console.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.masking.arguments import argument_spans, split
from services.masking.names import is_secret_name, names
from services.masking.shapes import Span, encoded_texts, entropy_spans, is_login, looks_secret, shape_spans

MASK = "•••"
MASKED = re.compile(MASK + r"(?:\([0-9a-f]{6}\))?")

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://([^\s\"'<>`]{1,4096})")
_PORT = re.compile(r"[0-9]{1,5}(?:[/?#]|\Z)")
_USER_AT = re.compile(
    r"(?<![\w@:.+-])(?<!\w/)(?!(?:mailto|sips?|xmpp|mailto|ssh|git):)([\w.%+$-]{1,80}):([^\s@\"'<>/]{1,200})@(?!sha[0-9]+:)(?=[\w\[(.*-])"
)
_ORACLE = re.compile(
    r"(?:\bthin:|\boci8?:|\bsqlplus\s+(?:-\w+\s+)*|\brman\s+target\s+)([\w$#]{1,80})/([^\s@\"']{1,200})(?=@|\s|\Z|[\"'])",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"=>|:=|[=:＝：]|->")
_TWO_WORDS = re.compile(
    r"(?:connection|pass|mot de|api|access|مرور|كلمة|kata|mật)[ \t_]+(?:string|phrase|word|passe|key|[^\W\d_A-Za-z]+|khẩu|sandi)"
    r"\\*[\"']?[ \t]{0,3}\Z",
    re.IGNORECASE,
)
_QUOTE = re.compile(r"(\\*)([\"'`])")
_QUERY_VALUE = re.compile(r"[^&\s\"'<>#]*")
_SHELL_VALUE = re.compile(r"(?:[^\s\"'<>`;,]|,(?!\s{0,3}[\w.-]{1,60}\s{0,3}[=:]))*")
_NEXT_FIELD = re.compile(r"[^;\n\"']{0,1000};[ \t]{0,3}[\w. ]{1,40}=")
_WITHIN_FIELDS = re.compile(r"(?:;|=[^\n]*;[ \t]+)(?:\w[\w ]{0,40})?\Z")
_FIRST_FIELD = re.compile(r"(?:\A|[\n\"'=])[\w. ]{0,40}\Z")
_FIELD_VALUE = re.compile(r"[^;\n\"']*")
_INLINE_VALUE = re.compile(r"[^\s,;&}\])\"'<>\\]+")
_BLOCK = re.compile(r"[|>&!][\w+-]*(?:[ \t]+[|>][+-]?)?[ \t]*(?:#[^\n]*)?\Z")
_QUERY_NAMES = names("code key sig signature sas pwd k p pass auth token t hmac ticket jwt assertion s")
_SCHEME = re.compile(
    r"(?<![\w-])(Bearer|Basic|Token|Negotiate|NTLM|Digest|ApiKey|Api-Key|SharedKey|SharedKeyLite|GoogleLogin|AWS4-HMAC-SHA256|Splunk|Splunk-Token|"
    r"PRIVATE-TOKEN|JWT|Apikey)[ \t]+(?![\w-]+=)([^\s\"',;<>]{6,})", re.IGNORECASE
)  # fmt: skip
_QUOTED_AFTER = re.compile(
    r"\b(?:IDENTIFIED(?:\s+WITH\s+\S+)?\s+(?:BY|AS)|PASSWORD|SECRET|passphrase|psk|requirepass)"
    r"(?:\s+(?:=\s*)?|\s*=\s*|\s*(?=\())\(?\s*(['\"])((?:(?!\1)[^\n]){1,400})\1",
    re.IGNORECASE,
)
_IDENTIFIED = re.compile(r"\bIDENTIFIED\s+BY\s+([^\s'\";]+)", re.IGNORECASE)
_COMMA_PAIR = re.compile(r"[\"']([\w.-]{1,80})[\"']\s{0,3},\s{0,3}(?:\"([^\"\n]*)\"|'([^'\n]*)')")  # define('DB_PASSWORD', '…')
_XML = re.compile(r"<([\w:.-]{1,80})(?:\s[^<>]{0,400})?>([^<]+)(?:<|\Z)")
_XML_PAIR = re.compile(
    r"\b(?:name|key|id|property)\s*=\s*[\"']([^\"'<>]{1,100})[\"'][^<>]{0,200}?\bvalue\s*=\s*(?:\"([^\"]*)|'([^']*))",
    re.IGNORECASE,
)
_XML_NAMED = re.compile(r"\b(?:name|key|id|property)\s*=\s*[\"']([^\"'<>]{1,100})[\"'][^<>]{0,200}>([^<]+)", re.IGNORECASE)
_PGPASS = re.compile(r"^[^:\s=]{1,255}:(?:[0-9]{1,5}|\*):[^:\s]{1,100}:[^:\s]{1,100}:([^\s].*)$", re.MULTILINE)
_ADDRESS = re.compile(r"[0-9A-Fa-f:.%]+")
_ECHO = re.compile(
    r"\b(?:echo|printf)\s+(?:-[ne]+\s+)?(?:\"([^\"|]*)\"|'([^'|]*)'|([^|\n\"']*?))\s*\|\s*(?:sudo\s+)?(?:chpasswd|passwd|sudo\s+-S|\S+(?:\s+[^\s|]+){0,12}?\s+--?(?:password-stdin|passphrase-fd|pass-stdin|s))"
)
_HERE = re.compile(r"<<<\s*(?:\"([^\"]*)|'([^']*)|(\S+))")
_NETRC = re.compile(r"(?:^|\s)(?:login|machine)\s+\S+\s+(?:\S+\s+){0,4}?password\s")
_HEADER_VALUE = re.compile(r"[^\n\"'\\]*")
_HTTP_HEADER = re.compile(r"(?:proxy-)?authorization\b|(?:set-)?cookie\b", re.IGNORECASE)


def spans(text: str, depth: int = 0, *, entropy: bool = True) -> list[Span]:
    """Return the places of the secrets of ``text``, in order and apart, and none that is masked already."""
    raw: list[Span] = [*shape_spans(text), *_urls(text), *_pairs(text), *_phrases(text)]
    raw += entropy_spans(text) if entropy else []
    if any(blank in text for blank in " \n\t") or text.startswith(("-", "/")):
        netrc = _NETRC.search(text) is not None
        for line_start, line in _lines(text):
            parts = split(line)
            raw += [
                (line_start + parts[n].start + begin, line_start + parts[n].start + end)
                for n, begin, end in argument_spans(parts, netrc)
            ]
    if depth < 2:
        for span, plain in encoded_texts(text):
            if not any(begin <= span[0] and span[1] <= end for begin, end in raw) and (
                (is_login(plain) and "%" not in text[span[0] : span[1]]) or spans(plain, depth + 1, entropy=entropy)
            ):
                raw.append(span)
    return merged(text, raw)


def merged(text: str, raw: list[Span]) -> list[Span]:
    """Return the places in order, joined where they overlap; what is blank or masked already is left out."""
    apart: list[Span] = []
    for begin, end in sorted(raw):
        if begin >= end:
            continue
        if apart and begin < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((begin, end))
    return [(begin, end) for begin, end in apart if text[begin:end].strip() and not MASKED.fullmatch(text[begin:end].strip())]


def _lines(text: str, start: int = 0) -> Iterator[tuple[int, str]]:
    """Yield the lines from ``start`` on, each with its place."""
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, text[start:end]
        start = end + 1


def _urls(text: str) -> Iterator[Span]:
    """Yield the passwords of URLs of any scheme, and of ``user:password@host`` without one."""
    if "://" in text:
        for match in _URL.finditer(text):
            yield from _login_of(match.group(1), match.start(1), match.group()[:5].lower())
            nested = match.group(1).find("://")
            if nested > 0:
                yield from _login_of(match.group(1)[nested + 3 :], match.start(1) + nested + 3, "")
    if "@" in text:
        for match in _USER_AT.finditer(text):
            yield match.span(2)
    if "/" in text:
        for match in _ORACLE.finditer(text):
            yield match.span(2)


def _login_of(rest: str, start: int, scheme: str) -> Iterator[Span]:
    """Yield the password of what follows ``://``; it may hold ``/`` and ``@`` where somebody did not encode it."""
    authority = re.match(r"[^/?#]*", rest)
    head = authority.group() if authority else ""
    at = head.rfind("@")
    if at < 0:
        colon = head.find(":")
        if colon < 0 or _PORT.match(rest, colon + 1) or head[colon + 1 :].startswith("["):
            return
        at = rest.rfind("@")
        if at < colon or rest.startswith("sha", at + 1):
            return
    user, colon_mark, _ = rest[:at].partition(":")
    if colon_mark:
        yield start + len(user) + 1, start + at
    elif (user and scheme.startswith("http") and user != "git") or (looks_secret(user) and len(user) >= 12):
        yield start, start + at


def _pairs(text: str) -> Iterator[Span]:
    """Yield the values of pairs ``name=value``, ``name: value``, ``"name": "value"``, however they are quoted."""
    done = 0
    for separator in _SEPARATOR.finditer(text):
        if separator.start() < done:
            continue
        name, option = _name_before(text, separator.start())
        if not option:
            continue
        start = separator.end()
        while start < len(text) and text[start] in " \t":
            start += 1
        in_query = text[name - 1 : name] in ("?", "&", "#") or text[max(0, name - 5) : name] == "&amp;"
        option = option.strip("-.*$%@")
        secret = is_secret_name(option) or (in_query and option.lower() in _QUERY_NAMES)
        phrase = None
        if text[name - 1 : name] in (" ", "\t"):
            phrase = _TWO_WORDS.search(text, max(0, separator.start() - 60), separator.start())
        secret = secret or phrase is not None
        if not secret:
            continue
        if text.startswith("//", separator.end()) and separator.group() == ":":
            continue
        span = _value(text, start, separator.group(), min(name, phrase.start() if phrase else name), in_query)
        if span and text[span[0] : span[1]].strip("="):
            yield span
            done = span[1]


def _name_before(text: str, end: int) -> tuple[int, str]:
    """Return where the name before a separator begins, and the name; quotes and an index around it are passed over."""
    place = end
    while place > 0 and end - place < 3 and text[place - 1] in " \t":
        place -= 1
    if text.endswith("%22", 0, place):
        place -= 3
    elif place and text[place - 1] in "\"'`":
        place -= 1
        while place and text[place - 1] == "\\":
            place -= 1
    if place and text[place - 1] == "]":
        bracket = text.rfind("[", max(0, place - 82), place)
        index = text[bracket + 1 : place - 1].strip("\"'")
        if bracket >= 0 and is_secret_name(index):
            return bracket + 1, index
        place = bracket if bracket > 0 else place
    begin = place
    while begin and place - begin < 200 and (text[begin - 1].isalnum() or text[begin - 1] in "_$%.*-"):
        begin -= 1
    return begin, text[begin:place]


def _value(text: str, start: int, separator: str, name: int, in_query: bool) -> Span | None:
    """Return the place of the value that begins at ``start``."""
    quote = _QUOTE.match(text, start)
    if quote:
        return quote.end(), _closing(text, quote)
    if text.startswith("%22", start):
        end = text.find("%22", start + 3)
        return start + 3, len(text) if end < 0 else end
    if start < len(text) and text[start] in "{[":
        return start, _bracket_end(text, start)
    if in_query:
        return start, _match_end(_QUERY_VALUE, text, start)
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    before = text[max(0, name - 80) : name]
    header = text[name:start]
    if _HTTP_HEADER.match(header):
        return start, _match_end(_HEADER_VALUE, text, start)
    if "=" in separator or separator == "＝":
        return start, _assigned_end(text, start, line_end, before)
    begins_line = re.search(r"(?:\A|\n|\\n)[ \t]*(?:-[ \t]+)?[\"'>*]*\Z", before) is not None
    if begins_line or before[-1:] in ("'", '"', "`"):
        return _line_value(text, start, line_end, name, begins_line)
    if separator == "->":
        return None
    end = _match_end(_INLINE_VALUE, text, start)
    flow = re.search(r"[{,\[]\s*\Z", before) is not None
    return (start, end) if flow or looks_secret(text[start:end]) else None


def _assigned_end(text: str, start: int, line_end: int, before: str) -> int:
    """Return where a bare value after ``=`` ends: at the next field of a connection string, else at the end of the word."""
    if _WITHIN_FIELDS.search(before) or (_FIRST_FIELD.search(before) and _NEXT_FIELD.match(text, start)):
        end = _match_end(_FIELD_VALUE, text, start)
        if end >= line_end or text[end] == ";" or "=" not in text[start:end]:
            return end
    end = _match_end(_SHELL_VALUE, text, start)
    while end + 1 < line_end and text[end] in "\"'" and text[end + 1] not in " \t,;)}]>:":
        if text.find(text[end], end + 1, line_end) >= 0:
            break
        end = _match_end(_SHELL_VALUE, text, end + 1)  # a quote alone within the value
    return end


def _line_value(text: str, start: int, line_end: int, name: int, begins_line: bool) -> Span | None:
    """Return the rest of a line as YAML and headers have it; where that is empty or a block's mark, the lines that are indented deeper."""
    if not begins_line:  # within quotes: -H "X-Api-Key: …"
        closing = re.compile(r"[^\"'`\n]*").match(text, start)
        return start, closing.end() if closing else line_end
    rest = text[start:line_end].rstrip()
    escaped = rest.find("\\n")
    if escaped > 0:
        return start, start + escaped
    if rest and not _BLOCK.match(rest):
        return start, start + len(rest)
    line_start = text.rfind("\n", 0, name) + 1
    indent = len(text[line_start:name]) - len(text[line_start:name].lstrip(" \t"))
    begin = end = line_end + 1
    for place, line in _lines(text, begin):
        stripped = line.lstrip(" \t")
        deeper = len(line) - len(stripped) > indent or (stripped.startswith("-") and len(line) - len(stripped) >= indent)
        if stripped and not deeper:
            break
        end = place + len(line)
    return (begin + len(text[begin:end]) - len(text[begin:end].lstrip()), min(end, len(text))) if end > begin else None


def _closing(text: str, quote: re.Match[str]) -> int:
    """Return where a quoted value ends: before the same quote, escaped as often; at the end of the text where there is none."""
    escapes, mark = quote.group(1), quote.group(2)
    place = quote.end()
    while True:
        place = text.find(escapes + mark, place)
        if place < 0:
            return len(text)
        backslashes = place
        while backslashes > quote.end() and text[backslashes - 1] == "\\":
            backslashes -= 1
        if (place - backslashes) % 2 == 0 or (escapes and place == backslashes):
            if not escapes and text[place + 1 : place + 2] == mark and text[place + 2 : place + 3] not in ("", ",", "}", "]"):
                place += 2  # a doubled quote within a field of ADO.NET
                continue
            return place
        place += len(escapes) + 1


def _bracket_end(text: str, start: int) -> int:
    """Return where a bracket is closed; the end of the text where it is not."""
    depth = 0
    for match in re.compile(r"[{}\[\]]").finditer(text, start):
        depth += 1 if match.group() in "{[" else -1
        if depth == 0:
            return match.end()
    return len(text)


def _match_end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start


def _phrases(text: str) -> Iterator[Span]:
    """Yield what stands after the words of headers, SQL and XML, in files of passwords, and what is piped into a program for them."""
    for match in _SCHEME.finditer(text):
        if not match.group(2).isalpha() or len(match.group(2)) >= 20 or re.search(r"[a-z][A-Z]", match.group(2)):
            yield match.span(2)
    for match in _QUOTED_AFTER.finditer(text):
        yield match.span(2)
    for match in _IDENTIFIED.finditer(text):
        yield match.span(1)
    for match in _COMMA_PAIR.finditer(text):
        if is_secret_name(match.group(1)):
            yield match.span(2) if match.group(2) is not None else match.span(3)
    if "<" in text:
        for match in (*_XML.finditer(text), *_XML_NAMED.finditer(text)):
            if is_secret_name(match.group(1)):
                yield match.span(2)
    for match in _XML_PAIR.finditer(text) if "alue" in text or "ALUE" in text else ():
        if is_secret_name(match.group(1)):
            yield match.span(2) if match.group(2) is not None else match.span(3)
    for match in _PGPASS.finditer(text):
        if not _ADDRESS.fullmatch(match.group()):
            yield match.span(1)
    if "|" in text or "<<<" in text:
        for match in _ECHO.finditer(text):
            yield match.span(match.lastindex or 0)
        for match in _HERE.finditer(text):
            yield match.span(match.lastindex or 0)
