"""Pictures of what the methods say, as matplotlib figures (the optional extra `plot`). I/O."""

from tocsin.plot.curves import curves
from tocsin.plot.paper import save

__all__ = ["curves", "save"]
