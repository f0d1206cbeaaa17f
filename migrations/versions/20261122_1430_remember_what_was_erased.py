"""remember what was erased

When a tablet said that it had erased itself, as it was asked to.

Revision ID: 1430_wiped_at
Revises: 1335_repair
Create Date: 2026-11-22 14:30:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '1430_wiped_at'
down_revision = '1335_repair'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('device', sa.Column('wiped_at', sa.DateTime(timezone=True)))
    op.create_check_constraint(op.f('ck_device_wiped_at'), 'device', "wiped_at IS NULL OR state = 'wipe'")


def downgrade() -> None:
    op.drop_constraint(op.f('ck_device_wiped_at'), 'device', type_='check')
    op.drop_column('device', 'wiped_at')
