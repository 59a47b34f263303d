"""MLLP's frames, 0x0B … 0x1C 0x0D, out of a stream that comes in pieces and may have anything in between. Pure."""

from typing import NamedTuple

START, END = b"\x0b", b"\x1c\r"
HEAD = 4096  # bytes kept of a message that is too long: enough to answer it


class Frame(NamedTuple):
    """One message, or the head of one that was too long."""

    data: bytes
    too_long: bool = False


class Frames:
    """A connection's bytes so far. Holds no more than `most` bytes; `garbage` counts bytes outside frames."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = bytearray()
        self._inside = False
        self._seen = 0  # where in `_held` the search for the end goes on
        self._head: bytes | None = None  # of a message that is too long; its rest is passed over
        self.garbage = 0

    def feed(self, data: bytes) -> list[Frame]:
        """The messages that these bytes complete.

        A new beginning inside a message means that the message before was torn: it is passed over as garbage. An end
        without its CR is taken when a new message begins right after it, as some senders write it.
        """
        self._held += data
        found: list[Frame] = []
        while self._begin():
            end = self._held.find(b"\x1c", self._seen)
            torn = self._held.find(START, self._seen, len(self._held) if end < 0 else end)
            if torn >= 0:
                self._drop(torn)
            elif end < 0 or end + 1 == len(self._held):
                self._seen = len(self._held) if end < 0 else end
                self._shorten()
                break
            elif self._held[end + 1 : end + 2] in (b"\r", START):
                found += self._take(end)
                del self._held[: end + (2 if self._held[end + 1 : end + 2] == b"\r" else 1)]
            else:
                self._seen = end + 1
        return found

    def _begin(self) -> bool:
        if self._inside:
            return True
        at = self._held.find(START)
        self.garbage += len(self._held.rstrip(b"\r\n") if at < 0 else self._held[:at].strip(b"\r\n"))
        del self._held[: len(self._held) if at < 0 else at + 1]
        self._inside, self._seen, self._head = at >= 0, 0, None
        return self._inside

    def _drop(self, torn: int) -> None:
        self.garbage += torn
        del self._held[: torn + 1]
        self._seen, self._head = 0, None

    def _take(self, end: int) -> list[Frame]:
        self._inside = False
        if self._head is not None:
            return [Frame(self._head, too_long=True)]
        data = bytes(self._held[:end])
        return [Frame(data)] if end <= self._most else [Frame(data[:HEAD], too_long=True)]

    def _shorten(self) -> None:
        """Nothing of a message that is too long is held but its head, and a last byte that may begin its end."""
        if self._head is None and len(self._held) > self._most + 1:
            self._head = bytes(self._held[:HEAD])
        if self._head is not None and self._seen:
            del self._held[: self._seen]
            self._seen = 0
