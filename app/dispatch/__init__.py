"""Dispatch: which crew is sent, and why.

`service.candidates(uow, *, job_id)` ranks every crew of the job's branch by arrival along streets and says for each
what speaks for and against it. `service.dispatch_crew(uow, *, job_id, crew_id)` sends one: job first, then crew, both
locked, the same rules asked again, and the database's own word that a crew has one live assignment.
`service.book_visit` puts a job on a crew's day and `service.move_visit` moves it there: shift, skill and other visits
are asked, and a constraint keeps two visits of a crew apart.
`service.withdraw(uow, *, assignment_id, reason)` undoes both. Refusing and handing back are steps of the job
(`jobs.service.transition`), because the crew makes them.

The day board, the list of crews and the search box stand here too: they join what lies in several rooms below.
"""
