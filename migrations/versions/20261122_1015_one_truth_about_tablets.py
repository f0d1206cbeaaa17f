"""one truth about tablets

How a tablet fares is what its last sync said (`sync_device_state`); the second copy beside its key was never filled.

Revision ID: 0005_tablets_one_truth
Revises: 0004_own_branches
Create Date: 2026-11-22 10:15:00
"""
from __future__ import annotations

from alembic import op
import sqlalchemy as sa

revision = '0005_tablets_one_truth'
down_revision = '0004_own_branches'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ('app_version', 'pending_ops', 'oldest_pending_at', 'clock_error_ms'):
        op.drop_column('device', column)


def downgrade() -> None:
    op.add_column('device', sa.Column('app_version', sa.Text(), nullable=True))
    op.add_column('device', sa.Column('pending_ops', sa.Integer(), nullable=True))
    op.add_column('device', sa.Column('oldest_pending_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('device', sa.Column('clock_error_ms', sa.Integer(), nullable=True))
