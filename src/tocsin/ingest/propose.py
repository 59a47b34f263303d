"""A mapping proposed from a sample: what the format is, and which columns are what. Pure.

It proposes; a person decides. Every guess comes with the reason for it, and what could not be guessed is left as a line
to fill in. Nothing of the sample but names of columns, codes of areas, dates and short lists of kinds is shown.
"""

import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tocsin.areas import AreaTree
from tocsin.calendar import zone
from tocsin.config import Settings, SourceTable
from tocsin.errors import InputError
from tocsin.ingest import FORMATS, USUAL, propose_count, propose_own, propose_table, table_xlsx
from tocsin.ingest.contract import Broken, Record
from tocsin.ingest.dates import EPOCH, EXCEL, Dates, day_number
from tocsin.ingest.guess import ROWS, guess, token
from tocsin.ingest.hl7 import Piece, field_of, pieces, take_apart
from tocsin.ingest.stream import blocks
from tocsin.ingest.values import code, number, text
from tocsin.types import Instant

_SPOKEN = ("OBX[8661-1]", "OBX[54094-8]", "DG1[*]-3.2", "DG1[*]-4")
KINDS = 30  # different cells up to which a column may be a list of kinds
MOST = 0.8  # of the filled cells must fit

_HINTS = {
    "reference": r"onset|visit|admi|occur|sample|collect|observ|\bdate\b|_date|day|发病|就诊|采样|日期|发生|时间",
    "report": r"report|sent|updat|told|notif|issued|reporting|报告|录入|上报|更新|通报|填报",
    "key": r"\bid\b|_id$|^id|(?-i:[a-z]Id$|[a-z]ID$)|uuid|number|record|no$|编号|卡号|流水|单号"
    r"|门诊号|病历号|病案号|住院号|就诊号",
    "value": r"^n$|count|cases|value|total|number of|result|reading|数$|例数|人数|病例数|数量|结果|浓度",
}
_PERSON = re.compile(r"name|phone|mobile|address|birth|ssn|姓名|电话|手机|住址|地址|身份证|出生", re.IGNORECASE)
_NO_KIND = re.compile(
    r"sex|gender|age|race|ethnic|job|status|性别|年龄|职业|人群|民族|状态|病人属于|单位|科室", re.IGNORECASE
)
_WHICH = re.compile(r"病|指标|类别|品类|项目|disease|kind|type|category|indicator|what", re.IGNORECASE)
_COUNTED = re.compile(r"1\d{9}(?:\d{3})?")  # seconds since 1970, or some number
_TIMES = rf"{_HINTS['reference']}|{_HINTS['report']}|time|stamp|_at$|At$"
_KNOWN = ("updated", "lastUpdated", "updatedAt", "resultTime", "test_result_date")  # the first that fits
_TABLES = ("csv", "xlsx", "parquet", "jsonl", "json")
_OWN = {  # the columns of formats that say what and how many in a place of their own
    "hl7-oru": ("code", "positive"),
    "dhis2": ("dataElement", "value"),
    "sensorthings": ("name", "result"),
    "nwss": ("series", "concentration"),
    "open311": ("service_code", ""),
}


class Proposal(NamedTuple):
    """TOML to paste into city.toml, and sentences about it."""

    format: str
    toml: str
    notes: list[str]


class Sample(NamedTuple):
    """What was read of the sample: cells by column, and how many records could not be read."""

    columns: dict[str, list[str]]
    records: int
    broken: list[Broken]


def propose(data: bytes, *, name: str, format_: str, tree: AreaTree, settings: Settings, received: Instant) -> Proposal:
    """A mapping for a sample's bytes. InputError if nothing in it can be read."""
    kind, where = (format_, "") if format_ != "auto" else guess(data)
    mark = propose_table.delimiter(data) if kind == "csv" else ","
    source = SourceTable(name, format=kind, records=where, delimiter=mark)  # type: ignore[arg-type] # guess gives names of FORMATS only
    sample = _sample(source, data)
    if kind == "xlsx" and not sample.records:  # the first sheet may be a cover
        for sheet in table_xlsx.sheets(data):
            source = SourceTable(name, format="xlsx", sheet=sheet)
            sample = _sample(source, data)
            if sample.records:
                break
    if not sample.records:
        why = sample.broken[0].message if sample.broken else "it holds no record"
        raise InputError(f"as {kind}, nothing in the sample can be read: {why}; name its format with --format")
    if kind in _TABLES and (days := propose_count.days(sample.columns)):
        others = [c for c in sample.columns if c not in days]
        raise InputError(f"the sample cannot be mapped as it is: {propose_count.unpivot(days, others)}")
    notes = [f"{sample.records} records were read as {kind}"]
    if sample.broken:
        notes.append(f"{len(sample.broken)} could not be read; the first: {sample.broken[0].message}")
    lines = ["[[sources]]", f"name = {_quoted(name)}", f"format = {_quoted(kind)}"]
    lines += [f"records = {_quoted(where)}"] if where else []
    lines += [f"sheet = {_quoted(source.sheet)}"] if source.sheet else []
    lines += [f"delimiter = {_quoted(mark)}"] if mark != "," else []
    lines += [f"files = {_quoted(f'inbox/{name}*')}", "", "[sources.mapping]"]
    lines += _fields(sample, kind, tree, settings, received)
    return Proposal(kind, "\n".join(lines) + "\n", notes)


def _sample(source: SourceTable, data: bytes) -> Sample:
    columns: dict[str, list[str]] = {}
    broken: list[Broken] = []
    records = 0
    hl7 = source.format.startswith("hl7")
    for item in itertools.islice(FORMATS[source.format](source, blocks(io.BytesIO(data))), ROWS):
        if isinstance(item, Broken):
            broken.append(item)
        elif isinstance(item, Record):
            records += 1
            item.cells.pop("PV1-44", None)  # what an earlier message told: over a socket each comes alone
            named = set(_hl7_paths(data)) if hl7 and records == 1 else set(columns) if hl7 else set()
            named |= {*_SPOKEN, "facility", "PV1-44", "temperature", "MSH-9.2"} if hl7 else set()
            named |= set(propose_own.PATHS) if source.format == "fhir" else set()
            for column in [*dict.fromkeys([*item.cells, *_inner(item.cells, "")]), *sorted(named - set(item.cells))]:
                columns.setdefault(column, []).append(text(item.cells.get(column)))
    return Sample(columns, records, broken)


def _inner(cells: dict[str, Any], path: str) -> Iterator[str]:
    """Pointers to the plain values inside nested cells."""
    for name, value in cells.items():
        here = f"{path}/{token(str(name))}"
        if isinstance(value, dict):
            yield from _inner(value, here)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _inner(value[0], f"{here}/0")
        elif path:
            yield here


def _hl7_paths(data: bytes) -> Iterator[str]:
    """Every field and component that the first messages fill."""
    some = (p for p in pieces(blocks(io.BytesIO(data))) if isinstance(p, Piece))
    for piece in itertools.islice(some, 20):
        read = take_apart(piece, "auto")
        if isinstance(read, Broken):
            continue
        for obx in read[0].of("OBX"):
            code, *names = (*field_of(obx, 3).split(read[0].component), "", "")[:5]
            if code.isalnum() and propose_own.COMPLAINT.search(" ".join(names)):
                yield f"OBX[{code}]"  # under a code of the sender's own
        for segment in read[0].segments:
            for n, field in enumerate(segment[1:], 1):
                parts = field.split(read[0].component) if segment[0] != "MSH" else [field]
                yield from (
                    f"{segment[0]}-{n}.{c}" if c > 1 else f"{segment[0]}-{n}" for c, p in enumerate(parts, 1) if p
                )


def _fields(
    sample: Sample, kind: str, tree: AreaTree, settings: Settings, received: Instant
) -> Iterator[str]:  # fmt: skip
    """The lines of the mapping."""
    usual = USUAL.get(kind)
    dates = Dates(zone(settings.city.zone), [], received)
    shown = {c: [v for v in values if v] for c, values in sample.columns.items()}
    dated = [c for c, values in shown.items() if _share(values, lambda v: not dates.read(v).code)]
    counted = [c for c, values in shown.items() if _share(values, _COUNTED.fullmatch)]
    dated = [c for c in dated if c not in counted]
    dated += [c for c in counted if re.search(_TIMES, c, re.IGNORECASE)]
    reading = {c: f"{{ column = {_quoted(c)}, format = {_quoted(EPOCH)} }}" for c in counted}
    numbered = [c for c, values in shown.items() if re.search(_TIMES, c, re.IGNORECASE) and _share(values, day_number)]
    dated += [c for c in numbered if c not in dated]
    for c in numbered:
        mixed = [EXCEL, *propose_table.formats([v for v in shown[c] if not day_number(v)], False)[0]]
        reading[c] = f"{{ column = {_quoted(c)}, format = {json.dumps(mixed[0] if len(mixed) == 1 else mixed)} }}"
    for column, values in shown.items() if not usual else ():
        found, either = propose_table.formats(values, settings.city.zone.startswith("America/"))
        if found and column not in dated:
            dated.append(column)
            either_way = "  # day or month first? both fit" if either else ""
            reading[column] = f"{{ column = {_quoted(column)}, format = {json.dumps(found)} }}{either_way}"
    report = _best("report", dated)
    reference = _best("reference", [c for c in dated if c != report]) or next((c for c in dated if c != report), "")
    if usual:
        known = f"known from {usual.report}" if usual.report else "known from the moment of arrival"
        yield f"# the format's own: key {', '.join(usual.key)}; happened {usual.reference}; {known}"
        yield from propose_own.instead(usual, shown, sample.records)
        told = "" if usual.report else _told(sample, usual.reference, dates)
        if told:
            yield f"report = {_quoted(told)}  # when it became known; leave it out, and the moment of arrival stands"
    else:
        unique = [c for c, v in shown.items() if len(v) == sample.records == len(set(v)) and c not in dated]
        alone = "" if reference else report
        reference, report = reference or report, "" if alone else report
        key = _best("key", unique)
        numbers = not key and reference and list(propose_count.lines(shown, settings.signals, {reference, report}))
        together = propose_count.key(sample.columns, reference, {report}) if numbers else []
        yield (
            f"key = {_quoted(key)}"
            if key
            else f"key = {json.dumps(together, ensure_ascii=False)}  # together they name a row; again, it corrects"
            if together
            else "# key = … : no column names each record; corrections would be new cases"
        )
        said = reading.get(reference, _quoted(reference or "FILL IN: when it happened"))
        yield f"reference = {said}" + ("  # the only date; is it when it happened?" if alone else "")
        known = f"report = {reading.get(report, _quoted(report))}"
        yield known if report else "# report = … : none found; the moment of arrival stands"
    place, where = _area(shown, tree, kind)
    yield from where
    yield from _signal(shown, sample, kind, settings, {reference, report, place})


def _told(sample: Sample, reference: str, dates: Dates) -> str:
    """The column that says of every record when it became known, and never before it happened; "" for none."""
    happened = [dates.read(v) for v in sample.columns.get(reference, [])]
    for column in _KNOWN:
        known = [dates.read(v) for v in sample.columns.get(column, [])]
        pairs = list(zip(happened, known, strict=False))
        if (
            known
            and len(known) == len(happened) == sample.records
            and all(not h.code and not k.code and h.start <= k.last for h, k in pairs)
        ):
            return column
    return ""


def _area(shown: dict[str, list[str]], tree: AreaTree, kind: str) -> tuple[str, list[str]]:
    """(column, lines): that most of whose cells are codes of the area file (but not the city's), else names."""
    inner = tree.index.keys() - {tree.root.code}
    by_code = [(sum(code(v) in inner for v in values) / len(values), c) for c, values in shown.items() if values]
    share, column = max(by_code, key=lambda x: (x[0], -len(x[1])), default=(0.0, ""))
    if share >= 0.5:
        return column, [f"area = {_quoted(column)}  # {share:.0%} of its cells are codes of the area file"]
    longer, prefix = propose_table.prefixed(shown, inner)
    if longer:
        begins = f"area = {{ column = {_quoted(longer)}, prefix = {prefix} }}"
        return longer, [f"{begins}  # its cells begin with codes of the area file"]
    by_name = []
    for c, values in shown.items():
        found = [area.code for v in values if (area := tree.by_names([v])) is not None]
        if found:  # of several the coarsest first
            by_name.append((len(found) / len(values), -min(len(tree.path(code)) for code in found), c))
    share, _, column = max(by_name, default=(0.0, 0, ""))
    if share >= 0.5:
        finer = propose_table.finer(shown, column, tree)
        some = ", ".join(map(_quoted, [column, finer] if finer else [column]))
        return column, [f"area = {{ names = [{some}] }}  # {share:.0%} of its cells are names of the area file"]
    return "", list(propose_own.place(kind, shown, tree))


def _signal(
    shown: dict[str, list[str]], sample: Sample, kind: str, settings: Settings, taken: set[str]
) -> Iterator[str]:
    """Which signal, and how many."""
    names = [s.name for s in settings.signals]
    measured = kind in ("sensorthings", "ngsi-ld", "nwss")
    first = propose_own.first(settings.signals, "measure" if measured else "count")
    results = kind == "fhir" and bool(shown.get("value") or shown.get("positive"))
    if kind in ("hl7-adt", "fhir") and not results:
        yield from propose_own.complaints(kind, shown, settings.signals)
        return
    told = _kind_and_number(shown, sample, taken)[0]  # such as of which disease
    if kind in _TABLES and not (propose_table.is_disease(told, shown) or _WHICH.search(told)):
        numbers = list(propose_count.lines(shown, settings.signals, taken))
        yield from numbers
        if numbers:
            return
    if kind in (*_TABLES, "open311"):
        some = {c: v for c, v in shown.items() if c not in taken and not _PERSON.search(c)}
        text, codes = propose_table.complaints(some), propose_table.codes(some)
        if text or codes:
            yield from propose_own.classified(text, codes, settings.signals)
            return
    if kind == "gtfs-rt":
        yield from propose_own.load(shown, settings.signals)
        return
    if results or kind == "hl7-oru":
        first = next((n for n in names if re.search(r"lab|检", n, re.IGNORECASE)), first)
    own = ("code", "positive" if shown.get("positive") else "value") if results else _OWN.get(kind)
    column, many = own or _kind_and_number(shown, sample, taken)
    few = len(names) < 2 and not propose_table.is_disease(column, shown)
    if (kind not in _OWN and few) or (kind in _OWN and not shown.get(column)):
        column = ""
    if kind == "ngsi-ld":
        column, many = "", _reading(shown, taken, first) or many
    if many == "positive" and not shown.get(many):
        many = "OBX-5"  # measured, not found or not found
    if column:
        yield from _by_kind(column, shown, settings, first)
    else:
        yield f"signal = {_quoted(first)}  # signals of this city: {', '.join(names)}"
    taken_back = "" if many or kind not in _TABLES else propose_table.taken_back(shown)
    yield f"value = {_quoted(many)}" if many else taken_back or "# value = … : every record counts as one"


def _by_kind(column: str, shown: dict[str, list[str]], settings: Settings, first: str) -> Iterator[str]:
    """The signals of the kinds that a column tells; a disease that no signal is called after is left out."""
    seen = list(dict.fromkeys(shown.get(column, [])))[:KINDS]
    called = {v: propose_own.named(v, settings.signals) for v in seen}
    some = any(called.values()) and propose_table.is_disease(column, shown)
    ours = {v: n or first for v, n in called.items() if n or not some}
    pairs = ", ".join(f"{_quoted(v)} = {_quoted(n)}" for v, n in ours.items())
    yield f'signal = {{ column = {_quoted(column)}, others = "ignore", map = {{ {pairs} }} }}'
    if left := [v for v in seen if v not in ours]:
        yield f"# of no signal by their names, and so not counted: {', '.join(left)[:500]}"
    names = ", ".join(s.name for s in settings.signals)
    yield f"# delete the kinds that you do not count; signals of this city: {names}"


def _kind_and_number(shown: dict[str, list[str]], sample: Sample, taken: set[str]) -> tuple[str, str]:
    """The column that says which kind, and the one that says how many; "" for none."""
    numbers = [c for c, v in shown.items() if c not in taken and _share(v, lambda x: number(x) is not None)]
    many = _best("value", numbers)
    others = [c for c in shown if c not in taken | {many} and not _PERSON.search(c)]
    named = (c for c in others if propose_table.is_disease(c, shown))
    kinds = (c for c in others if not _NO_KIND.search(c) and _is_kinds(c, shown[c], sample))
    return next(named, "") or next(kinds, ""), many


def _reading(shown: dict[str, list[str]], taken: set[str], signal: str) -> str:
    """The attribute of an entity that the signal is called after, else the first that is a number, "" for none."""
    others = taken | {"longitude", "latitude"}
    numbers = (c for c, v in shown.items() if c not in others and _share(v, lambda x: number(x) is not None))
    some = [c for c in numbers if not c.startswith(("/location", "/address"))]
    called = re.sub(r"\W", "", signal.lower())
    return next((c for c in some if len(c) > 1 and re.sub(r"\W", "", c.lower()) in called), next(iter(some), ""))


def _is_kinds(column: str, values: Sequence[str], sample: Sample) -> bool:
    few = 1 < len(set(values)) <= min(KINDS, max(2, sample.records // 3)) and len(values) >= MOST * sample.records
    return few and not _PERSON.search(column) and not _share(values, lambda v: number(v) is not None)


def _share(values: Sequence[str], fits: Any) -> bool:
    return bool(values) and sum(map(bool, map(fits, values))) >= MOST * len(values)


def _best(role: str, columns: Iterable[str]) -> str:
    """The column whose name fits a role best: the earliest of those that do."""
    pattern = re.compile(_HINTS[role], re.IGNORECASE)
    return next((c for c in columns if pattern.search(c) and not _PERSON.search(c)), "")


def _quoted(said: str) -> str:
    return json.dumps(said, ensure_ascii=False)
