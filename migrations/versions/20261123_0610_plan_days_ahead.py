"""plan days ahead

Proposals for a branch's day with the inputs they were made from, and a line for every visit in them.

Revision ID: 0610_day_plans
Revises: 0600_supply_stopped
Create Date: 2026-11-23 06:10:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0610_day_plans'
down_revision = '0600_supply_stopped'
branch_labels = None
depends_on = None

OWN = "branch_id = ANY ((SELECT scoped_branches())::uuid[])"
STATES = ('waiting', 'running', 'proposed', 'cancelled', 'failed')


def upgrade() -> None:
    op.create_table(
        'plan',
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('state', sa.Enum(*STATES, name='state', native_enum=False, create_constraint=True), nullable=False),
        sa.Column('asked_by', sa.Uuid(), nullable=True),
        sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('seconds', sa.Integer(), nullable=False),
        sa.Column('seed', sa.Integer(), nullable=False),
        sa.Column('stop_asked', sa.Boolean(), nullable=False),
        sa.Column('engine', sa.Text(), nullable=True),
        sa.Column('travel_version', sa.Text(), nullable=True),
        sa.Column('input_hash', sa.Text(), nullable=True),
        sa.Column('inputs', sa.LargeBinary(), nullable=True),
        sa.Column('crews', sa.Integer(), nullable=True),
        sa.Column('visits', sa.Integer(), nullable=True),
        sa.Column('rounds', sa.Integer(), nullable=True),
        sa.Column('cost', sa.Integer(), nullable=True),
        sa.Column('left_out', sa.Integer(), nullable=True),
        sa.Column('trail', postgresql.JSONB(), nullable=False),
        sa.Column('terms', postgresql.JSONB(), nullable=False),
        sa.Column('branch_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state <> 'proposed' OR (inputs IS NOT NULL AND cost IS NOT NULL)", name=op.f('ck_plan_proposed_whole')
        ),
        sa.CheckConstraint('(inputs IS NULL) = (input_hash IS NULL)', name=op.f('ck_plan_inputs_named')),
        sa.CheckConstraint('seconds BETWEEN 5 AND 120', name=op.f('ck_plan_seconds')),
        sa.ForeignKeyConstraint(['branch_id'], ['branch.id'], name=op.f('fk_plan_branch_id')),
        sa.ForeignKeyConstraint(['asked_by'], ['person.id'], name=op.f('fk_plan_asked_by')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_plan')),
        sa.UniqueConstraint('id', 'branch_id', name=op.f('uq_plan_id_branch_id')),
    )
    op.create_index('ix_plan_branch_id', 'plan', ['branch_id'])
    op.create_index('ix_plan_branch_id_day', 'plan', ['branch_id', 'day', 'asked_at'])
    op.create_index(
        'uq_plan_at_work', 'plan', ['branch_id', 'day'], unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )
    op.create_table(
        'plan_stop',
        sa.Column('plan_id', sa.Uuid(), nullable=False),
        sa.Column('job_id', sa.Uuid(), nullable=False),
        sa.Column(
            'change',
            sa.Enum('new', 'moved', 'kept', 'refused', name='change', native_enum=False, create_constraint=True),
            nullable=False,
        ),
        sa.Column('crew_id', sa.Uuid(), nullable=True),
        sa.Column('planned_start', sa.DateTime(timezone=True), nullable=True),
        sa.Column('planned_end', sa.DateTime(timezone=True), nullable=True),
        sa.Column('booking_id', sa.Uuid(), nullable=True),
        sa.Column('crew_before_id', sa.Uuid(), nullable=True),
        sa.Column('start_before', sa.DateTime(timezone=True), nullable=True),
        sa.Column('reason', postgresql.JSONB(), nullable=True),
        sa.Column(
            'outcome',
            sa.Enum('booked', 'misfit', name='outcome', native_enum=False, create_constraint=True),
            nullable=True,
        ),
        sa.Column('problem', postgresql.JSONB(), nullable=True),
        sa.Column('branch_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.CheckConstraint("(change = 'refused') = (crew_id IS NULL)", name=op.f('ck_plan_stop_crew_unless_refused')),
        sa.CheckConstraint(
            'num_nulls(crew_id, planned_start, planned_end) IN (0, 3)', name=op.f('ck_plan_stop_whole_visit')
        ),
        sa.CheckConstraint('planned_end > planned_start', name=op.f('ck_plan_stop_span')),
        sa.CheckConstraint(
            "(change IN ('moved', 'kept')) <= (booking_id IS NOT NULL)", name=op.f('ck_plan_stop_moved_from_somewhere')
        ),
        sa.ForeignKeyConstraint(['branch_id'], ['branch.id'], name=op.f('fk_plan_stop_branch_id')),
        sa.ForeignKeyConstraint(['plan_id'], ['plan.id'], name=op.f('fk_plan_stop_plan_id')),
        sa.ForeignKeyConstraint(['job_id'], ['job.id'], name=op.f('fk_plan_stop_job_id')),
        sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_plan_stop_crew_id')),
        sa.ForeignKeyConstraint(['booking_id'], ['assignment.id'], name=op.f('fk_plan_stop_booking_id')),
        sa.ForeignKeyConstraint(['crew_before_id'], ['crew.id'], name=op.f('fk_plan_stop_crew_before_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_stop')),
        sa.UniqueConstraint('plan_id', 'job_id', name=op.f('uq_plan_stop_plan_id_job_id')),
    )
    op.create_index('ix_plan_stop_branch_id', 'plan_stop', ['branch_id'])
    op.create_index('ix_plan_stop_job_id', 'plan_stop', ['job_id'])
    for table in ('plan', 'plan_stop'):
        op.execute(f'CREATE POLICY own_branch ON {table} USING ({OWN})')
        op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')


def downgrade() -> None:
    op.drop_table('plan_stop')
    op.drop_table('plan')
