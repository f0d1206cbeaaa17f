"""PostgreSQL through SQLAlchemy: everything an application plugs in, by name."""

from __future__ import annotations

from mobile_sync.adapters.conflicts_sql import acknowledge_conflicts, assign_conflicts, settle_conflicts
from mobile_sync.adapters.epochs import current_epoch, ensure_epoch, new_epoch
from mobile_sync.adapters.feed_sql import LiveChanges, SqlFeed, acknowledge, changes_since, subscribe
from mobile_sync.adapters.guards import install_guards
from mobile_sync.adapters.incidents_sql import IncidentCount, IncidentRow, count_incidents, incidents_of, note_incidents
from mobile_sync.adapters.ledger_sql import SqlLedger, is_fatal
from mobile_sync.adapters.repair_sql import SqlArchive, lock_device
from mobile_sync.adapters.stamping import rebuild, seed_entries, stamp
from mobile_sync.adapters.tables import metadata
from mobile_sync.adapters.tracking import Author, authored, move, touch, track, tracker_of

install_guards()

__all__ = [
    "Author",
    "IncidentCount",
    "IncidentRow",
    "LiveChanges",
    "SqlArchive",
    "SqlFeed",
    "SqlLedger",
    "acknowledge",
    "acknowledge_conflicts",
    "assign_conflicts",
    "authored",
    "changes_since",
    "count_incidents",
    "current_epoch",
    "ensure_epoch",
    "incidents_of",
    "is_fatal",
    "lock_device",
    "metadata",
    "move",
    "new_epoch",
    "note_incidents",
    "rebuild",
    "seed_entries",
    "settle_conflicts",
    "stamp",
    "subscribe",
    "touch",
    "track",
    "tracker_of",
]
