"""Which life of the database this is: a restored or copied one must not answer old cursors (SPEC.md W11, L8)."""

from __future__ import annotations

import secrets

from sqlalchemy import text
from sqlalchemy.orm import Session

# Cluster, timeline (promotion, point-in-time recovery) and database oid (dump and restore): any restore changes one
# of them, except a cold copy of the whole cluster's files put back in place; for that there is `new_epoch`.
_FINGERPRINT = """
    (SELECT s.system_identifier || '/' || c.timeline_id || '/' || d.oid
     FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d WHERE d.datname = current_database())
"""
_READ = text(f"SELECT epoch, fingerprint = {_FINGERPRINT} AS same FROM sync_epoch WHERE id = 1")  # noqa: S608
_WRITE = text(
    f"""
    INSERT INTO sync_epoch (id, epoch, fingerprint) VALUES (1, :epoch, {_FINGERPRINT})
    ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, fingerprint = excluded.fingerprint, since = now()
    WHERE :always OR sync_epoch.fingerprint <> excluded.fingerprint
    """  # noqa: S608 - composed of constants
)
_PLAIN = text("SELECT epoch FROM sync_epoch WHERE id = 1")


def ensure_epoch(session: Session) -> str:
    """The epoch, begun or renewed if the database is not the one it was. Once when a server process starts."""
    row = session.execute(_READ).one_or_none()
    if row is None or not row.same:
        session.execute(_WRITE, {"epoch": secrets.token_hex(8), "always": False})
    return current_epoch(session)


def new_epoch(session: Session) -> str:
    """Begin a new life by hand: every device verifies its whole replica at its next pull."""
    session.execute(_WRITE, {"epoch": secrets.token_hex(8), "always": True})
    return current_epoch(session)


def current_epoch(session: Session) -> str:
    """The epoch as it stands, begun if there is none: in a transaction that will be committed."""
    epoch = session.scalar(_PLAIN)
    return str(epoch) if epoch is not None else ensure_epoch(session)


def read_epoch(session: Session) -> str:
    """The epoch as it stands. A snapshot must not begin one: what it wrote would be undone, and each pull a new life.

    Raises:
        LookupError: none was ever begun.
    """
    epoch = session.scalar(_PLAIN)
    if epoch is None:
        raise LookupError("no epoch: call ensure_epoch when the server starts")
    return str(epoch)
