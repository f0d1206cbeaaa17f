"""Bringing a server in memory to the next schema version; reading what tus writes in a header."""

from __future__ import annotations

import base64
from dataclasses import replace

from mobile_sync.memory.server import MemoryServer
from mobile_sync.simulation import shop
from mobile_sync.upcast import upcast_patch


def migrate(server: MemoryServer, version: int) -> None:
    """The same steps that ops go through bring the records and their history along; every document changed."""
    state, step = server.state, shop.UPCASTERS[version - 1]
    for key, stored in state.records.items():
        state.records[key] = stored._replace(fields=step(stored.fields))
        state.versions[key] = tuple(replace(one, patch=upcast_patch(one.patch, step)) for one in state.versions[key])
    for conflict_id, contest in state.contests.items():
        name = next(iter(step({contest.clash.field: None})))
        state.contests[conflict_id] = replace(contest, clash=replace(contest.clash, field=name))
    for bucket, places in state.places.items():
        for key, place in places.items():
            if not place.gone:
                server.mark(bucket, key, gone=False)


def read_metadata(header: str) -> dict[str, str]:
    """`Upload-Metadata` decoded."""
    pairs = (pair.split(" ") for pair in header.split(","))
    return {name: base64.b64decode(value).decode() for name, value in pairs}
