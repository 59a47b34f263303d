"""Chief complaints in Chinese and English, and ICD-10 codes, as syndromes. Pure.

The words are in `syndromes.csv` beside this file, with their sources. A word counts unless it is denied. Denial follows
NegEx (Chapman et al., J Biomed Inform 2001;34:301-310): a cue before the word, within a short window, unless the cue is
part of a phrase that only looks like a denial. The Chinese cues and the ends of their scope are ours.
"""

import csv
import pkgutil
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from tocsin.errors import ConfigError
from tocsin.ingest.values import half_width

KINDS = ("en", "zh", "celsius", "icd10", "all", "not", "not-icd10", "looks-denied")
LONGEST = 2000  # characters of a complaint that are read
WORDS = 5  # after an English cue, as in NegEx
LONG = 100  # letters that five words may take
LETTERS = 12  # after a Chinese cue
KIN = 6  # after relatives, who mostly tell of the patient

_CODE = re.compile(r"(?<![0-9A-Z])[A-Z]\d[0-9A-Z][0-9A-Z.]*")
_RANGE = re.compile(r"([A-Z])(\d\d)-([A-Z])(\d\d)")
_TEMPERATURE = re.compile(
    r"(?:体温|温度|烧到|烧至|高达|tmax|temp(?:erature)?|\bt)[^\d\n,;。]{0,6}(?P<named>\d{2,3}(?:\.\d{1,2})?)"
    r"|(?P<c>\d{2}(?:\.\d{1,2})?)\s*(?:℃|°\s*c|摄氏度|度|c\b)|(?P<f>\d{2,3}(?:\.\d{1,2})?)\s*(?:°\s*f|℉|f\b)"
    r"|(?<![\d.])(?P<bare>\d{2,3}(?:\.\d{1,2})?)\s*(?:°|deg(?:rees?)?\b|temp\b|fever\b)"
)
_CUE = re.compile(
    r"(?P<list>\b(?:denie[sd]|deny(?:ing)?|negative for|neg for|no (?:evidence|signs?|hx|history|complaints?) of)\b)"
    r"|(?P<seen>\b(?:exposed to|exposure to|in contact with)\b|接触(?=[^,。;，；]{0,8}(?:患者|病人|者)))"
    r"|(?P<kin>\b(?:mother|mom|father|dad|parents?|sister|brother|siblings?|husband|wife|spouse|room-?mates?"
    r"|grand(?:mother|father|ma|pa)|co-?workers?|class-?mates?|family(?: members?)?|household(?: members?)?)"
    r"\s+(?:also\s+|both\s+|all\s+)?(?:(?:is|are|was|were)\s+)?"
    r"(?:has|have|had|with|w/|(?:sick|ill|down|diagnosed|dx) with|(?:tested )?positive for)\s+"
    r"(?!(?:been|noticed|noted|reported|given|tried|measured|taken|brought|concern\w*)\b))"
    r"|(?P<kin_zh>(?:母亲|父亲|父母|妈妈|爸爸|家人|家里人|丈夫|妻子|老公|老婆|哥哥|姐姐|弟弟|妹妹|爷爷|奶奶|外公|外婆"
    r"|祖父|祖母|同学|同事|室友|舍友|邻居|其母|其父)(?:中|里|也|亦|均|都|近日|近期|昨[日天]|曾|有|患|得|确诊|出现|感染)*"
    r"(?!.{0,5}(?:诉|述|称|说|发现|自?测|带|送|陪|聚|吃|饭|一起|一同|共|后|同住)))"
    r"|(?P<one>\b(?:no|not|without|w/o|never|nor)\b)|(?P<zh>否认|否認|没有|沒有|未见|未見|未诉|未伴|未出现|排除|无|無|没|沒|未|不|非)"
)
_END = re.compile(
    r"[.;!?。；！？，\n]|\b(?:but|however|except|although|now|with|has|reports?|c/o|complain\w*)\b|但|(?<![不无無未])伴|(?<![没沒])有|出现|仅"
)
_AFTER = re.compile(
    r"\s*(?:[:：–-]\s*(?:no(?=\s*(?:[,;./\n]|$))|(?:none|denie[sd]|negative|neg)\b|无|無|否|阴性|陰性)|\(\s*[-－–]\s*\)"
    r"|(?:(?:was|is|has|now)\s+)?(?:denied|resolved|gone)\b|(?:现|均)?已(?:退|愈|止|消退|缓解)"
    r"|(?:exposure|contact|vaccin\w*|vax|shots?|boosters?|immuni[sz]ation)\b|(?:(?!接种|注射|打)[\u4e00-\u9fff]){0,4}疫苗)"
)
_MINUS = re.compile(r"(?:^|[\s,;(])-$")  # -fever, but not: cough - fever
_SPACED = re.compile(r"(?<=[\u4e00-\u9fff])[ \t]+(?=[\u4e00-\u9fff])")  # letters set apart, as on old forms
_COMMA = re.compile(r",(?!\s*(?:\w+[ ,]+){0,4}?(?:or|nor|no)\b)")  # one after which the list does not go on

Term = Sequence[str]  # syndrome, kind, term


@lru_cache(maxsize=1)
def shipped() -> tuple[tuple[str, str, str], ...]:
    """The terms that come with the program."""
    data = pkgutil.get_data(__package__, "syndromes.csv")
    assert data is not None
    return tuple(read_terms(data.decode("utf-8"), "syndromes.csv"))


def read_terms(written: str, file: str) -> Iterator[tuple[str, str, str]]:
    """(syndrome, kind, term) of each row of a CSV text; # begins a comment. ConfigError names the line."""
    for number, row in enumerate(csv.reader(written.splitlines()), 1):
        if not row or row[0].lstrip().startswith("#") or row[:3] == ["syndrome", "kind", "term"]:
            continue
        cells = [c.strip() for c in row]
        if len(cells) != 3 or not all(cells):
            raise ConfigError(f"{file}, line {number}: write syndrome,kind,term; found {','.join(row)[:100]!r}")
        if cells[1] not in KINDS:
            raise ConfigError(f"{file}, line {number}: {cells[1]!r} is no kind; there are: {', '.join(KINDS)}")
        yield cells[0], cells[1], cells[2]


class Syndromes:
    """A table of terms made ready: `found(text, codes)` gives the names of the syndromes they speak of."""

    def __init__(self, terms: Iterable[Term]) -> None:
        rows = [(name, kind, term) for name, kind, term in terms]
        for name, kind, _ in rows:
            if kind not in KINDS:
                raise ConfigError(f"classify.terms: {kind!r} of {name!r} is no kind; there are: {', '.join(KINDS)}")
        self.names = frozenset(name for name, kind, _ in rows if kind != "looks-denied")
        self._words: dict[str, set[str]] = {}
        for name, kind, term in rows:
            if kind in ("en", "zh"):
                self._words.setdefault(term.lower(), set()).add(name)
        self._pattern = _any(self._words)
        self._hidden = _any({term.lower() for _, kind, term in rows if kind in ("not", "looks-denied")})
        self._warm = {name: _number(name, term) for name, kind, term in rows if kind == "celsius"}
        self._all = [(name, frozenset(term.split())) for name, kind, term in rows if kind == "all"]
        self._codes: dict[str, dict[str, bool]] = {}  # prefix → syndrome → in or out
        for name, kind, term in rows:
            for prefix in _prefixes(term) if kind in ("icd10", "not-icd10") else ():
                self._codes.setdefault(prefix, {})[name] = kind == "icd10"
        self.found = lru_cache(maxsize=1 << 14)(self._found)

    def _found(self, said: str, codes: str) -> frozenset[str]:
        names = self.in_text(said) | self.in_codes(codes)
        grew = True
        while grew:
            more = {name for name, parts in self._all if parts <= names} - names
            names, grew = names | more, bool(more)
        return frozenset(names)

    def in_codes(self, codes: str) -> set[str]:
        """By the longest prefix that a syndrome knows of each code; dots and the case of letters do not matter."""
        names = set()
        for code in _CODE.findall(half_width(codes[:LONGEST]).upper()):
            plain = code.replace(".", "")
            known: dict[str, bool] = {}
            for end in range(1, len(plain) + 1):
                known |= self._codes.get(plain[:end], {})
            names |= {name for name, within in known.items() if within}
        return names

    def in_text(self, said: str) -> set[str]:
        """The syndromes whose words stand in the text and are not denied."""
        plain = _SPACED.sub("", half_width(said[:LONGEST]).lower())
        names = {name for name, least in self._warm.items() if any(t >= least for t in _temperatures(plain))}
        plain = self._hidden.sub(lambda m: "_" * len(m[0]), plain) if self._hidden else plain
        denied = list(_denied(plain))
        for match in self._pattern.finditer(plain) if self._pattern else ():
            word, at = match[1], match.start(1)
            told = not any(first <= at < last for first, last in denied)
            if told and not _AFTER.match(plain, match.end(1)) and not _MINUS.search(plain[max(at - 2, 0) : at]):
                names |= self._words.get(word) or self._stem(word)
        return names

    def _stem(self, word: str) -> set[str]:
        """A word that was found by its beginning (`vomit*`)."""
        stems = [s for s in self._words if s.endswith("*") and word.startswith(s[:-1])]
        return set().union(*(self._words[s] for s in stems))


def _any(words: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern for all words, the longest first, overlaps allowed; Latin words stand alone, Chinese anywhere."""
    ordered = sorted(words, key=lambda w: (-len(w), w))
    latin = "|".join(_part(w) for w in ordered if w.isascii())
    parts = [rf"(?<![a-z])(?:{latin})"] if latin else []
    parts += [re.escape(w.removesuffix("*")) for w in ordered if not w.isascii()]
    return re.compile(f"({'|'.join(parts)})") if parts else None


def _part(word: str) -> str:
    plain = re.escape(word.removesuffix("*")).replace(r"\ ", r"\s+")
    return plain + (r"[a-z]*" if word.endswith("*") else r"(?![a-z])")


def _prefixes(term: str) -> list[str]:
    span = _RANGE.fullmatch(term.upper())
    if span and span[1] <= span[3]:
        letters = range(ord(span[1]), ord(span[3]) + 1)
        every = (f"{chr(letter)}{n:02d}" for letter in letters for n in range(100))
        return [c for c in every if span[1] + span[2] <= c <= span[3] + span[4]]
    if not _CODE.fullmatch(term.upper()):
        raise ConfigError(f"{term!r} is no ICD-10 code; write A09, J11.1 or J00-J06")
    return [term.upper().replace(".", "")]


def _number(name: str, term: str) -> float:
    try:
        return float(term)
    except ValueError as e:
        raise ConfigError(f"{term!r} of {name!r} is no temperature; write 38.0") from e


def _temperatures(plain: str) -> Iterator[float]:
    """Body temperatures of a text in °C; a bare number is one only after a word for it, Fahrenheit from 90 on."""
    for match in _TEMPERATURE.finditer(plain):
        reading = float(match["named"] or match["c"] or match["f"] or match["bare"])
        either = match["named"] or match["bare"]
        celsius = (reading - 32) / 1.8 if match["f"] or (either and 90 <= reading <= 115) else reading
        if 30 <= celsius <= 45:
            yield round(celsius, 2)


def _denied(plain: str) -> Iterator[tuple[int, int]]:
    """The stretches of a text in which a word is denied, or said of somebody else."""
    for cue in _CUE.finditer(plain):
        start, chinese = cue.end(), not cue[0].isascii()
        reach = min(start + (KIN if cue["kin_zh"] else LETTERS if chinese else LONG), len(plain))
        end = _END.search(plain, start, reach)
        stop = end.start() if end else reach
        if chinese:
            cut = plain.find(",", start, stop)  # half-width ，
            stop = cut if cut >= 0 else stop
        else:
            words = [m.end() for m in re.finditer(r"\S+", plain[start:stop])]
            stop = start + words[WORDS - 1] if len(words) >= WORDS else stop
            if cue["one"] or cue["seen"] or cue["kin"]:  # a list goes on after "denies", and after "no" only with "or"
                comma = _COMMA.search(plain, start, stop)
                stop = comma.start() if comma else stop
        yield start, stop
