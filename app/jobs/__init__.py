"""Jobs: a crew's work, its life cycle, its checklist and who it is assigned to.

Verbs (`app.jobs.service`) take the unit of work first and everything else by keyword:

    open_job(uow, *, branch_id, asked: rules.Asked, number=None) -> Job
        A job in state new, with its number and empty form record. NoForm.
    transition(uow, *, job, to, reason=None, at=None) -> Job
        One step of rules.TRANSITIONS, by the crew that holds the job or by a dispatcher.
        WrongTransition, ReasonRequired, JobIncomplete, Forbidden; CrewBusy (accepting a booked visit).
    assign(uow, *, job, crew_id, reasons, live=True, window=None) -> Assignment
        Gives a new or planned job to a crew; which crew is dispatch's decision.
        WrongTransition, CrewBusy, JobTaken, VisitOverlap.
    move_visit(uow, *, job, visit, crew_id, reasons, window) -> Assignment
        Another time or crew for a booked job. WrongTransition, VisitOverlap.
    withdraw(uow, *, job, reason=None) -> Job
        Takes it back from its crew; the job is new again. WrongTransition, Forbidden.
    answer(uow, *, record, item, value) -> FormRecord
        One answer of the checklist, checked against the item's JSON Schema; None clears it.
        BadAnswer, NotYourJob, JobClosed.
    note_finding(uow, *, job, fields) -> Job
        What a crew writes about the job itself: `note`, `finding`. Invalid, NotYourJob, JobClosed.
    edit_job(uow, *, job, changes) -> Job
        Address, note, priority, contact by the desk. Forbidden, JobClosed, Invalid.
    correct_answer(uow, *, record, item, value) -> FormRecord · correct_words(uow, *, job, fields) -> Job
        The desk's decision where two disagree, also after the job was closed. Forbidden, BadAnswer, Invalid.
    publish_form(uow, *, document) -> Form
        The next version of a checklist. BadForm, FormPublished.

The sync door reads with `queries.lock_job(session, actor, job_id)` and `queries.lock_record(session, actor, record_id)`
(both FOR UPDATE, both NotFound for a job that is not the actor's to see) and calls the verb with the row. `to` is a
JobState or one of `handed_back`, `refused`, `withdrawn`, which all lead to new; `at` is the device's time, kept within
[job.opened_at, uow.now]. `rules.is_step(before, after)` says whether a step exists at all. A step to the state the job
is in already is WrongTransition: look at `job.state` first where a repeat is harmless.

Completion looks at *declared* attachments: a photo whose record is here counts although its bytes may still be on
their way (`verified_at` says so); a refused file does not count.

Reads (`app.jobs.queries`): `get_job`, `visible_to(actor)` as a condition for any select on Job, `jobs_json` for lists
made in SQL, `open_assignment`, `newest_form`, `timeline_json`, `hands_of`.
"""
