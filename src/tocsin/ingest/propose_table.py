"""What a sample table tells of itself: its delimiter, how its dates are written, which columns are complaints. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from tocsin.ingest.lines import lines
from tocsin.ingest.values import half_width

DELIMITERS = ",\t;|"
LINES = 20  # that are looked at
MOST = 0.8
_DATES = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%m/%d/%y",
          "%d/%m/%y")  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_COMPLAINT = re.compile(
    r"主诉|诉求|症状|内容|标题|描述|现病史|complaint|symptom|reason|narrative|descri|triage|presenting", re.I
)
_CODED = re.compile(r"icd|diag|dx|诊断|疾病编码|编码", re.IGNORECASE)
_ICD10 = re.compile(r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,6})?(?:[;,、 ]+[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,6})?)*")
_LETTERS = re.compile(r"[^\W\d_]{2}")


def delimiter(data: bytes) -> str:
    """The delimiter that stands equally often on most of the first lines, a comma for none."""
    some = [item[1] for item in lines(iter([data[: 1 << 16]]), "auto") if len(item) == 3][: LINES + 1]
    some = [line for line in some if line.strip()][:LINES]
    marked = re.fullmatch(r"sep=(.)", some[0].strip("\r\n")) if some else None
    if marked:
        return marked[1]
    best, kept = 0, ","
    for one in DELIMITERS:
        (times, lines_), *_ = Counter(line.count(one) for line in some).most_common(1) or [(0, 0)]
        if times and lines_ * times > best:
            best, kept = lines_ * times, one
    return kept


def formats(values: Sequence[str], month_first: bool) -> tuple[list[str], bool]:
    """(strptime formats that read nearly all of the values, whether day and month could change places)."""
    plain = [half_width(v) for v in values]
    fitting = []
    for base in _DATES:
        used = [f for v in plain if (f := next(_fits(base, v), ""))]
        if plain and len(used) >= MOST * len(plain):
            fitting.append((base, list(dict.fromkeys(used))))
    swapped = [f for f in fitting if f[0][:2] in ("%m", "%d") and f[0][3:5] in ("%m", "%d")]
    if not fitting:
        return [], False
    chosen = next((f for f in swapped if (f[0][:2] == "%m") == month_first), fitting[0])
    return chosen[1], len({f[0][:2] for f in swapped}) > 1


def _fits(base: str, value: str) -> Iterator[str]:
    for time in _TIMES:
        try:
            found = datetime.strptime(value, base + time)
        except ValueError:
            continue
        if found.year >= 1950:
            yield base + time


def complaints(shown: Mapping[str, Sequence[str]]) -> list[str]:
    """The columns that hold what people say of themselves, by their names and their words."""
    return [c for c, values in shown.items() if _COMPLAINT.search(c) and _share(values, _LETTERS)]


def codes(shown: Mapping[str, Sequence[str]]) -> list[str]:
    """The columns that hold ICD-10 codes."""
    return [c for c, values in shown.items() if _CODED.search(c) and _share(values, _ICD10, whole=True)]


def _share(values: Sequence[str], pattern: re.Pattern[str], whole: bool = False) -> bool:
    fits = pattern.fullmatch if whole else pattern.search
    told = [v for v in values if v]
    return bool(told) and sum(bool(fits(v)) for v in told) >= MOST * len(told)
