"""Pieces of a long computation, kept in a directory so that it goes on where it was interrupted. I/O."""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin import __version__

Arrays = Mapping[str, NDArray[Any]]


class Kept:
    """A directory of results by what was asked, or none: then everything is computed afresh."""

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)

    def get(self, question: tuple[object, ...], compute: Callable[[], Arrays]) -> Arrays:
        """The arrays that answer the question; asked again, by this version of the program, they are read back."""
        if self.directory is None:
            return compute()
        asked = json.dumps([__version__, *question], sort_keys=True, default=str)
        path = self.directory / f"{hashlib.sha256(asked.encode()).hexdigest()[:24]}.npz"
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
                return {name: found[name] for name in found.files}
        except FileNotFoundError:
            pass
        except (ValueError, OSError, zipfile.BadZipFile, KeyError):
            path.unlink()  # a piece cut short by a full disk: it is made anew
        arrays = compute()
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as whole:
            np.savez(whole, allow_pickle=False, **arrays)
        part.replace(path)
        return arrays
