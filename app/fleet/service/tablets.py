"""The list of tablets, the worst first, and one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.fleet import rules
from app.fleet.queries import tablets as queries
from app.fleet.queries.incidents import Incident, list_incidents
from app.fleet.rules import Need, Sort, Tablet
from app.identity.models import DeviceState
from app.kernel.actor import Actor, Permission
from app.kernel.net import narrow
from app.kernel.paging import decode_cursor, encode_cursor, uuid_key
from app.kernel.spreadsheet import table_csv
from app.kernel.unit_of_work import Runtime, UnitOfWork
from app.sync.collection import SCHEMA_VERSION

HEADINGS = (
    "name", "state", "person_name", "crew_code", "needs", "seen_at", "pushed_at", "pulled_at", "behind",
    "queued_ops", "queued_files", "queued_bytes", "oldest_queued_at", "quarantined", "held", "rejected", "conflicts",
    "incidents", "unhealed", "clock_error_ms", "storage_free_bytes", "app_version",
    "schema_version", "epoch", "enrolled_at", "id",
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """Which tablets. `attention`: those that need somebody; `q`: a part of the tablet's, person's or crew's name."""

    state: DeviceState | None = None
    crew_id: UUID | None = None
    attention: bool = False
    q: str | None = None


@dataclass(frozen=True)
class Shown:
    """A tablet, why somebody should look at it, and how many changes wait for it (None: it never pulled)."""

    tablet: Tablet
    needs: Sequence[Need]
    behind: int | None = None

    def flat(self) -> dict[str, Any]:
        """As schemas and tables show it."""
        own = {name: value for name, value in vars(self.tablet).items() if name != "told"}
        return {**own, **vars(self.tablet.told), "needs": self.needs, "behind": self.behind}


@dataclass(frozen=True)
class Listed:
    """A page, and how many there are of all tablets that may be seen, whatever is wanted."""

    items: Sequence[Shown]
    next: str | None
    tablets: int
    needy: int


def tablets(uow: UnitOfWork, wanted: Wanted, *, sort: Sort, cursor: str | None, limit: int) -> Listed:
    """A page of the fleet of the branches whose fleet the actor reads. Three queries, whatever the page.

    Raises:
        Forbidden: they read none. Invalid: the cursor is not one of ours.
    """
    branches = uow.actor.must_somewhere(Permission.READ_FLEET)
    everything = [_shown(uow, one) for one in queries.tablets(uow.session, branches, uow.now)]
    ordered = _ordered([one for one in everything if _fits(one, wanted)], sort, cursor)
    page, more = ordered[:limit], len(ordered) > limit
    end = encode_cursor(*_key(sort, page[-1])) if more else None
    needy = sum(bool(one.needs) for one in everything)
    return Listed(_with_behind(uow, page), end, len(everything), needy)


def tablet(uow: UnitOfWork, device_id: UUID) -> Shown:
    """One tablet.

    Raises:
        NotFound: none of that id in a branch whose fleet the actor reads. Forbidden: they read none.
    """
    branches = uow.actor.must_somewhere(Permission.READ_FLEET)
    return _with_behind(uow, [_shown(uow, queries.tablet(uow.session, branches, device_id, uow.now))])[0]


def incidents(uow: UnitOfWork, device_id: UUID, *, limit: int) -> list[Incident]:
    """What did not add up on a tablet, what has not healed first, then the newest.

    Raises:
        NotFound: none of that id in a branch whose fleet the actor reads. Forbidden: they read none.
    """
    branches = uow.actor.must_somewhere(Permission.READ_FLEET)
    device = queries.tablet(uow.session, branches, device_id, uow.now)
    return list_incidents(uow.session, device.branch_id, device.id, limit=limit)


def stream_csv(runtime: Runtime, actor: Actor, wanted: Wanted) -> Iterator[bytes]:
    """The list as a table in pieces, the worst first, out of a transaction of its own."""
    with runtime.sessions() as session:
        narrow(session, actor.scope)
        uow = UnitOfWork(runtime, session, runtime.clock(), actor)
        branches = actor.must_somewhere(Permission.READ_FLEET)
        found = [_shown(uow, one) for one in queries.tablets(session, branches, uow.now)]
        ordered = _ordered([one for one in found if _fits(one, wanted)], Sort.WORST, None)
        rows = _with_behind(uow, ordered)
    yield from table_csv(HEADINGS, ({**one.flat(), "needs": " ".join(one.needs)} for one in rows))


def _shown(uow: UnitOfWork, one: Tablet) -> Shown:
    return Shown(one, rules.needs(one, uow.now, SCHEMA_VERSION))


def _fits(one: Shown, wanted: Wanted) -> bool:
    tablet = one.tablet
    if wanted.attention and not one.needs:
        return False
    if wanted.state not in (None, tablet.state) or wanted.crew_id not in (None, tablet.crew_id):
        return False
    names = (tablet.name, tablet.person_name, tablet.person_name_en, tablet.crew_code)
    return not wanted.q or any(wanted.q.casefold() in name.casefold() for name in names if name)


def _ordered(found: Sequence[Shown], sort: Sort, cursor: str | None) -> list[Shown]:
    """Those behind the cursor. A fleet is some thousands at most: it is weighed here, where the rules are."""
    keys = decode_cursor(cursor, keys=2)
    after = ("", "") if keys is None else (keys[0], str(uuid_key(keys[1])))
    keyed = ((_key(sort, one), one) for one in found)
    return [one for key, one in sorted(keyed, key=lambda pair: pair[0]) if keys is None or key > after]


def _key(sort: Sort, one: Shown) -> tuple[str, str]:
    return rules.sort_key(sort, one.tablet, rules.rank(one.needs))


def _with_behind(uow: UnitOfWork, page: Sequence[Shown]) -> list[Shown]:
    counts = queries.behind(uow.session, [one.tablet.id for one in page])
    return [Shown(one.tablet, one.needs, counts.get(one.tablet.id)) for one in page]
