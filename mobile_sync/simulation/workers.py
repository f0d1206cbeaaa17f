"""Many seeds over several processes, for whoever wants a hundred thousand of them."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from mobile_sync.simulation.campaign import Campaign, Summary

SEEDS_AT_ONCE = 250
Tell = Callable[[Summary], None]


def over_in_parallel(seeds: range, workers: int, tell: Tell, *, most_failures: int = 10) -> Summary:
    """All seeds, in memory; `tell` hears the sum after each part. Which seed runs where changes nothing."""
    summary, began = Summary(Campaign.store), time.monotonic()
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        parts = [pool.submit(_part, part) for part in _parts(seeds)]
        for done in as_completed(parts):
            summary.add(done.result())
            summary.seconds = time.monotonic() - began
            tell(summary)
            if len(summary.failures) >= most_failures:
                pool.shutdown(cancel_futures=True)
                break
    return summary


def _parts(seeds: range) -> Iterator[range]:
    return (seeds[at : at + SEEDS_AT_ONCE] for at in range(0, len(seeds), SEEDS_AT_ONCE))


def _part(seeds: range) -> Summary:
    """In a process of its own."""
    return Campaign().over(seeds)
