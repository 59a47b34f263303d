"""What a table of numbers tells of itself: days or diseases as columns, which number counts, what names a row. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress

from tocsin.config import SignalTable
from tocsin.ingest.propose_own import first, measures, named, quoted
from tocsin.ingest.values import half_width, is_below, number

Shown = Mapping[str, Sequence[str]]  # of each column the cells that are filled

MOST = 0.8
DAYS = 3  # titles that are days, from which on a table is one of days as columns
_DAY = re.compile(r"(?:\d{4}\s*[-/.年]\s*)?\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?|\d{8}")
_MANY = re.compile(
    r"人数|例数|病例|缺勤|缺课|销量|销售量|浓度|拷贝|absen|\bcases?\b|count|copies|concentration", re.IGNORECASE
)
_WHOLE = re.compile(
    r"应到|实到|应出勤|实际出勤|在校|在册|总人数|学生数|班级人数|enrol|expected|present|population", re.I
)
_ILL = re.compile(r"因病|病假|患病|\bill|sick", re.IGNORECASE)
_EXPECTED, _PRESENT = re.compile(r"应到|应出勤|expected|enrol", re.I), re.compile(r"实到|实际出勤|present", re.I)
_MEASURED = re.compile(r"浓度|拷贝|copies|concentration", re.IGNORECASE)
_PERSON = re.compile(r"name|phone|姓名|电话|手机|住址|地址|身份证", re.IGNORECASE)


def days(columns: Iterable[str]) -> list[str]:
    """The titles that are days, if the table has days as columns."""
    some = [c for c in columns if _DAY.fullmatch(half_width(c))]
    return some if len(some) >= DAYS else []


def unpivot(some: Sequence[str], others: Sequence[str]) -> str:
    """What to do with a table that has days as columns."""
    kept = ", ".join(others)[:200]
    return (
        f"{len(some)} of its columns are days ({some[0]} … {some[-1]}), and a day is read from a cell. Turn them to "
        f"rows, one for each of {kept} and day: in Excel Data, From Table, Unpivot Other Columns (数据 → 从表格 → "
        "逆透视其他列); in Polars df.unpivot(index=[…])"
    )


def wide(shown: Shown, signals: Sequence[SignalTable], taken: set[str]) -> dict[str, str]:
    """column → signal, where several columns of numbers are called after signals of their own."""
    pairs: dict[str, str] = {}
    for column in _numbers(shown, taken):
        signal = _called(column, signals)
        if signal and signal not in pairs.values():
            pairs[column] = signal
    return pairs if len(pairs) > 1 else {}


def many(shown: Shown, signals: Sequence[SignalTable], taken: set[str]) -> str:
    """The column that says how many, by its name: those who are ill before all others; "" for none."""
    some = [c for c in _numbers(shown, taken) if _MANY.search(c) and not _WHOLE.search(c)]
    ill = [c for c in some if _ILL.search(c)]
    return next(iter([*(c for c in ill or some if _called(c, signals)), *ill, *some]), "")


def is_share(shown: Shown) -> bool:
    """Whether a table says who was expected and who came, but not who was absent."""
    return any(map(_EXPECTED.search, shown)) and any(map(_PRESENT.search, shown))


def lines(shown: Shown, signals: Sequence[SignalTable], taken: set[str]) -> Iterator[str]:
    """The signal and the value of a table of numbers; nothing for a table of records."""
    there = f"signals of this city: {', '.join(s.name for s in signals)}"
    if pairs := wide(shown, signals, taken):
        some = ", ".join(f"{quoted(c)} = {quoted(s)}" for c, s in pairs.items())
        yield f"values = {{ {some} }}  # one event a column"
        left = [c for c in _numbers(shown, taken) if c not in pairs]
        yield f"# {there}" + (f"; numbers that are not read: {', '.join(left)[:200]}" if left else "")
        return
    column = many(shown, signals, taken)
    if column:
        kind = first(signals, "measure" if _MEASURED.search(column) and measures(signals) else "count")
        yield f"signal = {quoted(_called(column, signals) or kind)}  # {there}"
        yield f"value = {quoted(column)}"
        below = [v for v in shown[column] if number(v) is None]
        if below:
            kinds = ", ".join(dict.fromkeys(below))[:60]
            yield f"# {len(below)} of its cells are no numbers ({kinds}): findings, until half the limit is written"
    elif is_share(shown):
        signal = next((s.name for s in signals if re.search("absen|缺勤|缺课", f"{s.name} {s.title}")), "")
        yield f"signal = {quoted(signal or first(signals, 'count'))}  # {there}"
        yield 'value = "FILL IN: how many were absent"  # 应到 less 实到 is not reckoned here: have a column of those'
        yield "# absent added to the export (缺勤人数), best of those absent ill (因病缺勤人数)"


def key(columns: Shown, reference: str, taken: set[str]) -> list[str]:
    """The fewest columns of names, with the day, that no two rows share; [] if there are none."""
    dated = [any(map(str.isdigit, v)) for v in columns.get(reference, ())]  # and no row of sums
    columns = {c: list(compress(v, dated)) for c, v in columns.items() if len(v) == len(dated)}
    rows = sum(dated)
    if rows < MOST * len(dated):
        return []
    names = [c for c, v in columns.items() if c not in taken | {reference} and len(v) == rows and all(v)
             and not _PERSON.search(c) and not _mostly(v, lambda x: number(x) is not None)]  # fmt: skip
    chosen: list[str] = [reference]
    while not _unique(columns, chosen, rows):
        left = [c for c in names if c not in chosen]
        if not left or len(chosen) > 3:
            return []
        chosen.append(max(left, key=lambda c: len(set(zip(*(columns[x] for x in [*chosen, c]), strict=True)))))
    return chosen


def _unique(columns: Shown, chosen: Sequence[str], rows: int) -> bool:
    return rows > 0 and len(set(zip(*(columns[c] for c in chosen), strict=True))) == rows


def _numbers(shown: Shown, taken: set[str]) -> list[str]:
    def fits(cell: str) -> bool:
        return number(cell) is not None or is_below(cell)

    return [
        c for c, v in shown.items() if c not in taken and _mostly(v, fits) and any(number(x) is not None for x in v)
    ]


def _called(column: str, signals: Sequence[SignalTable]) -> str:
    """The signal whose title is in a column's name, or that it names; "" for none."""
    for signal in signals:
        if any(len(t) > 1 and t.lower() in column.lower() for t in [signal.name, *signal.title.values()]):
            return signal.name
    plain = column.isascii() and not any(
        re.search(rf"\b{re.escape(column)}\b", f"{s.name} {s.title}", re.I) for s in signals
    )
    return "" if plain or len(column) < 2 else named(column, signals)


def _mostly(values: Sequence[str], fits: object) -> bool:
    assert callable(fits)
    return bool(values) and sum(map(bool, map(fits, values))) >= MOST * len(values)
