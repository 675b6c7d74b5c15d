"""What a text looks like by itself: tokens that issuers give a form, keys by their entropy, and forms that hide nothing.

Prefixes are those that the issuers document for secret scanning. A digest, a GUID, a version, a name of words has a form of its own:
entropy hides none of them.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote

Span = tuple[int, int]

_TOKENS = r"""
    eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){0,4} gh[a-z]_[A-Za-z0-9_]{16,} github_pat_[A-Za-z0-9_]{16,}
    gl(?:pat|ptt|dt|rt|cbt|ft|soat|imt|agent|oas|ffct)-[A-Za-z0-9_-]{16,} GR1348941[A-Za-z0-9_-]{16,} glc_[A-Za-z0-9+/=]{16,}
    glsa_[A-Za-z0-9_]{16,} xox[a-z](?:\.[a-z]+)?-[A-Za-z0-9-]{8,} xapp-[A-Za-z0-9-]{8,} hooks\.slack\.com/[A-Za-z0-9/_-]+
    (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,} ABSK[A-Za-z0-9+/=]{40,} AIza[A-Za-z0-9_-]{24,} ya29\.[A-Za-z0-9_-]{8,}
    GOCSPX-[A-Za-z0-9_-]{16,} 1//0[A-Za-z0-9_-]{20,} (?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,} whsec_[A-Za-z0-9+/=]{12,}
    npm_[A-Za-z0-9]{16,} pypi-[A-Za-z0-9_-]{16,} dckr_[a-z]{2,5}_[A-Za-z0-9_-]{12,} rubygems_[A-Za-z0-9]{16,} oy2[a-z0-9]{40,}
    [A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{24,} [A-Za-z0-9+/]{30,}\+(?:ACR|ASt|AIoT|ACDb|AzFu|AzSe|AzCa|APIM)[A-Za-z0-9+/=]{2,}
    sk-(?=[a-z_-]*[A-Z0-9][A-Za-z_-]*[0-9A-Z])[A-Za-z0-9_-]{16,} hf_[A-Za-z0-9]{16,} api_org_[A-Za-z0-9]{16,} r8_[A-Za-z0-9]{16,}
    gsk_[A-Za-z0-9]{16,} xai-[A-Za-z0-9]{16,} pplx-[A-Za-z0-9]{16,} dapi[0-9a-f]{30,}(?:-\d)?
    SG\.[A-Za-z0-9_-]{12,}\.[A-Za-z0-9_-]{12,} SK[0-9a-f]{32} key-[0-9a-f]{32} [0-9a-f]{32}-us[0-9]{1,2}
    [0-9]{8,11}:[A-Za-z0-9_-]{32,} bot[0-9]{8,11}:[A-Za-z0-9_-]{30,}
    [MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,} discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]+
    hv[a-z]\.[A-Za-z0-9_-]{16,} s\.[A-Za-z0-9]{24} [A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{20,} do[a-z]_v1_[a-f0-9]{32,}
    HRKU-[A-Za-z0-9_-]{16,} NR[A-Z]{2,3}-[A-Za-z0-9]{16,} shp[a-z]{2}_[a-fA-F0-9]{16,} sq0[a-z]{3}-[A-Za-z0-9_-]{16,}
    EAAA[A-Za-z0-9_-]{40,} EAACEdEose0cBA[A-Za-z0-9]+ lin_api_[A-Za-z0-9]{16,} ntn_[A-Za-z0-9]{16,} sntry[a-z]_[A-Za-z0-9+/=_]{16,}
    dt0c01\.[A-Z0-9]{20,}\.[A-Z0-9]{20,} PMAK-[A-Za-z0-9-]{16,} cio[A-Za-z0-9]{30,} AKC[A-Za-z0-9]{20,} cmVmdGtu[A-Za-z0-9]{16,}
    AT(?:ATT|BB|CTT)[A-Za-z0-9_=-]{16,} fig[a-z]_[A-Za-z0-9_-]{16,} dp\.[a-z]{2,5}\.[A-Za-z0-9._-]{16,}
    pscale_[a-z]+_[A-Za-z0-9_.-]{16,} sbp_[a-f0-9]{16,} nfp_[A-Za-z0-9]{16,} AGE-SECRET-KEY-1[0-9A-Z]{20,} tskey-[A-Za-z0-9-]{8,}
    CCIPAT_[A-Za-z0-9_]{16,} bk[a-z]{2}_[a-f0-9]{16,} pul-[0-9a-f]{30,} pat[A-Za-z0-9]{14}\.[0-9a-f]{32,} ops_eyJ[A-Za-z0-9_-]{16,}
    sha256~[A-Za-z0-9_-]{20,} v1\.0-[0-9a-f]{20,}-[0-9a-f]{20,}
    [a-z][a-z0-9]{1,11}_(?:pat|tkn|token|secret|sk|key|live|test|prod)_(?=[A-Za-z]*[0-9])[A-Za-z0-9]{12,}
    LS0tLS1CRUdJTi[A-Za-z0-9+/=]* PuTTY-User-Key-File-[\s\S]* 3[A-Za-z0-9]{3}-[a-z]{2}-live-[A-Za-z0-9]{12,}
    SCRAM-SHA-[0-9]+\$[^\s"']+
"""
_TOKEN = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_TOKENS.split())})")
_HASHED = re.compile(
    r"\$(?:apr1|1|2[abxy]?|5|6|7|y|gy|md5|sha1|argon2[a-z]*|scrypt|pbkdf2[a-z0-9-]*|bcrypt[a-z0-9-]*)\$[^\s:\"',;]+"
    r"|\{(?:S?SHA[0-9]*|S?MD5|CRYPT|PBKDF2[A-Z0-9-]*|ARGON2)\}[^\s:\"',;]+|\b(?:pbkdf2_sha(?:1|256)|bcrypt_sha256|argon2)\$[^\s:\"',;]+"
)
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{1,60}-----|---- BEGIN SSH2 [A-Z ]{1,40} ----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{1,60}-----|---- END SSH2 [A-Z ]{1,40} ----")
_BASE64_KEY = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{26,}(?:=|%3[dD]){1,2}(?![A-Za-z0-9+/=])")
_RUN = re.compile(r"[A-Za-z0-9+_~-]{16,}|[A-Za-z0-9+/]{40,}={0,2}")
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SEGMENT = re.compile(r"[A-Za-z0-9]{16,}")
_ENCODED = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{12,}={0,2}(?![A-Za-z0-9+/=_-])")
# Begins where a word begins: from every letter of a word without a percent sign it would look through the rest of it.
_PERCENT = re.compile(r"(?<![^\s&?=;,\"'<>#])[^\s&?=;,\"'<>#]*%[0-9A-Fa-f]{2}[^\s&?;,\"'<>#]*")
_GUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_HARMLESS = re.compile(
    r"[0-9A-Fa-f]+|[0-9.,:T+Z/-]+|\{?[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\}?|v?[0-9]+(?:\.[0-9A-Za-z]+)+(?:[-+][0-9A-Za-z.-]+)?"
    r"|(?:sha(?:1|224|256|384|512)|md5|blake2b)[:-][A-Za-z0-9+/=]+|SHA256:[A-Za-z0-9+/=]+|MD5:[0-9a-f:]+|(?:W/)?\"[^\"\s]{1,80}\"|[0-9]+[a-zA-Z%]{1,3}"
    r"|[A-Za-z]+|[a-z0-9]+(?:[-._/:][a-z0-9]+)*",
)
_WORDLIKE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_MIXED = re.compile(r"[^\s\"'(){}\[\]<>|/\\,:;=•]{8,64}")
_ETAG = re.compile(
    r"(?:W/)?\"(?:0x[0-9A-Fa-f]+|[0-9a-f-]+|[A-Za-z0-9+/_-]{11}=|[A-Za-z0-9+/]{27}=|[0-9a-f]{1,6}-[A-Za-z0-9+/_-]{27})\"\Z"
)
_DIGEST = re.compile(
    r"(?<![A-Za-z0-9])(?:sha(?:1|224|256|384|512)|md5|blake2b|SHA256|MD5)[:-][A-Za-z0-9+/:]+={0,2}"
    r"|(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{22}==(?![A-Za-z0-9=])"  # sixteen bytes: an MD5 in base64
)
_PAIR_OF_LOGIN = re.compile(r"[A-Za-z0-9_.@\\-]{1,64}:[^\s:]{3,}\Z")


def is_harmless(word: str) -> bool:
    """Return whether a word has the form of a number, a digest, an id, a version, a time, or a name of small letters."""
    return _HARMLESS.fullmatch(word) is not None


def looks_secret(word: str) -> bool:
    """Return whether a word after a secret's name, in prose, is the secret: more than a word of the language, and no number."""
    if len(word) < 4 or _WORDLIKE.fullmatch(word) or word.isdigit() or "://" in word or _GUID.fullmatch(word):
        return False
    return (any(mark.isdigit() for mark in word) and any(mark.isalpha() for mark in word)) or any(mark in "!#$%^&*~?+@=" for mark in word) or (
        not word.islower() and not word.isupper() and not word.istitle()
    )  # fmt: skip


def is_mixed(word: str) -> bool:
    """Return whether a word has capitals, small letters, digits and signs, as generated passwords have and names have not."""
    if word[0] in "$%" or ("@" in word and "." in word.rpartition("@")[2]):
        return False
    signs = any(mark in "!#$%^&*~?@" for mark in word[1:])
    percent = re.search(r"%[0-9A-Fa-f]{2}|%[a-zA-Z]|\$[{A-Z]", word)
    return (
        signs and not percent and any("a" <= mark <= "z" for mark in word) and any("A" <= mark <= "Z" for mark in word)
        and any("0" <= mark <= "9" for mark in word)
    )  # fmt: skip


def is_random(word: str) -> bool:
    """Return whether a run of letters and digits was drawn by chance: its pieces of one kind are too short for words and numbers."""
    if _GUID.search(word) or _HARMLESS.fullmatch(word):
        return len(word) >= 30 and word.isalnum() and _is_coded(word)
    if word.isalnum() and _is_coded(word):
        return True
    upper, lower, digit = (any(test(mark) for mark in word) for test in (str.isupper, str.islower, str.isdigit))
    if not (upper and lower and (digit or len(word) >= 24)):
        return False
    pieces = _PIECE.findall(word)
    return sum(map(len, pieces)) / len(pieces) < 2.6 and len(word) >= 16


def _is_coded(word: str) -> bool:
    """Return whether it is 30 or more letters of one case and digits well mixed, and not in the digits of a digest."""
    if len(word) < 30 or not (word.islower() or word.isupper()) or re.fullmatch(r"[0-9A-Fa-f]+|[0-9]+|[A-Za-z]+", word):
        return False
    return len(word) / len(re.findall(r"[A-Za-z]+|[0-9]+", word)) < (4.5 if len(word) < 40 else 6)


def is_etag(text: str) -> bool:
    """Return whether a text is an etag in its quotes, of a form that servers give them."""
    return _ETAG.match(text) is not None


def shape_spans(text: str) -> Iterator[Span]:
    """Yield the places of tokens of a known form, hashes of passwords, and whole PEM blocks (to the end where one was cut off)."""
    place = 0
    while begin := _PEM.search(text, place):
        end = _PEM_END.search(text, begin.end())
        place = end.end() if end else len(text)
        yield begin.start(), place
    for pattern in (_TOKEN, _HASHED):
        for match in pattern.finditer(text):
            yield match.span()


def entropy_spans(text: str) -> Iterator[Span]:
    """Yield the places of keys that nothing but their entropy tells; an etag, a digest, an id is left where it stands."""
    if _ETAG.match(text) or (is_harmless(text) and len(text) < 30):
        return
    digests = [match.span() for match in _DIGEST.finditer(text)]

    def apart(place: Span) -> bool:
        return all(place[1] <= begin or end <= place[0] for begin, end in digests)

    for match in _BASE64_KEY.finditer(text):
        if apart(match.span()) and re.search(r"[0-9]|[a-z][A-Z]", match.group()):
            yield match.span()
    for match in _RUN.finditer(text):
        run, slashes = match.group(), "/" in match.group()
        if not apart(match.span()):
            continue
        if (is_random(run) if not slashes and len(run) >= 20 else slashes and is_random(run)) or any(
            is_random(segment.group()) for segment in _SEGMENT.finditer(run)
        ):
            yield match.span()
    for match in _MIXED.finditer(text):
        if is_mixed(match.group()) and apart(match.span()):
            yield match.span()


def encoded_texts(text: str) -> Iterator[tuple[Span, str]]:
    """Yield the places of base64 and percent-encoding that hold readable text, with that text."""
    for match in _ENCODED.finditer(text):
        word = match.group().rstrip("=")
        if len(word) % 4 == 1:
            continue
        try:
            plain = base64.b64decode(word.replace("-", "+").replace("_", "/") + "=" * (-len(word) % 4), validate=True).decode(
                "utf-8"
            )
        except (binascii.Error, ValueError):
            continue
        if len(plain) > 6 and all(mark.isprintable() or mark in "\r\n\t" for mark in plain):
            yield match.span(), plain
    if "%" in text:
        for match in _PERCENT.finditer(text):
            plain = unquote(match.group())
            if plain != match.group():
                yield match.span(), plain


def is_login(text: str) -> bool:
    """Return whether a decoded text is ``user:password``, as Basic sends it."""
    return _PAIR_OF_LOGIN.match(text) is not None and text.isascii()
