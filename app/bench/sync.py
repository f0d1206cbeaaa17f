"""What the sync engine costs, through the product's HTTP stack, on a database that was never analysed.

The records are the benchmark's own kind (`surveys`), which goes through login, scope, checks, merge, history and ledger
like any of the product's. CPU is that of the server's processes and of PostgreSQL's backends for this database. Each
part has a fresh database and a server of its own; `bench sync` runs them all, `bench sync.push` one.

| part         | measures                                                                                   |
|--------------|--------------------------------------------------------------------------------------------|
| sync.pouch   | express-pouchdb on this machine in the same run, for comparison                              |
| sync.push    | a record pushed, by one client and by eight; replays; a poison op                          |
| sync.pull    | a fresh device, ten rewrites, what changed among 10,000                                     |
| sync.bootstrap | 100,000 records to a new device as one stream, against pages; what memory that takes      |
| sync.polls   | a thousand devices for which nothing has changed; how soon a live one hears of a change      |
| sync.waiting | writes beside a pull and beside somebody's forgotten transaction                             |
| sync.write   | what its history and its news for tablets add to a desk's edit                               |
| sync.files   | a photo over a link that is cut twenty times                                                 |
| sync.memory  | what the server's processes hold                                                             |
| sync.million | what changed among 1,000,000 records, against 10,000 in the same run                         |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from app.bench import (
    sync_bootstrap,
    sync_files,
    sync_memory,
    sync_polls,
    sync_pouch,
    sync_pull,
    sync_push,
    sync_waiting,
)
from app.bench.figures import Figure
from app.bench.sync_stage import Stage, staged
from app.kernel.unit_of_work import Runtime


def _on_stage(part: Callable[[Stage], Iterator[Figure]]) -> Callable[[Runtime], Iterator[Figure]]:
    def measure(runtime: Runtime) -> Iterator[Figure]:
        with staged(runtime) as stage:
            yield from part(stage)

    return measure


PARTS: Mapping[str, Callable[[Runtime], Iterable[Figure]]] = {
    "sync.pouch": sync_pouch.measure,
    "sync.push": _on_stage(sync_push.measure),
    "sync.pull": _on_stage(sync_pull.measure),
    "sync.bootstrap": _on_stage(sync_bootstrap.measure),
    "sync.polls": _on_stage(sync_polls.measure),
    "sync.waiting": _on_stage(sync_waiting.measure),
    "sync.write": sync_waiting.measure_overhead,
    "sync.files": _on_stage(sync_files.measure),
    "sync.memory": _on_stage(sync_memory.measure),
    "sync.million": _on_stage(sync_pull.measure_million),
}
