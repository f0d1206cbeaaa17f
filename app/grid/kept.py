"""The networks this process holds in memory, each as it was when last asked about."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from uuid import UUID

from app.grid import queries
from app.grid.queries import Edition
from app.grid.rules.feeding import Feeding, feed
from app.kernel.unit_of_work import UnitOfWork
from app.network.models import Commodity

MOST_KEPT = 8  # a district's network takes a few megabytes, a city's a hundred


@dataclass(frozen=True)
class Kept:
    """A network hung on its sources, and of which edition."""

    feeding: Feeding
    edition: Edition


_kept: OrderedDict[tuple[UUID, Commodity], Kept] = OrderedDict()
_lock = Lock()


def feeding_of(uow: UnitOfWork, branch_id: UUID, commodity: Commodity) -> Feeding:
    """The network as it is switched at this moment. One query when nothing has changed, one more after switching.

    Never to be asked after a write of the same transaction: what is kept must have been committed.
    """
    edition = queries.edition_of(uow.session, branch_id, commodity)
    with _lock:
        kept = _kept.get((branch_id, commodity))
    if kept is not None and kept.edition == edition:
        return kept.feeding
    # outside the lock: twins may load twice, nobody else waits
    rewired = kept is None or kept.edition[0] != edition[0]
    if kept is None or rewired:
        wiring = queries.load_wiring(uow.session, branch_id, commodity)
    else:
        wiring = queries.reswitched(uow.session, kept.feeding.wiring, branch_id, commodity)
    feeding = feed(wiring)
    with _lock:
        _kept[branch_id, commodity] = Kept(feeding, edition)
        _kept.move_to_end((branch_id, commodity))
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return feeding
