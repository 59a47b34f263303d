"""How kernels are compiled that make no arrays of their own. Pure."""

from typing import Any, Final

# Numba counts who holds an array, with a locked addition at every touch of one in a named tuple. Kernels that only work
# on what they are given need none of it: it was half of their time on one thread, and more on two, that share arrays.
BARE: Final[dict[str, Any]] = {"cache": True, "nogil": True, "_nrt": False}
