"""What a sample table tells of itself: its delimiter, how its dates are written, which columns are complaints. Pure."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime

from tocsin.areas import AreaTree
from tocsin.ingest.lines import lines
from tocsin.ingest.values import half_width

DELIMITERS = ",\t;|"
SHORTEST = 4  # digits of a code that others may begin with
CARDS = frozenset(("未审核卡", "已审核卡", "已终审卡", "已删除卡"))  # what a Chinese notifiable disease card may be
MANY = 30  # different cells of a column of kinds
LINES = 20  # that are looked at
MOST = 0.8
_DATES = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%m/%d/%y",
          "%d/%m/%y")  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_COMPLAINT = re.compile(
    r"主诉|诉求|症状|内容|标题|描述|现病史|complaint|symptom|reason|narrative|descri|triage|presenting|content$|appeal(?!er)",
    re.I,
)
_DISEASE = re.compile(r"疾病名|病种|病名|诊断名|disease|diagnos|syndrome|pathogen|病原", re.IGNORECASE)
_STATUS = re.compile(r"状态|status|分类|classif|deleted", re.IGNORECASE)
_GONE = re.compile(r"删除|作废|撤销|取消|排除|delet|cancel|void|discard|retract|not a case", re.IGNORECASE)
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


def is_disease(column: str, shown: Mapping[str, Sequence[str]]) -> bool:
    """Whether a column says by name which of several diseases a record is of."""
    different = set(shown.get(column, ()))
    return bool(_DISEASE.search(column)) and 1 < len(different) <= MANY and _share(list(different), _LETTERS)


def taken_back(shown: Mapping[str, Sequence[str]]) -> str:
    """A `value` by which a row that its sender has deleted or discarded is none, "" if no column says so."""
    for column, values in shown.items():
        cards = CARDS if CARDS.intersection(values) else ()
        seen = list(dict.fromkeys([*values, *sorted(cards)]))
        if _STATUS.search(column) and len(seen) <= MANY and any(map(_GONE.search, seen)):
            counts = ", ".join(f'{_quoted(v)} = "{int(not _GONE.search(v))}"' for v in seen)
            return f"value = {{ column = {_quoted(column)}, map = {{ {counts} }} }}  # 0 takes back"
    return ""


def prefixed(shown: Mapping[str, Sequence[str]], known: Set[str]) -> tuple[str, int]:
    """(column, length): one whose cells are numbers that begin with known codes; "" for none."""
    for column, values in shown.items():
        for length in sorted({len(c) for c in known if len(c) >= SHORTEST}, reverse=True):
            longer = [v for v in values if len(v) > length and v.isascii() and v.isdigit()]
            if values and 2 * sum(v[:length] in known for v in longer) >= len(values):
                return column, length
    return "", 0


def finer(shown: Mapping[str, Sequence[str]], column: str, tree: AreaTree) -> str:
    """A column whose names lie under those of another; "" for none."""
    for other, values in shown.items():
        pairs = list(zip(shown[column], values, strict=False))
        above = [tree.by_names([a]) for a, _ in pairs]
        below = [tree.by_names([a, b]) for a, b in pairs]
        deeper = sum(b is not None and b != a for a, b in zip(above, below, strict=True))
        if other != column and len(values) == len(shown[column]) and pairs and 2 * deeper >= len(pairs):
            return other
    return ""


def _quoted(said: str) -> str:
    return json.dumps(said, ensure_ascii=False)


def _share(values: Sequence[str], pattern: re.Pattern[str], whole: bool = False) -> bool:
    fits = pattern.fullmatch if whole else pattern.search
    told = [v for v in values if v]
    return bool(told) and sum(bool(fits(v)) for v in told) >= MOST * len(told)
