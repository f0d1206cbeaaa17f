"""supply stopped for an account

The day on which supply was stopped for an account, so that a call from there is asked about before a crew drives out.

Revision ID: 0600_supply_stopped
Revises: 0540_notices
Create Date: 2026-11-23 06:00:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0600_supply_stopped'
down_revision = '0540_notices'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('account', sa.Column('stopped_on', sa.Date()))
    op.create_check_constraint(op.f('ck_account_stopped_after_opened'), 'account', 'stopped_on >= opened_on')


def downgrade() -> None:
    op.drop_constraint(op.f('ck_account_stopped_after_opened'), 'account', type_='check')
    op.drop_column('account', 'stopped_on')
