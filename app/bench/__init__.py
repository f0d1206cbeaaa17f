"""Benchmarks: figures beside the code, each with its goal, printed as ratios to a named reference of the same run.

`python3 -m app bench [NAME …]` prints one JSON object a figure on stdout and a table on stderr; it exits 1 where a
figure misses its goal. They are measurements, never timed tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from app.bench import api, district, screens, start, stream, sync, tiles
from app.bench.figures import Figure, print_table
from app.kernel.unit_of_work import Runtime

BENCHMARKS: Mapping[str, Callable[[Runtime], Iterable[Figure]]] = {
    "start": start.measure,
    "district": district.measure,
    "candidates": api.measure_candidates,
    "jobs": api.measure_jobs_list,
    "stream": stream.measure,
    "tiles": tiles.measure,
    "screens": screens.measure,
    "sync": sync.measure,
}


def run_benchmarks(runtime: Runtime, names: Iterable[str]) -> int:
    """Run the named benchmarks, or all; returns the exit code.

    Raises:
        KeyError: a name that is no benchmark.
    """
    figures: list[Figure] = []
    for name in list(names) or list(BENCHMARKS):
        for figure in BENCHMARKS[name](runtime):
            print(figure.as_json(), flush=True)
            figures.append(figure)
    print_table(figures)
    return 0 if all(figure.holds for figure in figures) else 1
