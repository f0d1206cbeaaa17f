"""Pages out of a stream of bytes, each as soon as its line is whole (SPEC.md L13, L14)."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


class BrokenAnswer(ConnectionError):
    """An answer that ended too early, or is not what was promised: as good as none."""


def pages_of(pieces: Iterable[bytes], coding: str | None = None) -> Iterator[Mapping[str, Any]]:
    """The pages of a stream; what was cut off is left out, and told when all that is whole has been given.

    Raises:
        BrokenAnswer: cut off within a line or before the first, or garbled on its way.
    """
    rest, begun = b"", False
    for piece in _unzipped(pieces) if coding == "gzip" else pieces:
        *whole, rest = (rest + piece).split(b"\n")
        begun = begun or bool(whole)
        yield from map(_page, whole)
    if rest or not begun:
        yield _page(rest)  # the last line may want its end; one that was cut off cannot be read


def _page(line: bytes) -> Mapping[str, Any]:
    try:
        page = json.loads(line)
    except ValueError as error:
        raise BrokenAnswer(str(error)) from error
    if not isinstance(page, dict):
        raise BrokenAnswer("not a page")
    return page


def _unzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    unpack = zlib.decompressobj(wbits=31)
    try:
        for piece in pieces:
            yield unpack.decompress(piece)
    except zlib.error as error:
        raise BrokenAnswer(str(error)) from error
    if not unpack.eof:
        raise BrokenAnswer("the stream was cut off")
