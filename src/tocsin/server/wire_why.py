"""What the server says of why a step is judged as it is: the wire's types for GET /explain. Pure."""

from tocsin.server.said import Moment, Number, Said, Step, Title
from tocsin.server.wire_outlook import Range


class BaselineStep(Said, frozen=True):
    """One step that a judgement rests on."""

    time: Step
    value: Number
    weight: Number  # 1 in the mean or at most; 0: missing, or left out; null: the method does not tell
    left_out: bool  # it lies in an outbreak that people have marked


class Why(Said, frozen=True):
    """Why one detector says what it says of one step."""

    name: str
    title: Title
    fallback: bool  # it speaks because all detectors of the signal are silent here
    alarm: bool
    silent: str  # why it says nothing; empty where it speaks
    observed: Number
    expected: Number
    upper: Number
    score: Number
    p: Number
    window: int
    quiet: Number  # the largest value of this step that would have raised no alarm; null: none, or all
    dispersion: Number
    trend: str  # "kept", or why it was left out; empty: the method has none
    trend_p: Number
    trend_per_year: Number
    has: int  # steps of history there are …
    needs: int  # … and that the method asks for
    baseline: list[BaselineStep]
    recent: list[Step]  # part of the statistic, but no baseline: the rest of a sum, a run that adds up
    text: list[Title]


class Explanation(Said, frozen=True):
    """Why a step of a series is what an alert rests on, or is not."""

    signal: str
    area: str
    as_of: Moment
    time: Step
    observed: Number
    estimated: Range | None  # what the count will have been, where that was judged; null: what was reported
    p: Number  # all detectors' in one
    speaks: bool | None  # whether it opens or feeds an alert; null: that depends on all that a beat judges
    quiet: Number  # the largest value of this step that would not; null: none, or all
    text: list[Title]
    detectors: list[Why]
