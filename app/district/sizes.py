"""How much of everything: the three sizes of the district (product brief, table of demo counts)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Counts of one size. Lengths in metres, areas in km² or hectares as named."""

    name: str
    area_km2: float
    sub_districts: int
    communities: int
    estates: int
    premium_estates: int
    villages: int
    parks: int
    centre_block_ha: float
    edge_block_ha: float
    premises: int
    power_accounts: int
    gas_accounts: int
    units: int
    substations: int
    feeders: int
    ties: int
    public_transformers: int
    private_transformers: int
    switches: int
    gate_stations: int
    regulators: int
    mains_km: float
    valves: int
    employees: int
    rural_electricians: int
    contractors: int
    senior: int
    intermediate: int
    crews: tuple[tuple[str, int], ...]
    vehicles: int
    elders: int
    tenants: int
    disabled: int
    remote: int
    life_support: int
    vip_accounts: int
    open_jobs: int
    booked_visits: int
    history_days: int
    history_jobs: int
    history_outages: int
    calls: int
    photos: int
    distinct_photos: int

    @property
    def staff(self) -> int:
        """All people on the rolls."""
        return self.employees + self.rural_electricians + self.contractors

    @property
    def crew_count(self) -> int:
        """All crews of all kinds."""
        return sum(count for _, count in self.crews)


TINY = Size(
    "tiny", 14.0, 2, 6, 18, 2, 1, 1, 5.0, 16.0, 360, 290, 235, 96, 1, 3, 2, 20, 4, 24, 1, 3, 15.0, 40,
    26, 5, 4, 8, 14, (("outage_repair", 4), ("gas_installation", 2), ("inspection", 1), ("metering", 1), ("care", 1),
    ("contractor", 1)), 9, 8, 13, 3, 3, 1, 3, 24, 9, 14, 140, 4, 60, 240, 12,
)  # fmt: skip
DEMO = Size(
    "demo", 186.0, 6, 48, 210, 9, 4, 2, 10.0, 60.0, 12_000, 9_600, 7_800, 3_100, 3, 24, 9, 410, 60, 310, 2, 22, 182.0,
    640, 96, 28, 16, 25, 66, (("outage_repair", 10), ("gas_installation", 8), ("inspection", 4), ("metering", 2),
    ("care", 2), ("contractor", 2)), 26, 260, 430, 90, 60, 6, 14, 240, 86, 90, 14_200, 61, 6_400, 38_000, 120,
)  # fmt: skip
LOAD = Size(
    "load", 186.0, 6, 96, 1_100, 40, 12, 4, 3.5, 14.0, 207_000, 165_500, 134_500, 23_000, 12, 160, 60, 4_400, 400,
    2_400, 6, 120, 700.0, 5_200, 1_100, 140, 100, 240, 560, (("outage_repair", 560), ("gas_installation", 320),
    ("inspection", 160), ("metering", 60), ("care", 40), ("contractor", 60)), 1_100, 4_500, 7_400, 1_550, 1_030, 100,
    240, 3_000, 1_400, 365, 120_000, 500, 60_000, 120_000, 120,
)  # fmt: skip
SIZES = {size.name: size for size in (TINY, DEMO, LOAD)}
