"""Rows of customers: parties, accounts with their classes, special needs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

from app.district.book import Book
from app.district.ground import Ground, Premises
from app.district.names import Namer, initials, person_initials, words
from app.district.sizes import Size

GAS_CLASSES = {"high": 18, "medium": 55, "ordinary": 27}


@dataclass(frozen=True)
class Client:
    """A party at its premises; `gas` and `power` say what it buys there."""

    party: UUID
    name: str
    phone: str
    premises: Premises
    power: bool
    gas: bool


@dataclass(frozen=True)
class _Plan:
    customer_class: str
    tier: str
    needs: tuple[str, ...]


def write_clients(rng: Random, book: Book, size: Size, ground: Ground) -> list[Client]:
    """One party a supplied premises, its accounts (exactly as many as the size counts), its needs."""
    namer = Namer(rng)
    supplies = _supplies(rng, size, ground)
    plans = _plans(rng, size, ground, supplies)
    numbers = itertools.count(1)
    known = _known(ground, supplies)
    clients = []
    for n, (power, gas) in sorted(supplies.items()):
        premises = ground.premises[n]
        firm = ground.town.estates[premises.estate].kind == "industrial_park"
        name = known.get(n) or _institution(premises) or (namer.firm() if firm else namer.person())
        client = Client(book.new_id(), name, namer.phone(), premises, power, gas)
        organisation = firm or premises.important is not None
        book.put("party", id=client.party, kind="organisation" if organisation else "person", name=name,
                 phone=client.phone, initials=initials(name) if organisation else person_initials(name),
                 **_notices(book, n))  # fmt: skip
        _write_accounts(rng, book, client, plans[n], numbers)
        _write_needs(book, client, plans[n])
        clients.append(client)
    return clients


def _notices(book: Book, n: int) -> dict[str, Any]:
    """By which channel a customer is told of outages; two of ten have asked for nothing, one of fifty for English."""
    channel = (*["wechat"] * 5, *["sms"] * 3, None, None)[n % 10]
    consent = None if channel is None else book.anchor - timedelta(days=200)
    return {"notice_channel": channel, "notice_consent_at": consent, "notice_locale": "en" if n % 50 == 1 else "zh-CN"}


def _institution(premises: Premises) -> str | None:
    return None if premises.important is None else str(words()["important"][premises.important]["name"])


def _supplies(rng: Random, size: Size, ground: Ground) -> dict[int, tuple[bool, bool]]:
    """Premises number → (power, gas); as many of each as the size counts, most of the homes with gas have both."""
    everyone = range(len(ground.premises))
    must = {n for n in everyone if ground.premises[n].important is not None or not ground.premises[n].riser}
    rest = [n for n in everyone if n not in must]
    power = must | set(rng.sample(rest, size.power_accounts - len(must)))
    with_riser = [n for n in everyone if ground.premises[n].riser]
    both = [n for n in with_riser if n in power]
    only = [n for n in with_riser if n not in power]
    gas_only = min(len(only), round(size.gas_accounts * 0.12))
    gas = set(rng.sample(both, size.gas_accounts - gas_only)) | set(rng.sample(only, gas_only))
    return {n: (n in power, n in gas) for n in everyone if n in power or n in gas}


def _known(ground: Ground, supplies: dict[int, tuple[bool, bool]]) -> dict[int, str]:
    """Where the people of the story live: homes with both services, one firm in a park."""
    homes = [n for n, both in sorted(supplies.items()) if all(both) and ground.premises[n].important is None]
    parks = [n for n in supplies if ground.town.estates[ground.premises[n].estate].kind == "industrial_park"]
    stars = words()["customers"]
    people = [star["name"] for star in stars if star["kind"] == "person"]
    firms = [star["name"] for star in stars if star["kind"] == "organisation"]
    places = [homes[len(homes) * (2 * k + 1) // (2 * len(people))] for k in range(len(people))]
    return dict(zip(places, people, strict=True)) | dict(zip(sorted(parks), firms, strict=False))


def _plans(rng: Random, size: Size, ground: Ground, supplies: dict[int, tuple[bool, bool]]) -> dict[int, _Plan]:
    """Class, tier and needs of each supplied premises, in the shares of the product brief."""
    stars = {star["name"]: star for star in words()["customers"]}
    known = {n: stars[name] for n, name in _known(ground, supplies).items()}
    remote = [n for n in supplies if ground.premises[n].area_kind == "remote"][: size.remote]
    premium_homes = [n for n in supplies if ground.town.estates[ground.premises[n].estate].premium]
    taken = {*known, *remote}
    free = [n for n in supplies if ground.premises[n].important is None and n not in taken]
    rng.shuffle(free)
    deal = _Deal(iter(free), {})
    own = [need for star in known.values() for need in star["needs"]]
    machines = size.life_support - own.count("life_support")
    deal.give("special", "plus", ("disabled", "life_support"), machines)
    for need, count in (("lone_elder", size.elders), ("tenant", size.tenants), ("disabled", size.disabled - machines)):
        deal.give("special", "standard", (need,), count - own.count(need))
    for n in remote:
        deal.plans[n] = _Plan("special", "standard", ("remote",))
    for n, star in known.items():
        deal.plans[n] = _Plan(star["class"], "vip" if star["kind"] == "organisation" else "plus", tuple(star["needs"]))
    for n in (n for n in premium_homes if n not in deal.plans):
        deal.plans[n] = _Plan("premium", rng.choice(("plus", "key")), ())
    share = len(supplies) // 100
    _give_vip(deal, size, ground, supplies, free)
    deal.give("premium", "key", (), 6 * share - sum(p.customer_class == "premium" for p in deal.plans.values()))
    deal.give("demanding", "plus", (), 3 * share)
    for n in supplies:
        level = ground.premises[n].important
        needs = () if level is None else (f"important_level_{words()['important'][level]['level']}",)
        deal.plans.setdefault(n, _Plan("ordinary", "standard" if level is None else "vip", needs))
    return deal.plans


def _give_vip(deal: _Deal, size: Size, ground: Ground, supplies: dict[int, tuple[bool, bool]], free: list[int]) -> None:
    """As many VIP accounts as the size counts: important customers and the story's firm have theirs already."""
    important = [n for n in supplies if ground.premises[n].important is not None]
    taken = important + [n for n, plan in deal.plans.items() if plan.tier == "vip"]
    left = size.vip_accounts - sum(sum(supplies[n]) for n in taken)
    for n in [n for n in free if n not in deal.plans and sum(supplies[n]) == 1][:left]:
        deal.plans[n] = _Plan("premium", "vip", ())


@dataclass
class _Deal:
    """Hands plans to premises nobody has planned for yet."""

    free: Iterator[int]
    plans: dict[int, _Plan]

    def give(self, customer_class: str, tier: str, needs: tuple[str, ...], count: int) -> None:
        """The next `count` premises get this plan."""
        for _ in range(max(0, count)):
            n = next(n for n in self.free if n not in self.plans)
            self.plans[n] = _Plan(customer_class, tier, needs)


def _write_accounts(rng: Random, book: Book, client: Client, plan: _Plan, numbers: Iterator[int]) -> None:
    for service, bought in (("power", client.power), ("gas", client.gas)):
        if bought:
            gas_class = rng.choices(list(GAS_CLASSES), list(GAS_CLASSES.values()))[0] if service == "gas" else None
            opened: date = (book.anchor - timedelta(days=rng.randrange(120, 5000))).date()
            book.put("account", id=book.new_id(), number=f"{1 if service == 'power' else 2}{next(numbers):09d}",
                     premises_id=client.premises.id, party_id=client.party, service=service,
                     customer_class=plan.customer_class, gas_class=gas_class, tier=plan.tier,
                     opened_on=opened, stopped_on=_stopped(book, client, plan))  # fmt: skip


def _stopped(book: Book, client: Client, plan: _Plan) -> date | None:
    """Of about one ordinary account in a hundred supply was stopped nine days ago; never of somebody with needs."""
    stopped = not plan.needs and plan.customer_class == "ordinary" and int(client.phone[-4:]) % 100 == 7
    return (book.anchor - timedelta(days=9)).date() if stopped else None


def _write_needs(book: Book, client: Client, plan: _Plan) -> None:
    for need in plan.needs:
        asked = need in ("life_support", "lone_elder", "disabled")
        book.put("special_need", id=book.new_id(), party_id=client.party, kind=need,
                 consented_at=book.anchor - timedelta(days=150) if asked else None,
                 valid_until=book.anchor + timedelta(days=365) if asked else None)  # fmt: skip
