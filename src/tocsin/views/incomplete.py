"""What an alert's counts lack: the sources that should have spoken and have not, in a sentence people read. I/O."""

from collections.abc import Iterable

from tocsin.config import SourceTable
from tocsin.config import titled as titled_of
from tocsin.desk import Desk
from tocsin.store import heard as hearings
from tocsin.types import Alert, Instant, Title

NAMED = 3  # sources named one by one


def quiet_sources(desk: Desk, alerts: Iterable[Alert]) -> set[str]:
    """The sources that an alert calls late or silent now."""
    said = {a.signal for a in alerts if a.phase in ("open", "growing") and {"late", "silent"} & set(a.detectors)}
    return {s.name for s in desk.settings.sources if f"data.{s.name}" in said}


def lacking(desk: Desk, a: Alert, quiet: set[str], at: Instant) -> tuple[list[SourceTable], int]:
    """Of the sources that usually tell of the alert's signal and places: those silent since its last step, and how many
    there are. A source that was heard after the step had ended has spoken of it."""
    sources = desk.sources_of(a.signal)
    inside = [desk.tree.index[c] for c in desk.tree.inside(a.members or [a.area])]
    usual = [s for s in sources if desk.told_by(s.name, a.signal, at).by_area[inside].sum() > 0] or sources
    if not quiet & {s.name for s in usual}:
        return [], len(usual)
    heard = hearings.last_heard(desk.store, at // 60_000_000)
    end = a.last + desk.step(a.signal).minutes
    return [s for s in usual if s.name in quiet and desk.today(heard.get(s.name, 0) * 60_000_000) < end], len(usual)


def with_what_lacks(told: Title, missing: list[SourceTable], of: int, limit: float) -> Title:
    """The sentence, and after it who has not spoken. limit: the share under which counts are not judged."""
    if not missing:
        return told
    titles = [titled_of(s.title, s.name) for s in missing[:NAMED]]
    more = len(missing) > NAMED
    zh = f"{of} 个来源中有 {len(missing)} 个断报或迟报"
    zh += f"（{'、'.join(t.zh for t in titles)}{'等' if more else ''}）：数据不全"
    en = f"{len(missing)} of {of} sources {'is' if len(missing) == 1 else 'are'} silent or late"
    en += f" ({', '.join(t.en for t in titles)}{' and others' if more else ''}): counts are incomplete"
    if limit:
        zh += f"，不足 {limit:.0%} 的计数不作研判"
        en += f", and those under {limit:.0%} of the usual are not judged"
    return Title(f"{told.zh}{zh}。", f"{told.en} {en}.")
