"""The life of an alert as a table: (state, action) → state. What is not in the table is not allowed. Pure."""

from typing import get_args

from tocsin.errors import NotAllowed
from tocsin.types import State

TABLE: dict[tuple[State, str], State] = {
    ("new", "acknowledge"): "acknowledged",
    ("new", "verify"): "verifying",
    ("new", "exclude"): "excluded",
    ("new", "lapse"): "closed",  # the system's own: quiet for long, and nobody has it in hand
    ("acknowledged", "verify"): "verifying",
    ("acknowledged", "exclude"): "excluded",
    ("verifying", "confirm"): "confirmed",
    ("verifying", "exclude"): "excluded",
    ("confirmed", "respond"): "responding",
    ("confirmed", "close"): "closed",
    ("responding", "close"): "closed",
    ("excluded", "reopen"): "acknowledged",
    ("excluded", "lapse"): "closed",
    ("closed", "reopen"): "acknowledged",
    ("closed", "lapse"): "closed",
}
STATES: tuple[State, ...] = get_args(State)
SYSTEM = ("open", "grow", "quiet", "lapse")  # actions that only the beat takes


def actions(state: State) -> list[str]:
    """What a person may do in a state, in the table's order, and comment in any."""
    return [a for (s, a) in TABLE if s == state and a not in SYSTEM] + ["comment"]


def move(state: State, action: str) -> State:
    """The state after an action; NotAllowed lists what is allowed."""
    if action == "comment":
        return state
    if (state, action) not in TABLE:
        allowed = actions(state)
        raise NotAllowed(
            f"an alert that is {state} can't be moved by {action!r}; allowed: {', '.join(allowed)}", allowed
        )
    return TABLE[state, action]
