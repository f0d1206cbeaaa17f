"""Sync: mobile_sync plugged into the rooms. The door for tablets, and what tells tablets and live screens of changes.

Buckets: `crew:<id>` holds the crew, the jobs it has open or completed in the last three days, their checklists and
files; `catalog:<branch>` the published forms; `user:<person>` is kept for what is one person's; `live:<branch>` is read
by the event stream only. Which record is where is computed by `placement`, in the transaction of the change (`track`).

| entity        | a tablet may           | fields                                                              |
|---------------|------------------------|---------------------------------------------------------------------|
| `job`         | update                 | state (a JobState, or handed_back, refused), reason, note, finding  |
| `form_record` | update                 | answers.<item>                                                      |
| `attachment`  | create                 | job_id, kind, slot, taken_at, signer_name, strokes; one of `files`  |
| `crew`        | read                   |                                                                     |
| `form`        | read                   |                                                                     |
| `position`    | create, never reads it | location (GeoJSON Point), at, accuracy_m                            |

`docs` says what each holds when pulled. Every collection stands in this room because each joins several others; the
rooms below keep the verbs.
"""
