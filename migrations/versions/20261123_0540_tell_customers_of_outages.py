"""tell customers of outages

The channel by which a customer wants to be told, with their consent; what is said to whom, once for each stage; and
where messages land in an installation without a carrier of its own.

Revision ID: 0540_notices
Revises: 0535_gis_keys
Create Date: 2026-11-23 05:40:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0540_notices'
down_revision = '0535_gis_keys'
branch_labels = None
depends_on = None

OWN = "branch_id = ANY ((SELECT scoped_branches())::uuid[])"
CHANNELS = "('sms', 'wechat', 'email')"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column('party', sa.Column('notice_channel', sa.Text()))
    op.add_column('party', sa.Column('notice_consent_at', TIME))
    op.add_column('party', sa.Column('notice_locale', sa.Text()))
    op.create_check_constraint(op.f('ck_party_notice_channel'), 'party', f'notice_channel IN {CHANNELS}')
    op.create_check_constraint(
        op.f('ck_party_notices_by_consent'), 'party', '(notice_channel IS NULL) = (notice_consent_at IS NULL)'
    )
    op.create_table(
        'notice',
        *_keys('notice', 'branch', 'outage', 'party', 'premises', 'estimate'),
        sa.Column('begun_at', TIME, nullable=False),
        sa.Column('stage', sa.Text(), nullable=False),
        sa.Column('channel', sa.Text(), nullable=False),
        sa.Column('locale', sa.Text(), nullable=False),
        sa.Column('words', sa.Text()),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('created_at', TIME, nullable=False),
        sa.Column('due_at', TIME, nullable=False),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.Column('sent_at', TIME),
        sa.Column('last_error', sa.Text()),
        sa.CheckConstraint("stage IN ('known', 'expected', 'changed', 'restored')", name=op.f('ck_notice_stage')),
        sa.CheckConstraint(f'channel IN {CHANNELS}', name=op.f('ck_notice_channel')),
        sa.CheckConstraint("state IN ('queued', 'sent', 'dropped', 'given_up')", name=op.f('ck_notice_state')),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f('ck_notice_sent')),
        sa.CheckConstraint(
            "(estimate_id IS NOT NULL) = (stage IN ('expected', 'changed'))", name=op.f('ck_notice_of_an_estimate')
        ),
        sa.CheckConstraint('tries >= 0', name=op.f('ck_notice_tries')),
        sa.UniqueConstraint(
            'outage_id', 'party_id', 'begun_at', 'stage', 'estimate_id',
            name='uq_notice_told_once', postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index('ix_notice_branch_id', 'notice', ['branch_id'])
    op.create_index('ix_notice_party_id', 'notice', ['party_id'])
    op.create_index('ix_notice_due', 'notice', ['due_at'], postgresql_where=sa.text("state = 'queued'"))
    op.create_table(
        'delivery',
        *_keys('delivery', 'branch', 'notice'),
        sa.Column('channel', sa.Text(), nullable=False),
        sa.Column('address', sa.Text(), nullable=False),
        sa.Column('words', sa.Text(), nullable=False),
        sa.Column('at', TIME, nullable=False),
        sa.CheckConstraint(f'channel IN {CHANNELS}', name=op.f('ck_delivery_channel')),
        sa.UniqueConstraint('notice_id', name=op.f('uq_delivery_notice_id')),
    )
    op.create_index('ix_delivery_branch_id', 'delivery', ['branch_id'])
    for table in ('notice', 'delivery'):
        op.execute(f'CREATE POLICY own_branch ON {table} USING ({OWN})')
        op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')


def _keys(table: str, *others: str) -> list[sa.Column | sa.PrimaryKeyConstraint]:
    """Its id, and the rows of other tables that it names."""
    own = [sa.Column('id', sa.Uuid(), nullable=False), sa.PrimaryKeyConstraint('id', name=f'pk_{table}')]
    return own + [
        sa.Column(
            f'{other}_id', sa.Uuid(), sa.ForeignKey(f'{other}.id', name=f'fk_{table}_{other}_id'),
            nullable=other == 'estimate',
        )
        for other in others
    ]


def downgrade() -> None:
    op.drop_table('delivery')
    op.drop_table('notice')
    op.drop_constraint(op.f('ck_party_notices_by_consent'), 'party', type_='check')
    op.drop_constraint(op.f('ck_party_notice_channel'), 'party', type_='check')
    for column in ('notice_locale', 'notice_consent_at', 'notice_channel'):
        op.drop_column('party', column)
