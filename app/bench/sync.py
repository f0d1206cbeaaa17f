"""What the sync engine costs, through the product's HTTP stack, on a database that was never analysed.

The records are the benchmark's own kind (`surveys`), which goes through login, scope, checks, merge, history and ledger
like any of the product's. CPU is that of the server's processes and of PostgreSQL's backends for this database.

| module       | measures                                                                                   |
|--------------|--------------------------------------------------------------------------------------------|
| sync_push    | a record pushed, by one client and by eight; replays; a poison op                          |
| sync_pull    | a fresh device, ten rewrites, what changed among 10,000                                     |
| sync_polls   | a thousand devices for which nothing has changed; how soon a live one hears of a change      |
| sync_waiting | writes beside a pull and beside somebody's forgotten transaction; what a synced write costs  |
| sync_pouch   | express-pouchdb on this machine in the same run, for comparison                              |
"""

from __future__ import annotations

from collections.abc import Iterator

from app.bench import sync_polls, sync_pouch, sync_pull, sync_push, sync_waiting
from app.bench.figures import Figure
from app.bench.sync_stage import staged
from app.kernel.unit_of_work import Runtime


def measure(runtime: Runtime) -> Iterator[Figure]:
    """Everything but the million."""
    yield from sync_pouch.measure(runtime)
    with staged(runtime) as stage:
        for part in (sync_push, sync_pull, sync_polls, sync_waiting):
            yield from part.measure(stage)
    yield from sync_waiting.measure_overhead(runtime)


def measure_million(runtime: Runtime) -> Iterator[Figure]:
    """What changed among 1,000,000 records, against 10,000 in the same run."""
    with staged(runtime) as stage:
        yield from sync_pull.measure_million(stage)
