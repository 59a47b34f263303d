"""A sheet to draw on, the colours all pictures share, and the file one ends in. I/O."""

from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.errors import ConfigError

if TYPE_CHECKING:  # matplotlib is an optional extra: the command line starts without it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Told apart by people who do not see all colours, and in grey: Okabe and Ito's, darkened for lines on white.
GREY, BLUE, ORANGE, RED, GREEN = "#9aa7b4", "#1d4ed8", "#c2410c", "#b91c1c", "#047857"
FORMATS = (".pdf", ".png", ".svg")


def sheet(width: float, height: float) -> "Figure":
    """An empty figure, inches wide and high; ConfigError where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as e:
        raise ConfigError('pictures need matplotlib; install it with: pip install "tocsin[plot]"') from e
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: "Figure", path: Path | str) -> None:
    """Write a picture; its name's end says the format, ConfigError for one that is none."""
    check(Path(path))
    figure.savefig(path, dpi=150)


def check(path: Path) -> None:
    """ConfigError unless a picture can be drawn and written by this name: better said before the work than after."""
    sheet(1, 1)
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: a picture's name ends in {', '.join(FORMATS)}")


def shades(n: int) -> list[str]:
    """n colours from dark to light, told apart in grey too."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["viridis"](0.9 * i / max(n - 1, 1))) for i in range(n)]


def quiet(axes: "Axes") -> None:
    """Take away the frame's upper and right side."""
    axes.spines[["top", "right"]].set_visible(False)
