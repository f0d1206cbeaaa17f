"""keys for GIS programs

A password of its own for a GIS program, which reads maps and nothing else. Only its hash is kept.

Revision ID: 0535_gis_keys
Revises: 0525_crew_alerts
Create Date: 2026-11-23 05:35:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0535_gis_keys'
down_revision = '0525_crew_alerts'
branch_labels = None
depends_on = None

OWN = "branch_id = ANY ((SELECT scoped_branches())::uuid[])"


def upgrade() -> None:
    op.create_table(
        'gis_key',
        sa.Column('person_id', sa.Uuid(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('key_hash', sa.LargeBinary(), nullable=False),
        sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('branch_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "expires_at >= made_at AND expires_at <= made_at + interval '366 days'", name=op.f('ck_gis_key_expires_at')
        ),
        sa.ForeignKeyConstraint(['branch_id'], ['branch.id'], name=op.f('fk_gis_key_branch_id')),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_gis_key_person_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_gis_key')),
        sa.UniqueConstraint('key_hash', name=op.f('uq_gis_key_key_hash')),
    )
    op.create_index('ix_gis_key_branch_id', 'gis_key', ['branch_id'])
    op.create_index('ix_gis_key_person_id', 'gis_key', ['person_id'])
    op.execute(f'CREATE POLICY own_branch ON gis_key USING ({OWN})')
    op.execute('ALTER TABLE gis_key ENABLE ROW LEVEL SECURITY')


def downgrade() -> None:
    op.drop_table('gis_key')
