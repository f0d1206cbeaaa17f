"""From calls to cause: exactly the most probable devices, and a reason for what cannot be used."""

from __future__ import annotations

from itertools import chain, combinations
from math import inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.bench.storms import by_share, make_network, make_storm, score
from app.outages.evidence import NOT_FED, DeviceKind, Evidence, Forest, Reason, SetAside
from app.outages.predict import Model, predict

RATE = 0.2
MODEL = Model(call_rates=(RATE,))


def forest(*nodes: tuple[int, bool, int], kind: list[int] | None = None, meters: list[int] | None = None) -> Forest:
    """Nodes as (parent, device, customers)."""
    parent, device, customers = zip(*nodes, strict=True)
    return Forest(
        np.array(parent, np.int64),
        np.array(device, np.bool_),
        np.array(customers, np.int64),
        None if kind is None else np.array(kind, np.int64),
        None if meters is None else np.array(meters, np.int64),
    )


# A source; a feeder's breaker at 1; two transformers at 2 and 5, each with two boxes of ten customers without a device.
TOWN = forest(
    (-1, False, 0),
    (0, True, 0),
    (1, True, 0),
    (2, False, 10),
    (2, False, 10),
    (1, True, 0),
    (5, False, 10),
    (5, False, 10),
)


def places(town: Forest = TOWN, **evidence: object) -> list[int]:
    return [fault.place for fault in predict(town, Evidence(**evidence), MODEL).faults]  # type: ignore[arg-type]


def test_calls_from_under_one_transformer_name_that_transformer() -> None:
    answer = predict(TOWN, Evidence(calls={3: 3, 4: 2}), MODEL)
    (fault,) = answer.faults
    assert (fault.place, fault.customers, fault.calls, fault.explains) == (2, 20, 5, (3, 4))
    assert fault.share_calling == 0.25
    assert fault.log_odds > 0
    assert answer.single_houses == ()


def test_one_call_among_many_silent_customers_is_that_house_alone() -> None:
    answer = predict(TOWN, Evidence(calls={3: 1}), MODEL)
    assert answer.faults == ()
    assert answer.single_houses == (3,)


def test_calls_from_under_both_transformers_name_the_feeder() -> None:
    assert places(calls={3: 2, 4: 3, 6: 2, 7: 2}) == [1]


def test_more_calls_make_an_explanation_surer() -> None:
    fewer, more = (predict(TOWN, Evidence(calls={3: n, 4: 1}), MODEL).faults[0] for n in (1, 2))
    assert fewer.log_odds < more.log_odds


def test_a_house_that_has_power_forbids_every_device_above_it() -> None:
    assert places(calls={3: 2, 4: 3, 6: 2, 7: 2}, lit={7}) == [2]


def test_a_device_reported_closed_is_not_blamed_but_one_above_it_may_be() -> None:
    assert places(calls={3: 3, 4: 3}) == [2]
    assert places(calls={3: 3, 4: 3}, closed={2}) == [1]


def test_a_device_that_a_crew_found_failed_needs_no_call() -> None:
    (fault,) = predict(TOWN, Evidence(failed={5}), MODEL).faults
    assert (fault.place, fault.found_by_crew, fault.log_odds) == (5, True, inf)


def test_what_a_crew_found_stays_a_fault_below_a_larger_one() -> None:
    assert places(calls={3: 4, 4: 5}, failed={2}) == [2]
    assert places(calls={3: 4, 4: 5, 6: 3, 7: 2}, failed={2}) == [1, 2]


def test_a_meter_that_gasps_says_more_than_a_caller_and_one_that_does_not_speaks_against() -> None:
    metered = forest((-1, False, 0), (0, True, 10), meters=[0, 10])
    assert places(metered, gasps={1: 9}) == [1]
    assert places(metered, gasps={1: 2}) == []
    assert places(forest((-1, False, 0), (0, True, 10)), calls={1: 3}) == [1]
    assert places(metered, calls={1: 3}) == []


def test_the_call_rate_is_taken_from_the_calls() -> None:
    town = make_network(3, nodes=4_000)
    for call_rate in (0.1, 0.5):
        storm = make_storm(town, 5, faults=6, houses=2, call_rate=call_rate)
        assert predict(town, Evidence(calls=storm.calls)).call_rate == call_rate


def test_kinds_that_fail_more_often_are_blamed_first() -> None:
    row = [(-1, False, 0), (0, True, 0), (1, True, 20)]
    rates = Model(breaker=0.001, fuse=0.01, call_rates=(RATE,))
    for kinds, blamed in (([0, DeviceKind.FUSE, DeviceKind.BREAKER], 1), ([0, DeviceKind.BREAKER, DeviceKind.FUSE], 2)):
        (fault,) = predict(forest(*row, kind=kinds), Evidence(calls={2: 6}), rates).faults
        assert fault.place == blamed
        assert fault.log_odds == pytest.approx(log(0.01 / 0.99) - log(0.001 / 0.999))


def test_the_upper_of_two_devices_alike_is_named_with_even_odds() -> None:
    (fault,) = predict(forest((-1, False, 0), (0, True, 0), (1, True, 20)), Evidence(calls={2: 6}), MODEL).faults
    assert (fault.place, fault.log_odds) == (1, 0)


def test_evidence_that_cannot_be_used_is_set_aside_with_the_reason_and_the_rest_counts() -> None:
    answer = predict(
        TOWN,
        Evidence(
            calls={3: 3, 4: 3, NOT_FED: 1, 99: 1, -7: 2, 0: 1, 6: 0},
            gasps={3: 1},
            lit={6, 4},
            closed={3, 2},
            failed={2},
        ),
        MODEL,
    )
    assert [fault.place for fault in answer.faults] == [2]
    assert set(answer.set_aside) == {
        SetAside(-7, "calls", Reason.UNKNOWN_NODE),
        SetAside(99, "calls", Reason.UNKNOWN_NODE),
        SetAside(NOT_FED, "calls", Reason.NOT_FED),
        SetAside(0, "calls", Reason.TOO_MANY),
        SetAside(3, "gasps", Reason.TOO_MANY),
        SetAside(4, "lit", Reason.CREW_FOUND_FAILED),
        SetAside(3, "closed", Reason.NO_DEVICE),
        SetAside(2, "closed", Reason.CREW_FOUND_FAILED),
    }


def test_more_callers_than_customers_count_as_all_of_them() -> None:
    answer = predict(TOWN, Evidence(calls={3: 11, 4: 10}), MODEL)
    assert answer.faults[0].calls == 20
    assert answer.set_aside == (SetAside(3, "calls", Reason.TOO_MANY),)


def test_no_evidence_and_no_network_name_nothing() -> None:
    assert places() == []
    nothing = Forest(np.array([], np.int64), np.array([], np.bool_), np.array([], np.int64))
    assert predict(nothing, Evidence(calls={0: 1})).set_aside == (SetAside(0, "calls", Reason.UNKNOWN_NODE),)


@pytest.mark.parametrize(
    "nodes",
    [
        [(0, False, 1)],
        [(-2, False, 1)],
        [(-1, False, 0), (0, False, 0), (0, False, 0), (1, False, 0)],
        [(-1, False, -1)],
    ],
)
def test_a_forest_out_of_order_is_refused(nodes: list[tuple[int, bool, int]]) -> None:
    with pytest.raises(ValueError, match="must"):
        forest(*nodes)


@pytest.mark.parametrize("wrong", [{"fuse": 0.5}, {"house_rate": 0.3}, {"call_rates": ()}, {"gasp_rate": 1.0}])
def test_rates_that_would_make_the_search_inexact_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="rate"):
        Model(**wrong)  # type: ignore[arg-type]


def test_each_assumption_says_where_it_comes_from_and_how_sure_it_is() -> None:
    for _default, source, confidence in Model.assumptions().values():
        assert source
        assert confidence in "ABCD"


@st.composite
def towns(draw: st.DrawFn) -> tuple[Forest, Evidence]:
    """Small forests with up to seven devices, and evidence of every sort that does not contradict itself."""
    n = draw(st.integers(1, 9))
    parent: list[int] = []
    for place in range(n):
        line = [place - 1]
        while line[-1] >= 0:
            line.append(parent[line[-1]])
        parent.append(draw(st.sampled_from(sorted(set(line)))))
    device = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    customers = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    meters = [draw(st.integers(0, count)) for count in customers]
    kind = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    town = forest(*zip(parent, device, customers, strict=True), kind=kind, meters=meters)
    devices = [place for place in range(n) if device[place]]
    some = st.lists(st.sampled_from(devices), max_size=2, unique=True) if devices else st.just([])
    failed = draw(some)
    dark = {place for top in failed for place in range(top, town.end[top])}
    return town, Evidence(
        calls={place: draw(st.integers(0, count)) for place, count in enumerate(customers) if count},
        gasps={place: draw(st.integers(0, count)) for place, count in enumerate(meters) if count},
        lit=set(draw(st.lists(st.integers(0, n - 1), max_size=2))) - dark,
        closed=set(draw(some)) - set(failed),
        failed=failed,
    )


RATES = Model(0.01, 0.02, 0.2, 0.05, call_rates=(RATE,), house_rate=0.01)


def log_probability(town: Forest, known: Evidence, failed: set[int]) -> float:
    """The formula of `app.outages.predict`, term by term; −inf where a rule forbids the set."""
    total = 0.0
    for place, rate in enumerate(RATES.failure_rates()[kind] for kind in town.kind if town.kind is not None):  # type: ignore[union-attr]
        if town.device[place]:
            total += log(rate if place in failed else 1 - rate)
        line, at = set(), place
        while at >= 0:
            line.add(at)
            at = town.above[at]
        calls, gasps = known.calls.get(place, 0), known.gasps.get(place, 0)
        customers, meters, h = int(town.customers[place]), int(town.meters[place]), RATES.house_rate  # type: ignore[index]
        if line & failed:
            total += calls * log(RATE) + (customers - calls) * log(1 - RATE)
            total += gasps * log(RATES.gasp_rate) + (meters - gasps) * log(1 - RATES.gasp_rate)
            total = -inf if place in known.lit else total
        else:
            total += max(calls, gasps) * log(h) + (customers - max(calls, gasps)) * log(1 - h)
    return total if set(known.failed) <= failed and not failed & set(known.closed) else -inf


@settings(max_examples=120, deadline=None)
@given(towns())
def test_no_other_set_of_devices_is_more_probable(given_town: tuple[Forest, Evidence]) -> None:
    town, known = given_town
    devices = np.flatnonzero(town.device).tolist()
    subsets = [set(one) for one in chain.from_iterable(combinations(devices, k) for k in range(len(devices) + 1))]
    all_of_them = [(log_probability(town, known, one), one) for one in subsets]
    greatest = max(value for value, _ in all_of_them)

    answer = predict(town, known, RATES)

    assert answer.set_aside == ()
    assert log_probability(town, known, {fault.place for fault in answer.faults}) == pytest.approx(greatest)
    for fault in answer.faults:
        without = max((value for value, one in all_of_them if fault.place not in one), default=-inf)
        assert fault.log_odds == (inf if fault.found_by_crew else pytest.approx(greatest - without))


def test_the_same_calls_in_another_order_give_the_same_answer() -> None:
    town = make_network(7, nodes=5_000)
    calls = make_storm(town, 1, faults=8, houses=5, call_rate=0.25).calls
    backwards = dict(reversed(calls.items()))
    assert predict(town, Evidence(calls=calls)) == predict(town, Evidence(calls=backwards))


def test_in_a_storm_with_few_calls_silence_tells_more_than_the_share_of_calls() -> None:
    town = make_network(11, nodes=12_000)
    storm = make_storm(town, 2, faults=12, houses=10, call_rate=0.1)
    ours = score(town, storm.failed, [fault.place for fault in predict(town, Evidence(calls=storm.calls)).faults])
    rule = score(town, storm.failed, by_share(town, storm.calls))
    assert ours.both > 2 * rule.both
    assert ours.both >= 0.97 * ours.said
