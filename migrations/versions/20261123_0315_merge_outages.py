"""merge outages

Which calls and jobs an outage brought to another, so that a merge can be taken back; merged is what names its target.

Revision ID: 0315_outage_merges
Revises: 0250_interruptions
Create Date: 2026-11-23 03:15:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0315_outage_merges'
down_revision = '0250_interruptions'
branch_labels = None
depends_on = None

OWN = "branch_id = ANY ((SELECT scoped_branches())::uuid[])"


def upgrade() -> None:
    op.create_check_constraint(
        op.f('ck_outage_merged_into'), 'outage', "(state = 'merged') = (merged_into_id IS NOT NULL)"
    )
    op.create_table(
        'outage_merge',
        sa.Column('outage_id', sa.Uuid(), nullable=False),
        sa.Column('into_id', sa.Uuid(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('person_id', sa.Uuid(), nullable=True),
        sa.Column('demand_ids', postgresql.JSONB(), nullable=False),
        sa.Column('job_ids', postgresql.JSONB(), nullable=False),
        sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('branch_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.CheckConstraint('outage_id <> into_id', name=op.f('ck_outage_merge_another')),
        sa.ForeignKeyConstraint(['branch_id'], ['branch.id'], name=op.f('fk_outage_merge_branch_id')),
        sa.ForeignKeyConstraint(['outage_id'], ['outage.id'], name=op.f('fk_outage_merge_outage_id')),
        sa.ForeignKeyConstraint(['into_id'], ['outage.id'], name=op.f('fk_outage_merge_into_id')),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_outage_merge_person_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_outage_merge')),
    )
    op.create_index('ix_outage_merge_branch_id', 'outage_merge', ['branch_id'])
    op.create_index('ix_outage_merge_into_id', 'outage_merge', ['into_id'])
    op.create_index(
        'uq_outage_merge_standing', 'outage_merge', ['outage_id'], unique=True,
        postgresql_where=sa.text('undone_at IS NULL'),
    )
    op.execute(f'CREATE POLICY own_branch ON outage_merge USING ({OWN})')
    op.execute('ALTER TABLE outage_merge ENABLE ROW LEVEL SECURITY')


def downgrade() -> None:
    op.drop_table('outage_merge')
    op.drop_constraint(op.f('ck_outage_merged_into'), 'outage', type_='check')
