"""Dispatch: which crew is sent, and why.

`service.candidates(uow, *, job_id)` ranks every crew of the job's branch by arrival along streets and says for each
what speaks for and against it. `service.dispatch_crew(uow, *, job_id, crew_id)` sends one: job first, then crew, both
locked, the same rules asked again, and the database's own word that a crew has one live assignment.
`service.withdraw(uow, *, assignment_id, reason)` undoes it. Refusing and handing back are steps of the job
(`jobs.service.transition`), because the crew makes them.

The board of crews and the search box stand here too: they join what lies in several rooms below.
"""
