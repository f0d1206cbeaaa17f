"""What a channel must do, and the carrier that this installation has: everything lands in a table of its own.

A real carrier (a short-message gateway, an official account) is another class with `carry`, named in `CARRIERS`. It may
be asked twice about one notice, where the first answer was lost: `reference` is the same then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.customers.models import NoticeChannel
from app.kernel.unit_of_work import UnitOfWork
from app.notices.errors import NotDelivered
from app.notices.models import Delivery


@dataclass(frozen=True)
class Message:
    """Words for an address of a channel. `reference` names the notice."""

    reference: UUID
    branch_id: UUID
    channel: NoticeChannel
    address: str | None
    words: str


class Carrier(Protocol):
    """Takes messages of a channel to people."""

    def carry(self, uow: UnitOfWork, message: Message) -> None:
        """Hand a message over.

        Raises:
            NotDelivered: it was not taken; the notice is tried again later.
        """


class LocalCarrier:
    """Writes messages down, where everybody can see what would have been sent."""

    def carry(self, uow: UnitOfWork, message: Message) -> None:
        """Write it down, once.

        Raises:
            NotDelivered: there is no address.
        """
        if not message.address:
            raise NotDelivered("no_address")
        uow.session.add(
            Delivery(
                id=uow.new_id(),
                branch_id=message.branch_id,
                notice_id=message.reference,
                channel=message.channel,
                address=message.address,
                words=message.words,
                at=uow.now,
            )
        )


CARRIERS: Mapping[NoticeChannel, Carrier] = dict.fromkeys(NoticeChannel, LocalCarrier())
