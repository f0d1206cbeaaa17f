"""crews serve regions

Which sub-districts a crew serves; its tablets hold the open outages there. A crew serves places of its own branch only.

Revision ID: 1345_crew_regions
Revises: 1330_sync_incidents
Create Date: 2026-11-22 13:45:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '1345_crew_regions'
down_revision = '1330_sync_incidents'
branch_labels = None
depends_on = None

OWN = "branch_id = ANY ((SELECT scoped_branches())::uuid[])"


def upgrade() -> None:
    for table in ('crew', 'place'):
        op.create_unique_constraint(op.f(f'uq_{table}_id_branch_id'), table, ['id', 'branch_id'])
    op.create_table(
        'crew_region',
        sa.Column('crew_id', sa.Uuid(), nullable=False),
        sa.Column('place_id', sa.Uuid(), nullable=False),
        sa.Column('branch_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(['branch_id'], ['branch.id'], name=op.f('fk_crew_region_branch_id')),
        sa.ForeignKeyConstraint(
            ['crew_id', 'branch_id'], ['crew.id', 'crew.branch_id'], name=op.f('fk_crew_region_crew_id_branch_id')
        ),
        sa.ForeignKeyConstraint(
            ['place_id', 'branch_id'], ['place.id', 'place.branch_id'], name=op.f('fk_crew_region_place_id_branch_id')
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_crew_region')),
        sa.UniqueConstraint('crew_id', 'place_id', name=op.f('uq_crew_region_crew_id_place_id')),
    )
    op.create_index('ix_crew_region_branch_id', 'crew_region', ['branch_id'])
    op.create_index('ix_crew_region_place_id', 'crew_region', ['place_id'])
    op.execute(f'CREATE POLICY own_branch ON crew_region USING ({OWN})')
    op.execute('ALTER TABLE crew_region ENABLE ROW LEVEL SECURITY')


def downgrade() -> None:
    op.drop_table('crew_region')
    for table in ('place', 'crew'):
        op.drop_constraint(op.f(f'uq_{table}_id_branch_id'), table, type_='unique')
