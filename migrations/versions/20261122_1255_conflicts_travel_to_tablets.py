"""conflicts travel to tablets

A conflict is a record on tablets, so it has a revision; it is found by the record that it is about when that one changes
hands. Somebody at the desk has seen the alarm of one about safety, or nobody has.

Revision ID: 1255_conflicts_travel
Revises: 1205_ops_as_they_came
Create Date: 2026-11-22 12:55:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '1255_conflicts_travel'
down_revision = '1205_ops_as_they_came'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('sync_conflict', sa.Column('rev', sa.BigInteger(), server_default='1', nullable=False))
    op.add_column('sync_conflict', sa.Column('acknowledged_by', sa.Uuid(), nullable=True))
    op.add_column('sync_conflict', sa.Column('acknowledged_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_sync_conflict_rec_id', 'sync_conflict', ['rec_id'])


def downgrade() -> None:
    op.drop_index('ix_sync_conflict_rec_id', table_name='sync_conflict')
    op.drop_column('sync_conflict', 'acknowledged_at')
    op.drop_column('sync_conflict', 'acknowledged_by')
    op.drop_column('sync_conflict', 'rev')
