"""What waits in the ledger and what the centre said about it, in memory (SPEC.md R)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from mobile_sync.memory.server import MemoryServer
from mobile_sync.memory.state import Spoken
from mobile_sync.protocol import Received, Result
from mobile_sync.repair import NotWaiting, Waiting, Word


@dataclass(frozen=True)
class MemoryArchive:
    """The ledger of one device."""

    server: MemoryServer
    device_id: UUID

    def waiting(self) -> dict[int, Waiting]:
        """In a server in memory nobody comes between."""
        ops = self.server.state.ops.get(self.device_id, {})
        return {number: self._waiting(*filed) for number, filed in sorted(ops.items()) if filed[1].status.waits}

    def _waiting(self, received: Received, result: Result) -> Waiting:
        state, number = self.server.state, received.op_no
        found = Waiting(
            received=received,
            result=result,
            person_id=self.server.device(self.device_id).person_id,
            clock_error=state.filed_with.get((self.device_id, number), timedelta(0)),
            body=json.loads(received.body),
            schema_version=received.op.schema_version if received.op else 1,
        )
        repaired = self._repaired(number)
        return found if repaired is None else found.saying(repaired)

    def _repaired(self, op_no: int) -> Mapping[str, Any] | None:
        said = [one.word.fields for one in self.server.state.spoken if one.about == (self.device_id, op_no)]
        return next((fields for fields in reversed(said) if fields is not None), None)

    def tell(self, word: Word, before: Result, after: Result, *, keep: bool) -> None:
        """The result moves first: where it is final already nothing is written."""
        state, ops = self.server.state, self.server.state.ops[self.device_id]
        if keep:
            received, now = ops[word.op_no]
            if not now.status.waits:
                raise NotWaiting
            ops[word.op_no] = (received, after)
        done = keep and not after.status.waits
        state.spoken = (*state.spoken, Spoken((self.device_id, word.op_no), word, before, after, done))
