"""What happens after a fact: the one table of event -> tasks. Read it to know what follows from what."""

from __future__ import annotations

from app.grid.events import Switched
from app.jobs.events import JobGivenBack, OutageJobMoved
from app.kernel.unit_of_work import Reactions, TaskRef
from app.media.events import AttachmentArrived, PreviewArrived
from app.planning.events import PlanAsked
from app.supply.events import SupplyChanged

REACTIONS: Reactions = {
    AttachmentArrived: (TaskRef("app.media.tasks.examine_photo", queue="media"),),
    PreviewArrived: (TaskRef("app.media.tasks.show_preview", queue="media"),),
    Switched: (TaskRef("app.supply.tasks.follow_switching"),),
    JobGivenBack: (TaskRef("app.dispatch.tasks.note_given_back"),),
    SupplyChanged: (TaskRef("app.notices.tasks.plan"),),
    PlanAsked: (TaskRef("app.planning.tasks.make_plan", queue="plans"),),
    OutageJobMoved: (TaskRef("app.outages.tasks.follow_jobs"),),
}
