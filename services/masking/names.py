"""Names under which secrets stand: of variables, keys, options, columns and headers, in English and in other languages.

A name is taken apart into words (``clientSecret``, ``client-secret``, ``CLIENT_SECRET`` are the same two), without accents. Erring on
the side of hiding: a name that may stand for a secret does, unless its last word says that it is about one (``tokenUrl``).
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata


def names(words: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(words.split())


_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W\d_A-Za-z]+")
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ı": "i", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "AE"})

# Within the name without its separators: long enough to stand for nothing else.
_LONG_WORDS = """
    webhook identityheader stringdata pssw(?:or|r)?d passwrd pasahitz cyfrinair lykilor wagwoord katalaluan nenosiri pasvort segret парола
    лозинка гасло گذرواژه رمز shared_secret
    passw(?:or|0r|r)?d passw?rd passwd passwort passphrase passcode passkey passwr p4ssw secret credential creds (?<!un)authorization
    authorizedkey api_?key accesskey accountkey privatekey sharedkey signingkey encryptionkey masterkey primarykey secondarykey
    symmetrickey storagekey subscriptionkey licen[sc]ekey functionkey hostkey connectionstring conn(?:ection)?str connstring
    accesstoken authtoken refreshtoken sastoken bearer signature sessionid sessionkey cookie mnemonic seedphrase recoveryphrase
    instrumentationkey webhookurl kubeconfig dockerconfigjson dockercfg htpasswd pgpass netrc jaas keytab keypass storepass passord
    kennwort losungswort geheimnis geheim zugangsdaten zugangscode schluessel schlussel contrasen contraseny clavesecret claveacceso
    motdepass motpasse motdepasse heslo haslo senha palavrapasse palavrachave segredo secreto wachtwoord sleutel losenord salasana
    adgangskode kodeord parola jelszo sifre lozinka zaporka geslo slaptazod parool matkhau katasandi klucz klic parolechiave
    chiavesegret пароль секрет токен ключ κωδικ συνθηματικ 密码 密碼 密钥 密鑰 口令 金鑰 パスワード 暗証 秘密 秘钥 비밀번호 비번 암호
    סיסמה סיסמא كلمةالمرور كلمةالسر مرور 暗号 รหัสผ่าน पासवर्ड
"""
_PARTS = re.compile("|".join(_LONG_WORDS.split()))
_ALONE = names(
    """
    pass pw pwd psw pswd pword pwrd pass1 pat pats sas sig auth oauth cred creds key keys token tokens pin pins otp totp psk wpa wep
    salt pepper jwt pem pfx pkcs dsn mdp clave claves chave cle cles jeton jetons nyckel avain chiave passe sandi kulcs hemmelig
    khau parol parole sekret tajne tajny sakey skey ikey ident_pw community unlock pwhash passhash cvv puk mfa hmac secretkeybase
    userpw userpwd basicauth connstring sasl losen loesen nokkel klucz anahtar xsrf csrf gizli sk
    """
)
_ENDS = re.compile(r"(?:pass|pwd|passwd|pword|psw|pw|token|tokens|key|keys|secret|secrets|cred|creds|pat|apikey|sas)\Z")
_NO_ENDS = names(
    """
    compass bypass trespass surpass encompass lowpass highpass bandpass allpass subpass multipass overpass underpass onepass
    monkey turkey hockey jockey donkey whiskey hotkey lackey mickey smokey pokey honkey okey hickey crackey spat splat
    compat expat
    """
)
# Keys of tables, messages and indexes; what is public; tokens of text.
_NO_KEYS = names(
    """
    partition routing sort foreign row cache dedup public pub registry message msg group shard column table index config object blob hot home
    end page arrow map dictionary
    """
)
_ACCESS = names(
    "access auth authorization pairing security unlock activation verification recovery backup pass device entry door"
)
_NO_PINS = names("gpio led button rx tx reset input output data clock irq cs dc scl sda bcm")
# A last word that makes the name one about a secret: the value is looked at, the name hides nothing.
_ABOUT = names(
    """
    name names file path dir folder url uri endpoint host port type kind length size count max min limit enabled required algorithm
    alg policy scope scopes issuer audience expiry expires expiration expired ttl timeout lifetime age interval rotation method mode
    provider vault id identifier version thumbprint fingerprint label description prefix suffix header field format encoding status
    state user username login realm domain delay attempts retries cost rounds updated created date time at permissions
    server address audiences cert certificate option options mechanism mechanisms protocol ring ref
    """
)
_NOT_ABOUT = re.compile(
    r"(?:secret|session|token)(?:id|identifier)\Z|(?:cookie|secret|passphrase|pass)(?:header|field|hint)\Z|(?:webhook|sas)ur[li]\Z|hookurl\Z|identityheader\Z"
)


@functools.lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in small letters, without accents."""
    plain = "".join(part for part in unicodedata.normalize("NFKD", name.translate(_LETTERS)) if not unicodedata.combining(part))
    return tuple(word.casefold() for word in _WORD.findall(plain))


@functools.lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Return whether a value of that name is a secret."""
    words = words_of(name[-200:])
    while words and words[-1].isdigit():  # PASSWORD_1, apiKey2
        words = words[:-1]
    if not words:
        return False
    whole = "".join(words)
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in _ABOUT and not _NOT_ABOUT.search(whole):
        return False
    if (last in ("key", "keys") and before in _NO_KEYS) or (last == "pin" and before in _NO_PINS):
        return any(_alone(word) for word in words[:-2]) or bool(_PARTS.search("".join(words[:-2])))
    if (last in ("connection", "conn") and before) or (last == "code" and before in _ACCESS):
        return True
    folded = "".join(part for part in name[-200:].casefold() if part.isalnum())  # scripts that NFKD takes apart
    return (
        _PARTS.search(whole) is not None
        or _PARTS.search(folded) is not None
        or any(_alone(word) for word in words)
        or any(first + second in _ALONE for first, second in itertools.pairwise(words))
    )


def _alone(word: str) -> bool:
    return word in _ALONE or (len(word) > 3 and _ENDS.search(word) is not None and word not in _NO_ENDS)
