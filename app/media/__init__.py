"""Media: photos and signatures of jobs as records. The bytes stay in `kernel.blobs`, by content.

A file of a job lives through: declared by the crew's record (the bytes may still be on their way) → arrived (all bytes
here, hash right: `verified_at`) → examined (a real image of the declared type: `width_px`, `height_px`,
`thumbnail_sha256`) or refused (`refused` holds the reason; the crew has to take it again).

For other rooms: `queries.slots_present(session, job_id)` gives the (kind, slot) pairs of a job that have a file which
is not refused; `service.declare` and `service.mark_verified` are the sync door's.
"""
