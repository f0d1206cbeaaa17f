"""note who was without supply

Interruption × account, with its stage of restoration: what the reliability indices are derived from. An account is
interrupted once at a time, and between two of its interruptions lies a moment with supply.

Revision ID: 0250_interruptions
Revises: 0235_map_credit
Create Date: 2026-11-23 02:50:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0250_interruptions'
down_revision = '0235_map_credit'
branch_labels = None
depends_on = None

OWN = "branch_id = ANY ((SELECT scoped_branches())::uuid[])"


def upgrade() -> None:
    op.create_table(
        'interruption',
        sa.Column('outage_id', sa.Uuid(), nullable=False),
        sa.Column('commodity', sa.Text(), nullable=False),
        sa.Column('cause_class', sa.Text(), nullable=False),
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('restored_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('stage', sa.Integer(), nullable=True),
        sa.Column('branch_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.CheckConstraint("commodity IN ('power', 'gas')", name=op.f('ck_interruption_commodity')),
        sa.CheckConstraint("cause_class IN ('planned', 'fault')", name=op.f('ck_interruption_cause_class')),
        sa.CheckConstraint('restored_at > begun_at', name=op.f('ck_interruption_restored_after_begun')),
        sa.CheckConstraint(
            '(stage IS NULL) = (restored_at IS NULL) AND stage > 0',
            name=op.f('ck_interruption_stage_of_what_is_restored'),
        ),
        sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_interruption_account_id')),
        sa.ForeignKeyConstraint(['branch_id'], ['branch.id'], name=op.f('fk_interruption_branch_id')),
        sa.ForeignKeyConstraint(['outage_id'], ['outage.id'], name=op.f('fk_interruption_outage_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_interruption')),
    )
    op.create_index('ix_interruption_branch_id', 'interruption', ['branch_id'])
    op.create_index('ix_interruption_outage_id', 'interruption', ['outage_id'])
    op.create_index(
        'ix_interruption_branch_id_commodity_begun_at', 'interruption', ['branch_id', 'commodity', 'begun_at']
    )
    op.execute(
        """
        ALTER TABLE interruption ADD CONSTRAINT ex_interruption_account_once_at_a_time
        EXCLUDE USING gist (account_id WITH =, tstzrange(begun_at, restored_at, '[]') WITH &&)
        """
    )
    op.execute(f'CREATE POLICY own_branch ON interruption USING ({OWN})')
    op.execute('ALTER TABLE interruption ENABLE ROW LEVEL SECURITY')


def downgrade() -> None:
    op.drop_table('interruption')
