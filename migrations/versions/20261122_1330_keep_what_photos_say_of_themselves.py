"""keep what photos say of themselves

When, where and with what a photo was taken as the file itself has it, beside what the tablet declared; and the small
picture that a tablet sends before the original.

Revision ID: 1330_photos_say
Revises: 1255_conflicts_travel
Create Date: 2026-11-22 13:30:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography

revision = '1330_photos_say'
down_revision = '1255_conflicts_travel'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('attachment', sa.Column('preview_sha256', sa.Text()))
    op.add_column('attachment', sa.Column('exif_taken_at', sa.DateTime(timezone=True)))
    op.add_column('attachment', sa.Column('exif_location', Geography('POINT', srid=4326, spatial_index=False)))
    op.add_column('attachment', sa.Column('exif_device', sa.Text()))
    op.create_check_constraint(op.f('ck_attachment_preview_sha256'), 'attachment', "preview_sha256 ~ '^[0-9a-f]{64}$'")
    op.create_index('ix_attachment_preview_sha256', 'attachment', ['preview_sha256'], unique=False,
                    postgresql_where=sa.text('preview_sha256 IS NOT NULL'))


def downgrade() -> None:
    op.drop_index('ix_attachment_preview_sha256', table_name='attachment')
    op.drop_constraint(op.f('ck_attachment_preview_sha256'), 'attachment', type_='check')
    for column in ('exif_device', 'exif_location', 'exif_taken_at', 'preview_sha256'):
        op.drop_column('attachment', column)
