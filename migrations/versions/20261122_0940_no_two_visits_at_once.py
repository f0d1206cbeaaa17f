"""no two visits at once

A crew's booked visits never overlap, whoever books them in the same instant; a visit has both its times or none.
The index serves the day board: what is open, and what ended since a day began.

Revision ID: 0003_no_two_visits
Revises: 0002_map_versions
Create Date: 2026-11-22 09:40:00
"""
from __future__ import annotations

from alembic import op

revision = '0003_no_two_visits'
down_revision = '0002_map_versions'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('CREATE EXTENSION IF NOT EXISTS btree_gist')
    op.create_check_constraint(
        op.f('ck_assignment_visit'),
        'assignment',
        'num_nulls(planned_start, planned_end) IN (0, 2) AND planned_end > planned_start',
    )
    op.execute(
        """
        ALTER TABLE assignment ADD CONSTRAINT ex_assignment_visits_of_crew
        EXCLUDE USING gist (crew_id WITH =, tstzrange(planned_start, planned_end) WITH &&)
        WHERE (ended_at IS NULL AND planned_start IS NOT NULL)
        """
    )
    op.create_index('ix_assignment_branch_id_ended_at', 'assignment', ['branch_id', 'ended_at'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_assignment_branch_id_ended_at', table_name='assignment')
    op.drop_constraint('ex_assignment_visits_of_crew', 'assignment')
    op.drop_constraint(op.f('ck_assignment_visit'), 'assignment', type_='check')
    op.execute('DROP EXTENSION btree_gist')
