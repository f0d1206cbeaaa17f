"""maps name their sources

Whom a branch's maps must name: streets that came from OpenStreetMap are under a licence that asks for it.

Revision ID: 0235_map_credit
Revises: 0150_networks_at_work
Create Date: 2026-11-23 02:35:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0235_map_credit"
down_revision = "0150_networks_at_work"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("branch", sa.Column("map_credit", sa.String(), nullable=True))
    op.create_check_constraint(op.f("ck_branch_map_credit"), "branch", "map_credit <> ''")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_branch_map_credit"), "branch", type_="check")
    op.drop_column("branch", "map_credit")
