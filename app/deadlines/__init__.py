"""Deadlines of a job as three clocks: what the law says, what the company promised, what the customer expects.

    of_job(uow, job_id) -> Shown          pause | resume | explain(uow, …)          NotFound, Forbidden, and errors.py
    watch(uow)                            by the clock: alerts before and at a breach, passed on if nobody takes them

A clock is worked out of the job's own times, the posted rules (`fixtures/deadlines/rules.csv`: each with its source,
edition and confidence), the branch's calendar (`days.csv`) and the pauses. It is kept nowhere, so it cannot disagree
with the job. Kept are what somebody said: pauses, deviations, and who saw to an alert. An alert of a missed limit
stands until a deviation gives the reason, whatever becomes of the job.
"""
