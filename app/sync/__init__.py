"""Sync: mobile_sync plugged into the rooms. The door for tablets, and what tells tablets and live screens of changes.

Buckets: `crew:<id>` holds the crew, the jobs it has open or completed in the last three days, their checklists and
files, and the conflicts about them; `region:<sub-district>` the open outages there, for the crews that serve it;
`catalog:<branch>` the published forms; `user:<person>` the conflicts about what the person wrote, or that were handed
to them; `live:<branch>` is read by the event stream only. Which record is where is computed by `placement`, in the
transaction of the change (`track`).

| entity        | a tablet may           | fields                                                              |
|---------------|------------------------|---------------------------------------------------------------------|
| `job`         | update                 | state (a JobState, handed_back, refused), reason, note, finding, location |
| `form_record` | update                 | answers.<item>                                                      |
| `attachment`  | create                 | job_id, kind, slot, taken_at, signer_name, strokes; one of `files`  |
| `crew`        | read                   |                                                                     |
| `form`        | read                   |                                                                     |
| `outage`      | read                   |                                                                     |
| `position`    | create, never reads it | location (GeoJSON Point), at, accuracy_m                            |
| `conflict`    | update, which decides  | take, value, reason, saw (`theirs` and `mine` as they were shown)   |

`docs` says what each holds when pulled. Every collection stands in this room because each joins several others; the
rooms below keep the verbs.
"""
