"""What prediction finds in ten storms that the share-of-calls rule does not, and how long 300 calls take it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random

from app.bench.figures import Figure, at_least, at_most
from app.bench.storms import ESTATES, VILLAGES, Score, Storm, by_share, make_network, make_storm, score
from app.kernel.unit_of_work import Runtime
from app.outages.evidence import Evidence, Forest
from app.outages.predict import predict

NETWORK_SEED, STORM_SEEDS = 1, range(10)
FAULTS, HOUSES, CALLS = 40, 50, 300
SEVERAL, FEW = 0.25, 0.10  # call rates
DEVICES_TIMES, RECALL = 1.15, 0.90
CUSTOMERS_TIMES, PRECISION = 4.0, 0.99
GROUPING_MS = 50.0


def measure(_runtime: Runtime) -> Iterator[Figure]:
    """Devices found at a quarter of the dark calling, their customers at a tenth, and the time; in two networks."""
    for name, fan in (("estates", ESTATES), ("villages", VILLAGES)):
        yield from _in_network(f"network.prediction.{name}", make_network(NETWORK_SEED, fan=fan))


def _in_network(name: str, forest: Forest) -> Iterator[Figure]:
    told = f"{len(forest.above)} nodes, {len(STORM_SEEDS)} storms of {FAULTS} faults and {HOUSES} single houses"
    ours, rule = _both(forest, SEVERAL)
    against = f"the rule finds {rule.found} of {rule.devices}, ours {ours.found}; {told}"
    yield at_least(f"{name}.devices", ours.found / rule.found, "×", DEVICES_TIMES, against)
    yield at_least(f"{name}.recall", ours.both / ours.dark, "", RECALL, f"call rate {SEVERAL}; {told}")
    ours, rule = _both(forest, FEW)
    against = f"the rule finds {rule.both / rule.dark:.3f} of the dark, ours {ours.both / ours.dark:.3f}; {told}"
    yield at_least(f"{name}.customers", ours.both / rule.both, "×", CUSTOMERS_TIMES, against)
    yield at_least(f"{name}.precision", ours.both / ours.said, "", PRECISION, f"call rate {FEW}; {told}")
    slowest = max(_grouping_ms(forest, seed) for seed in STORM_SEEDS)
    yield at_most(f"{name}.grouping", slowest, "ms", GROUPING_MS, f"{CALLS} calls, CPU, slowest; {told}")


def _storm(forest: Forest, seed: int, call_rate: float) -> Storm:
    return make_storm(forest, seed, faults=FAULTS, houses=HOUSES, call_rate=call_rate)


def _both(forest: Forest, call_rate: float) -> tuple[Score, Score]:
    """What prediction and the rule find in all storms together. Prediction is not told the call rate."""
    ours = rule = Score()
    for seed in STORM_SEEDS:
        storm = _storm(forest, seed, call_rate)
        said = predict(forest, Evidence(calls=storm.calls)).faults
        ours += score(forest, storm.failed, [fault.place for fault in said])
        rule += score(forest, storm.failed, by_share(forest, storm.calls))
    return ours, rule


def _grouping_ms(forest: Forest, seed: int) -> float:
    """CPU milliseconds to explain 300 calls of a storm, fewer where the storm has fewer, as they stand in memory."""
    callers = [place for place, count in sorted(_storm(forest, seed, SEVERAL).calls.items()) for _ in range(count)]
    calls: dict[int, int] = {}
    for place in Random(seed).sample(callers, min(CALLS, len(callers))):
        calls[place] = calls.get(place, 0) + 1
    started = time.process_time()
    predict(forest, Evidence(calls=calls))
    return (time.process_time() - started) * 1000
