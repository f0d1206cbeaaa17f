"""keep ops as they came

The body and the result of an op of a tablet are kept as text: the body's SHA-256 is the digest beside it. So are the
patches of versions, which are only ever read whole.

Revision ID: 1205_ops_as_they_came
Revises: 0006_bigrams
Create Date: 2026-11-22 12:05:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON, JSONB

revision = '1205_ops_as_they_came'
down_revision = '0006_bigrams'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _retype(JSONB(), JSON(), 'json')


def downgrade() -> None:
    _retype(JSON(), JSONB(), 'jsonb')


def _retype(before: sa.types.TypeEngine, after: sa.types.TypeEngine, name: str) -> None:
    for table, column in (('sync_op', 'body'), ('sync_op', 'result'), ('record_version', 'patch')):
        using = f'{column}::{name}'
        op.alter_column(table, column, existing_type=before, type_=after, existing_nullable=False, postgresql_using=using)
