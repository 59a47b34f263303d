"""How kernels are compiled that make no arrays of their own. Pure."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba as nb

F = TypeVar("F", bound=Callable[..., Any])


def bare(function: F) -> F:
    """Compile a function that only works on the arrays it is given; a division by 0 gives infinity, as in numpy.

    Numba else counts who holds an array, with a locked addition at every touch of one in a named tuple: it was half of
    the time on one thread, and more on two, which share the arrays.
    """
    options: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
    compiled: F = nb.njit(**options)(function)
    return compiled
