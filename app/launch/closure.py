"""Which Debian packages a program needs, worked out from the text of `apt-cache depends`. Pure.

apt's own resolver is not asked: it plans for installing and gives up on a machine whose packages are half upgraded,
while here nothing is installed and only files are wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

DEPENDS = re.compile(r"^ (?P<more>[ |])(?:Pre)?Depends: <?(?P<name>[^>\s]+)>?$")
PROVIDER = re.compile(r"^    (?P<name>\S+)$")


@dataclass
class Choice:
    """One dependency: any of `alternatives` will do; a virtual package stands for its providers."""

    alternatives: list[str] = field(default_factory=list)


Graph = Mapping[str, list[Choice]]


def parse_depends(text: str) -> dict[str, list[Choice]]:
    """Read `apt-cache depends --recurse`: package names at the margin, their dependencies below.

    `" |Depends: a"` means that the next line is another way; names in angle brackets are virtual, and their providers
    follow, four spaces in.
    """
    graph: dict[str, list[Choice]] = {}
    choices: list[Choice] = []
    open_choice = False
    for line in text.splitlines():
        if depends := DEPENDS.match(line):
            if not open_choice:
                choices.append(Choice())
            choices[-1].alternatives.append(bare(depends["name"]))
            open_choice = depends["more"] == "|"
        elif (provider := PROVIDER.match(line)) and choices:
            choices[-1].alternatives.append(bare(provider["name"]))
        elif line and not line.startswith(" "):
            # A virtual package has a line of its own, too, but nothing that could be fetched.
            choices = [] if line.startswith("<") else graph.setdefault(bare(line.strip()), [])
            open_choice = False
    return graph


def bare(name: str) -> str:
    """A package name without its architecture."""
    return name.partition(":")[0]


def closure(graph: Graph, wanted: Iterable[str], *, installed: Set[str], skip: re.Pattern[str]) -> list[str]:
    """The packages to fetch for `wanted`, in the order met.

    `wanted` themselves are fetched even when installed, so that all programs come from one place. Below them, a
    dependency that is installed, or that `skip` matches, is taken as met; else its first real alternative is fetched.
    """
    needed: dict[str, None] = {}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop(0)
        if name in needed or skip.match(name):
            continue
        needed[name] = None
        for choice in graph.get(name, []):
            waiting += missing(graph, choice, installed, skip)
    return list(needed)


def missing(graph: Graph, choice: Choice, installed: Set[str], skip: re.Pattern[str]) -> list[str]:
    """What to fetch for one dependency: nothing where it is met, else the first alternative that is a real package."""
    if any(name in installed or skip.match(name) for name in choice.alternatives):
        return []
    real = [name for name in choice.alternatives if name in graph]
    return real[:1]
