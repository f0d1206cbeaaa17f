"""The whole district, row by row, from one seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from app.district.book import Book, Ids, Sink
from app.district.clients import write_clients
from app.district.ground import write_ground
from app.district.history import Scene, write_history
from app.district.jobs import JobWriter, Numbers, write_forms
from app.district.people import write_people
from app.district.photos import Keep, make_photos
from app.district.sizes import SIZES
from app.district.today import write_today

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Made:
    """What was generated: the branch and the rows of each table."""

    branch_id: UUID
    counts: dict[str, int]


def district(size: str, seed: int, anchor: datetime, *, sink: Sink, keep: Keep, password_hash: str,
             first_street_id: int, progress: Progress) -> Made:  # fmt: skip
    """Send every row of the district to `sink`, parents before children, shapes in metres of the plane.

    The rows are a function of (size, seed, anchor, password_hash, first_street_id) alone; files go through `keep`.
    Each part draws from a source of its own, so that one part's change does not shuffle the others.
    """
    counts = SIZES[size]

    def source(part: str) -> Random:
        return Random(f"{seed}/{size}/{part}")

    ids = Ids(source("ids"))
    long_ago = anchor - timedelta(days=1000)
    book = Book(ids.new(long_ago), anchor, ids, sink)
    progress("地面与管网 / ground and networks")
    ground = write_ground(source("ground"), book, counts, first_street_id)
    progress("人员与客户 / staff and customers")
    people = write_people(source("people"), book, counts, ground, password_hash)
    clients = write_clients(source("clients"), book, counts, ground)
    write_forms(book)
    progress("图片 / pictures")
    photos, signatures = make_photos(source("photos"), book, counts.distinct_photos, keep)
    progress(f"{counts.history_days} 天历史 / days of history")
    numbers = Numbers({})
    rng = source("history")
    writer = JobWriter(rng, book, numbers, people.by_login["linxiao"])
    scene = Scene(rng, book, counts, ground, people, clients, numbers, writer, photos, signatures)
    write_history(scene)
    write_today(scene)
    numbers.write(book)
    book.flush()
    return Made(book.branch_id, dict(book.counts))
