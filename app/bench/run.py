"""Which benchmarks there are, and running them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module

from app.bench import (
    api,
    break_ins,
    district,
    indices,
    memory,
    network,
    plans,
    prediction,
    screens,
    search,
    start,
    stream,
    sync,
    tiles,
    travel,
)
from app.bench.figures import Figure, NotHere, print_table
from app.kernel.unit_of_work import Runtime

Benchmark = Callable[[Runtime], Iterable[Figure]]


def _in_browser(name: str) -> Benchmark:
    """A benchmark that drives Chromium; Playwright belongs to the environment of tests, so it is imported late."""

    def measure(runtime: Runtime) -> Iterator[Figure]:
        yield from import_module(f"app.bench.browser.{name}").measure(runtime)

    return measure


BENCHMARKS: Mapping[str, Benchmark] = {
    "start": start.measure,
    "district": district.measure,
    "candidates": api.measure_candidates,
    "jobs": api.measure_jobs_list,
    "search": search.measure,
    "stream": stream.measure,
    "memory": memory.measure,
    "tiles": tiles.measure,
    "travel": travel.measure,
    "screens": screens.measure,
    "indices": indices.measure,
    "dispatch.plan": plans.measure,
    "network.prediction": prediction.measure,
    "dispatch.live": break_ins.measure,
    "network.trace": network.measure,
    **sync.PARTS,
    "browser.map": _in_browser("map"),
    "browser.crew": _in_browser("crew"),
    "browser.desk": _in_browser("desk"),
    "browser.board": _in_browser("board"),
}


def run_benchmarks(runtime: Runtime, names: Iterable[str]) -> int:
    """Run the named benchmarks, or all; returns the exit code.

    Raises:
        KeyError: a name that is no benchmark.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended early, it still ends what it has started
    figures: list[Figure] = []
    missing = False
    for name in chosen(names):
        try:
            for figure in BENCHMARKS[name](runtime):
                print(figure.as_json(), flush=True)
                figures.append(figure)
            print(f"{name}: load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors", file=sys.stderr)
        except NotHere as reason:
            missing = True
            print(f"{name}: {reason}", file=sys.stderr)
        except OSError as error:  # click takes a pipe that broke for its own, and ends without a word
            raise RuntimeError(f"{name} broke off") from error
    print_table(figures)
    return 0 if all(figure.holds for figure in figures) and not missing else 1


def chosen(names: Iterable[str]) -> list[str]:
    """The benchmarks that these names stand for; all where there are none.

    Raises:
        KeyError: a name that stands for none.
    """
    found: dict[str, None] = {}
    for name in names:
        fitting = [one for one in BENCHMARKS if one == name or one.startswith(f"{name}.")]
        if not fitting:
            raise KeyError(name)
        found.update(dict.fromkeys(fitting))
    return list(found) or list(BENCHMARKS)
