"""How a server process keeps house with memory: how often it collects, and what it gives back."""

from __future__ import annotations

import ctypes
import gc

SELDOM = 20_000  # new objects between two collections: a push of 500 ops makes as many, and they live to its end
ARENAS = 2
LARGE_BYTES = 256 * 1024
_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # as <malloc.h> numbers them


def settle_down() -> None:
    """Once all is loaded, before threads start or the process forks.

    What is loaded now stays. A full collection would walk all of it: 190 ms, once in six pushes of 500 records. And
    processes forked from this one go on sharing the pages that no collection writes to.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(SELDOM)
    _share_heaps()


def _share_heaps() -> None:
    """The C library would give each of 32 threads a heap of its own, of which what one large request took stays taken.

    Two are enough for threads that take turns, and what is large is mapped by itself and goes back at once. Other C
    libraries than glibc have nothing to set here.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, ARENAS)
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
