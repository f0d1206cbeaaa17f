"""see only one's own branches

Row-level security under the query helpers (app/kernel/net.py). The tables' owner passes by; whoever else reads or
writes finds the rows of the branches in `app.branch_ids`, and none where nothing is set.

Revision ID: 0004_own_branches
Revises: 0003_no_two_visits
Create Date: 2026-11-22 09:45:00
"""
from __future__ import annotations

from alembic import op

revision = '0004_own_branches'
down_revision = '0003_no_two_visits'
branch_labels = None
depends_on = None

OWN = "branch_id = ANY ((SELECT scoped_branches())::uuid[])"
BY_BRANCH = (
    'account', 'assignment', 'attachment', 'crew', 'crew_member', 'crew_position', 'demand', 'device',
    'enrolment_code', 'form_record', 'job', 'network_link', 'network_node', 'number_counter', 'org_unit', 'outage',
    'party', 'person_post', 'place', 'position_fix', 'post', 'premises', 'qualification', 'role_grant', 'shift',
    'special_need', 'street_edge', 'street_node', 'vehicle',
)
OTHERWISE = {
    'branch': ("id = ANY ((SELECT scoped_branches())::uuid[])", None),
    # Colleagues of another branch who have a role in this one sign what they do here.
    'person': (f"{OWN} OR EXISTS (SELECT FROM role_grant g WHERE g.person_id = person.id)", OWN),
    'job_event': ("EXISTS (SELECT FROM job j WHERE j.id = job_event.job_id)", None),
    # What belongs to no branch may be noted by everybody and read by nobody.
    'audit_entry': (OWN, f"branch_id IS NULL OR {OWN}"),
}
POLICIES = {**{table: (OWN, None) for table in BY_BRANCH}, **OTHERWISE}


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION scoped_branches() RETURNS uuid[] LANGUAGE sql STABLE
        RETURN string_to_array(nullif(current_setting('app.branch_ids', true), ''), ',')::uuid[]
        """
    )
    for table, (seen, written) in POLICIES.items():
        check = '' if written is None else f'WITH CHECK ({written})'
        op.execute(f'CREATE POLICY own_branch ON {table} USING ({seen}) {check}')
        op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')


def downgrade() -> None:
    for table in POLICIES:
        op.execute(f'ALTER TABLE {table} DISABLE ROW LEVEL SECURITY')
        op.execute(f'DROP POLICY own_branch ON {table}')
    op.execute('DROP FUNCTION scoped_branches()')
