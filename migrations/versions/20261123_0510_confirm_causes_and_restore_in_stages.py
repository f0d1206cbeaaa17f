"""confirm causes and restore in stages

Which device an outage is about, its stages of restoration, what was expected when, and calls to the customers.

Revision ID: 0510_supply
Revises: 0315_outage_merges
Create Date: 2026-11-23 05:10:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0510_supply'
down_revision = '0315_outage_merges'
branch_labels = None
depends_on = None

OWN = "branch_id = ANY ((SELECT scoped_branches())::uuid[])"
CAUSES = (
    'storm', 'tree', 'animal', 'ageing', 'overload', 'third_party', 'customer_side', 'operation', 'unknown',
    'planned_work', 'temporary_work',
)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        'confirmation',
        *_common('confirmation', 'outage', 'person'),
        sa.Column('node_id', sa.Uuid(), sa.ForeignKey('network_node.id', name='fk_confirmation_node_id')),
        sa.Column('link_id', sa.Uuid(), sa.ForeignKey('network_link.id', name='fk_confirmation_link_id')),
        sa.Column('cause', sa.Text(), nullable=False),
        sa.Column('extent', sa.Text()),
        sa.Column('stated_by', sa.Text(), nullable=False),
        sa.Column('begun_at', TIME, nullable=False),
        sa.Column('at', TIME, nullable=False),
        sa.Column('accounts', sa.Integer(), nullable=False),
        sa.Column('undone_at', TIME),
        sa.CheckConstraint(f'cause IN {CAUSES}', name=op.f('ck_confirmation_cause')),
        sa.CheckConstraint("stated_by IN ('crew', 'desk')", name=op.f('ck_confirmation_stated_by')),
        sa.CheckConstraint('num_nonnulls(node_id, link_id) = 1', name=op.f('ck_confirmation_one_device')),
        sa.CheckConstraint('begun_at <= at AND undone_at >= at', name=op.f('ck_confirmation_in_order')),
        sa.CheckConstraint('accounts >= 0', name=op.f('ck_confirmation_accounts')),
    )
    op.create_index('ix_confirmation_outage_id', 'confirmation', ['outage_id'])
    op.create_index(
        'uq_confirmation_standing', 'confirmation', ['outage_id'], unique=True,
        postgresql_where=sa.text('undone_at IS NULL'),
    )
    op.create_table(
        'restoration',
        *_common('restoration', 'outage', 'person'),
        sa.Column('stage', sa.Integer(), nullable=False),
        sa.Column('at', TIME, nullable=False),
        sa.Column('accounts', sa.Integer(), nullable=False),
        sa.Column('switching_id', sa.Uuid(), sa.ForeignKey('switching.id', name='fk_restoration_switching_id')),
        sa.Column('stated_by', sa.Text()),
        sa.Column('reason', sa.Text()),
        sa.Column('said_at', TIME, nullable=False),
        sa.Column('undone_at', TIME),
        sa.CheckConstraint("stated_by IN ('crew', 'desk')", name=op.f('ck_restoration_stated_by')),
        sa.CheckConstraint(
            '(stated_by IS NULL) = (switching_id IS NOT NULL)', name=op.f('ck_restoration_switched_or_stated')
        ),
        sa.CheckConstraint('stage > 0 AND accounts > 0', name=op.f('ck_restoration_counts')),
    )
    op.create_index('ix_restoration_outage_id', 'restoration', ['outage_id'])
    op.create_index('ix_restoration_switching_id', 'restoration', ['switching_id'])
    op.create_index(
        'uq_restoration_stage', 'restoration', ['outage_id', 'stage'], unique=True,
        postgresql_where=sa.text('undone_at IS NULL'),
    )
    op.create_table(
        'estimate',
        *_common('estimate', 'outage', 'person'),
        sa.Column('expected_at', TIME, nullable=False),
        sa.Column('stated_by', sa.Text(), nullable=False),
        sa.Column('reason', sa.Text()),
        sa.Column('said_at', TIME, nullable=False),
        sa.CheckConstraint("stated_by IN ('crew', 'desk')", name=op.f('ck_estimate_stated_by')),
        sa.CheckConstraint('expected_at > said_at', name=op.f('ck_estimate_to_come')),
    )
    op.create_index('ix_estimate_outage_id_said_at', 'estimate', ['outage_id', 'said_at'])
    op.create_table(
        'contact',
        *_common('contact', 'outage', 'person'),
        sa.Column(
            'account_id', sa.Uuid(), sa.ForeignKey('account.id', name='fk_contact_account_id'), nullable=False
        ),
        sa.Column('answer', sa.Text(), nullable=False),
        sa.Column('at', TIME, nullable=False),
        sa.CheckConstraint("answer IN ('called', 'not_reached', 'has_power')", name=op.f('ck_contact_answer')),
    )
    op.create_index('ix_contact_outage_id_account_id_at', 'contact', ['outage_id', 'account_id', 'at'])
    for table in ('confirmation', 'restoration', 'estimate', 'contact'):
        op.create_index(f'ix_{table}_branch_id', table, ['branch_id'])
        op.execute(f'CREATE POLICY own_branch ON {table} USING ({OWN})')
        op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')


def _common(table: str, *others: str) -> list[sa.Column | sa.PrimaryKeyConstraint]:
    """What every table has, and who said it of what."""
    own = [
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=f'pk_{table}'),
        sa.Column('branch_id', sa.Uuid(), sa.ForeignKey('branch.id', name=f'fk_{table}_branch_id'), nullable=False),
    ]
    return own + [
        sa.Column(
            f'{other}_id', sa.Uuid(), sa.ForeignKey(f'{other}.id', name=f'fk_{table}_{other}_id'),
            nullable=other == 'person',
        )
        for other in others
    ]


def downgrade() -> None:
    for table in ('contact', 'estimate', 'restoration', 'confirmation'):
        op.drop_table(table)
