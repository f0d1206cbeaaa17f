"""find what was refused

The fleet page counts the ops that each tablet was refused lately.

Revision ID: 1330_refused
Revises: 1330_photos_say
Create Date: 2026-11-22 13:30:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '1330_refused'
down_revision = '1330_photos_say'
branch_labels = None
depends_on = None

REFUSED = sa.text("status = 'rejected'")


def upgrade() -> None:
    op.create_index('ix_sync_op_rejected', 'sync_op', ['device_id', 'received_at'], postgresql_where=REFUSED)


def downgrade() -> None:
    op.drop_index('ix_sync_op_rejected', table_name='sync_op', postgresql_where=REFUSED)
