"""watch over sent crews

A crew that was sent and does not answer, refuses or gives the job back is put before the desk.

Revision ID: 0525_crew_alerts
Revises: 0510_supply
Create Date: 2026-11-23 05:25:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0525_crew_alerts'
down_revision = '0510_supply'
branch_labels = None
depends_on = None

OWN = "branch_id = ANY ((SELECT scoped_branches())::uuid[])"
KINDS = "kind IN ('no_answer', 'refused', 'handed_back')"


def upgrade() -> None:
    op.create_table(
        'crew_alert',
        sa.Column('job_id', sa.Uuid(), nullable=False),
        sa.Column('crew_id', sa.Uuid(), nullable=False),
        sa.Column('assignment_id', sa.Uuid(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('raised_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('level', sa.Integer(), nullable=False),
        sa.Column('passed_on_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('taken_by', sa.Uuid(), nullable=True),
        sa.Column('taken_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('branch_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.CheckConstraint(KINDS, name=op.f('ck_crew_alert_kind')),
        sa.CheckConstraint('level >= 0', name=op.f('ck_crew_alert_level')),
        sa.CheckConstraint('num_nulls(taken_by, taken_at) IN (0, 2)', name=op.f('ck_crew_alert_taken')),
        sa.ForeignKeyConstraint(['branch_id'], ['branch.id'], name=op.f('fk_crew_alert_branch_id')),
        sa.ForeignKeyConstraint(['job_id'], ['job.id'], name=op.f('fk_crew_alert_job_id')),
        sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_crew_alert_crew_id')),
        sa.ForeignKeyConstraint(['assignment_id'], ['assignment.id'], name=op.f('fk_crew_alert_assignment_id')),
        sa.ForeignKeyConstraint(['taken_by'], ['person.id'], name=op.f('fk_crew_alert_taken_by')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_crew_alert')),
        sa.UniqueConstraint('assignment_id', 'kind', name=op.f('uq_crew_alert_assignment_id_kind')),
    )
    op.create_index('ix_crew_alert_branch_id', 'crew_alert', ['branch_id'])
    op.create_index('ix_crew_alert_job_id', 'crew_alert', ['job_id'])
    op.execute(f'CREATE POLICY own_branch ON crew_alert USING ({OWN})')
    op.execute('ALTER TABLE crew_alert ENABLE ROW LEVEL SECURITY')


def downgrade() -> None:
    op.drop_table('crew_alert')
