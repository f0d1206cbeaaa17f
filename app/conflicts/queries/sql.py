"""The parts that queries about conflicts are composed of: `c` is the conflict, `j` its job, `f` or `t` its record."""

from __future__ import annotations

from app.conflicts.rules import DUE_OTHERWISE, DUE_WITHIN

# A record of any kind leads to its job; what has no job (none so far) would not be shown to anybody.
RECORDS = """
    sync_conflict c
    LEFT JOIN form_record f ON c.entity = 'form_record' AND f.id = c.rec_id
    LEFT JOIN attachment t ON c.entity = 'attachment' AND t.id = c.rec_id
    JOIN job j ON j.id = CASE c.entity WHEN 'job' THEN c.rec_id WHEN 'form_record' THEN f.job_id ELSE t.job_id END
"""
REV = "CASE c.entity WHEN 'job' THEN j.rev WHEN 'form_record' THEN f.rev ELSE t.rev END"
DELETED = "CASE c.entity WHEN 'job' THEN j.deleted_at WHEN 'form_record' THEN f.deleted_at ELSE t.deleted_at END"
# What "keep the system's" leaves in place: the value now; of a file's record only the one at the time is told.
STANDING = """
    CASE c.entity WHEN 'job' THEN CASE c.field WHEN 'location' THEN ST_AsGeoJSON(j.location, 15)::jsonb
                                               ELSE to_jsonb(j) -> c.field END
                  WHEN 'form_record' THEN f.answers -> substr(c.field, length('answers.') + 1) ELSE c.theirs END
"""
HOLDS = "(a.ended_at IS NULL OR a.end_reason = 'completed')"
DUE = " ".join(
    [
        "coalesce(c.due_at, c.raised_at + CASE c.policy",
        *(f"WHEN '{policy}' THEN interval '{within.total_seconds():.0f} s'" for policy, within in DUE_WITHIN.items()),
        f"ELSE interval '{DUE_OTHERWISE.total_seconds():.0f} s' END)",
    ]
)

CONFLICT_JSON = f"""
    SELECT c.id, {REV} AS rev, {DELETED} IS NOT NULL AS gone, j.branch_id,
           c.entity, c.rec_id, c.field, c.policy, c.state,
           c.base IS NOT NULL AS base_known, c.base, c.theirs, c.mine,
           CASE WHEN c.entity IN ('job', 'form_record') THEN {STANDING} END AS held,
           fm.document -> 'schema' -> 'properties' -> substr(c.field, length('answers.') + 1) AS question,
           c.raised_at, {DUE} AS due_at, c.assignee AS assignee_id, who.name AS assignee_name,
           who.name_en AS assignee_name_en,
           c.resolution ->> 'take' AS take, c.resolution -> 'value' AS settled_value,
           c.resolution ->> 'reason' AS reason,
           c.resolved_at, c.resolved_by AS resolved_by_id, settler.name AS resolved_by_name,
           settler.name_en AS resolved_by_name_en,
           c.acknowledged_at, seer.name AS acknowledged_by_name, seer.name_en AS acknowledged_by_name_en,
           j.id AS job_id, j.number AS job_number, j.kind AS job_kind, j.state AS job_state, j.address AS job_address,
           ST_AsGeoJSON(j.location)::json AS job_location,
           json_build_object('person_id', o.actor, 'person_name', sender.name, 'person_name_en', sender.name_en,
               'device_id', c.device_id, 'device_name', d.name, 'at', o.device_at,
               'clock_error_ms', o.clock_error_ms, 'received_at', o.received_at, 'gps', o.body -> 'gps') AS mine_by,
           (SELECT json_build_object('person_id', v.actor, 'person_name', writer.name, 'person_name_en', writer.name_en,
                'device_id', v.device_id, 'device_name', vd.name, 'at', coalesce(v.device_at, v.server_at),
                'clock_error_ms', v.device_clock_error_ms, 'received_at', v.server_at, 'gps', v.gps)
            FROM record_version v
            LEFT JOIN person writer ON writer.id = v.actor LEFT JOIN device vd ON vd.id = v.device_id
            WHERE v.entity = c.entity AND v.rec_id = c.rec_id AND v.rev <= c.theirs_rev
                  AND (v.patch -> c.field) IS NOT NULL
            ORDER BY v.rev DESC LIMIT 1) AS theirs_by
    FROM {RECORDS}
    LEFT JOIN form fm ON fm.code = f.form_code AND fm.version = f.form_version
    LEFT JOIN sync_op o ON o.device_id = c.device_id AND o.op_no = c.op_no
    LEFT JOIN person sender ON sender.id = o.actor
    LEFT JOIN device d ON d.id = c.device_id
    LEFT JOIN person who ON who.id = c.assignee
    LEFT JOIN person settler ON settler.id = c.resolved_by
    LEFT JOIN person seer ON seer.id = c.acknowledged_by
"""  # noqa: S608 - composed of constants
