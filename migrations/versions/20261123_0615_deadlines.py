"""deadlines

What people say of a job's clocks: pauses, deviations with their reason, and who saw to an alert.

Revision ID: 0615_deadlines
Revises: 0610_day_plans
Create Date: 2026-11-23 06:15:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0615_deadlines'
down_revision = '0610_day_plans'
branch_labels = None
depends_on = None

OWN = "branch_id = ANY ((SELECT scoped_branches())::uuid[])"
TABLES = ('deadline_pause', 'deadline_deviation', 'deadline_alert')


def about_job(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column('job_id', sa.Uuid(), nullable=False),
        sa.Column('branch_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(['job_id'], ['job.id'], name=op.f(f'fk_{table}_job_id')),
        sa.ForeignKeyConstraint(['branch_id'], ['branch.id'], name=op.f(f'fk_{table}_branch_id')),
        sa.PrimaryKeyConstraint('id', name=op.f(f'pk_{table}')),
    ]


def upgrade() -> None:
    op.create_table(
        'deadline_pause',
        *about_job('deadline_pause'),
        sa.Column('cause', sa.Text(), nullable=False),
        sa.Column('note', sa.Text(), nullable=True),
        sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('person_id', sa.Uuid(), nullable=True),
        sa.CheckConstraint("cause IN ('customer', 'access', 'weather', 'others')", name=op.f('ck_deadline_pause_cause')),
        sa.CheckConstraint('ended_at IS NULL OR ended_at >= began_at', name=op.f('ck_deadline_pause_ended_at')),
        sa.CheckConstraint('note IS NULL OR length(btrim(note)) > 0', name=op.f('ck_deadline_pause_note')),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_deadline_pause_person_id')),
    )
    op.create_index('ix_deadline_pause_job_id', 'deadline_pause', ['job_id'])
    op.create_index(
        'uq_deadline_pause_open', 'deadline_pause', ['job_id'], unique=True,
        postgresql_where=sa.text('ended_at IS NULL'),
    )
    op.create_table(
        'deadline_deviation',
        *about_job('deadline_deviation'),
        sa.Column('code', sa.Text(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('person_id', sa.Uuid(), nullable=True),
        sa.CheckConstraint('length(btrim(reason)) > 0', name=op.f('ck_deadline_deviation_reason')),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_deadline_deviation_person_id')),
        sa.UniqueConstraint('job_id', 'code', name=op.f('uq_deadline_deviation_job_id_code')),
    )
    op.create_table(
        'deadline_alert',
        *about_job('deadline_alert'),
        sa.Column('code', sa.Text(), nullable=False),
        sa.Column('stage', sa.Text(), nullable=False),
        sa.Column('raised_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('level', sa.Integer(), nullable=False),
        sa.Column('passed_on_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('taken_by', sa.Uuid(), nullable=True),
        sa.Column('taken_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("stage IN ('soon', 'missed')", name=op.f('ck_deadline_alert_stage')),
        sa.CheckConstraint('level >= 0', name=op.f('ck_deadline_alert_level')),
        sa.CheckConstraint('num_nulls(taken_by, taken_at) IN (0, 2)', name=op.f('ck_deadline_alert_taken')),
        sa.ForeignKeyConstraint(['taken_by'], ['person.id'], name=op.f('fk_deadline_alert_taken_by')),
        sa.UniqueConstraint('job_id', 'code', 'stage', name=op.f('uq_deadline_alert_job_id_code_stage')),
    )
    for table in TABLES:
        op.create_index(f'ix_{table}_branch_id', table, ['branch_id'])
        op.execute(f'CREATE POLICY own_branch ON {table} USING ({OWN})')
        op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
