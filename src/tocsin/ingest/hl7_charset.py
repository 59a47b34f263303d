"""The character set of an HL7 v2 message: what MSH-18 declares, and what the bytes are. Pure.

A declaration is believed unless the bytes speak plainly against it. Latin sets decode any bytes and GB18030 most, so
that to fit is no proof: UTF-8 with a letter beyond U+07FF is hardly ever anything else, and bytes of which nearly all
beyond ASCII pair up to the 3,755 common characters of GB 2312 are Chinese.
"""

import re
from typing import NamedTuple

CHARSETS = {  # MSH-18, HL7 table 0211, without spaces and in capitals → Python's name
    "ASCII": "ascii", "UNICODEUTF-8": "utf-8", "UTF-8": "utf-8", "UTF8": "utf-8", "UNICODE": "utf-8",
    "UNICODEUTF8": "utf-8", "GB18030-2000": "gb18030", "GB18030": "gb18030", "GB2312": "gb18030", "GBK": "gb18030",
    "GB2312-80": "gb18030", "CP936": "gb18030", "CNS11643-1992": "euc_tw", "BIG-5": "big5", "BIG5": "big5",
    "KSX1001": "euc_kr", "ISOIR87": "iso2022_jp", "ISOIR14": "shift_jis", "ISOIR6": "ascii", "WINDOWS-1252": "cp1252",
    "CP1252": "cp1252", **{f"ISOIR{n}": f"iso8859-{i}" for n, i in ((100, 1), (101, 2), (109, 3), (110, 4))},
    **{f"{p}8859{d}{n}": f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15) for p in ("", "ISO", "ISO-")
       for d in ("/", "-")},
}  # fmt: skip
_LATIN = {"cp1252", *(f"iso8859-{n}" for n in (1, 2, 3, 4, 9, 15))}
_WIDE = re.compile("[\u0800-\uffff\U00010000-\U0010ffff]")
_TORN = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})(?=[|^~&\r\n]|$)")
_HIGH = re.compile(rb"[\x80-\xff]+")
COMMON = 0.7  # of what is beyond ASCII


class Read(NamedTuple):
    """A message as text, the set it was read in, and a sentence if that is not what it declares."""

    text: str
    encoding: str
    odd: str = ""
    torn: bool = False  # letters were put right, so that the text is not all of the bytes


def read_text(raw: bytes, said: str, source: str) -> Read | None:
    """The message's text; None if it is in no set that is known.

    `said` is MSH-18, of which any repetition may be true; `source` the source's own encoding or "auto", which stands
    where MSH-18 is empty.
    """
    declared = [s.strip() for s in said.split("~") if s.strip()]
    own = [CHARSETS.get(s.upper().replace(" ", ""), "") for s in declared] or ([source] if source != "auto" else [])
    for name in ("ascii", *(["utf-8"] if not own or own[0] == "utf-8" else [])):  # what nearly all messages are
        if (text := _decoded(raw, name)) is not None:
            return Read(text, name)
    texts = {name: _decoded(raw, name) for name in dict.fromkeys(["utf-8", "gb18030", *filter(None, own)])}
    for name in filter(None, own):
        if (text := texts[name]) is not None and not _contradicted(raw, name, texts):
            return Read(text, name)
    return _guessed(raw, texts, said, source)


def _guessed(raw: bytes, texts: dict[str, str | None], said: str, source: str) -> Read | None:
    """What the bytes are, with what is said of them instead."""
    mended = None if texts["utf-8"] is not None else _decoded(_TORN.sub(b"?", raw), "utf-8")
    if mended and not _is_chinese(texts["gb18030"]) and (_WIDE.search(mended) or texts["gb18030"] is None):
        odd = "a letter is cut in two at the end of a field, and stands as ?; the rest was read"
        return Read(mended, "utf-8", odd, True)
    name = "utf-8" if texts["utf-8"] is not None else "cp1252" if _is_latin(raw) else "gb18030"
    text = texts[name] if name in texts else _decoded(raw, name)
    if text is None:
        return None
    told = bool(said.strip("~ ")) or source != "auto"
    if not told and name != "cp1252":
        return Read(text, name)
    what = (
        f"MSH-18 says {said[:40]!r}"
        if said
        else f"the source's encoding is {source}"
        if told
        else "nothing is declared"
    )
    return Read(text, name, f"{what}, but the text is {name} and was read so; have the sender declare what it sends")


def _contradicted(raw: bytes, name: str, texts: dict[str, str | None]) -> bool:
    """Whether the bytes fit a set that decodes nearly anything, but are plainly in another."""
    utf8 = texts["utf-8"]
    if name == "utf-8":
        return False
    if utf8 is not None and (name in _LATIN or name.startswith("iso8859") or _WIDE.search(utf8)):
        return True
    return name in _LATIN and _is_chinese(texts["gb18030"])


def _is_chinese(text: str | None) -> bool:
    beyond = [c for c in text or "" if not c.isascii()]
    common = sum(_is_common(c) for c in beyond)
    return common >= 2 and common >= COMMON * len(beyond)


def _is_latin(raw: bytes) -> bool:
    """Whether most bytes beyond ASCII stand alone, as letters with accents do and halves of Chinese ones do not."""
    runs = [len(run) for run in _HIGH.findall(raw)]
    return 2 * runs.count(1) > len(runs)


def _is_common(letter: str) -> bool:
    """Whether it is one of GB 2312's common characters (rows 16 to 55) or its punctuation."""
    try:
        code = letter.encode("gb2312")
    except UnicodeError:
        return False
    return 0xB0 <= code[0] <= 0xD7 or code[0] in (0xA1, 0xA3)


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except (UnicodeError, LookupError):
        return None
