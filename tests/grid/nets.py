"""Small random networks, and the slow, plain answers that the quick ones are held against."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import numpy as np
from hypothesis import strategies as st

from app.grid.rules.wiring import Wiring, ids_of


@st.composite
def nets(draw: st.DrawFn, most_nodes: int = 9, most_links: int = 14) -> Wiring:
    """Islands, loops, parallel links and links from a node to itself; some devices, some of them stuck or open."""
    n = draw(st.integers(1, most_nodes))
    node = st.integers(0, n - 1)
    flags = st.tuples(st.booleans(), st.booleans(), st.sampled_from([True, True, False]))
    links = draw(st.lists(st.tuples(node, node, flags), max_size=most_links))
    sources = draw(st.sets(node, max_size=2))
    return net(n, [(a, b, device, carries or not device, usable) for a, b, (device, carries, usable) in links], sources)


def net(n: int, links: list[tuple[int, int, bool, bool, bool]], sources: Iterable[int]) -> Wiring:
    """A network of links (from, to, device, carries, usable); a node's number is its count of customers, plus one."""
    start, end, device, carries, usable = zip(*links, strict=True) if links else ((), (), (), (), ())
    fed = np.zeros(n, dtype=np.bool_)
    fed[list(sources)] = True
    return Wiring(
        node_ids=ids_of([UUID(int=k) for k in range(n)]),
        link_ids=ids_of([UUID(int=k) for k in range(len(links))]),
        source=fed,
        protects=np.zeros(n, dtype=np.bool_),
        customers=np.arange(1, n + 1),
        start=np.array(start, dtype=np.int64),
        end=np.array(end, dtype=np.int64),
        carries=np.array(carries, dtype=np.bool_),
        device=np.array(device, dtype=np.bool_),
        usable=np.array(usable, dtype=np.bool_),
    )


def line(n: int, *, devices: Iterable[int] = (), open_: Iterable[int] = (), stuck: Iterable[int] = ()) -> Wiring:
    """A chain 0 - 1 - … fed at 0; link k joins k and k + 1."""
    devices, open_, stuck = set(devices), set(open_), set(stuck)
    return net(n, [(k, k + 1, k in devices, k not in open_, k not in stuck) for k in range(n - 1)], [0])


def flood(wiring: Wiring, starts: Iterable[int], carrying: np.ndarray) -> set[int]:
    """Everything reached from these nodes over these links, one step at a time."""
    found, waiting = set(starts), list(starts)
    while waiting:
        here = waiting.pop()
        for a, b, carries in zip(wiring.start.tolist(), wiring.end.tolist(), carrying.tolist(), strict=True):
            for one, other in ((a, b), (b, a)):
                if carries and one == here and other not in found:
                    found.add(other)
                    waiting.append(other)
    return found


def fed(wiring: Wiring, without: Iterable[int] = ()) -> set[int]:
    """The nodes that a source reaches when these links carry nothing."""
    carrying = wiring.carries.copy()
    carrying[list(without)] = False
    return flood(wiring, np.flatnonzero(wiring.source).tolist(), carrying)
