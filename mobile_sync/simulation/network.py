"""The link between a tablet and the server: loses, doubles, delays, cuts and garbles what it carries."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from random import Random
from typing import Any
from uuid import UUID

from mobile_sync.lines import pages_of
from mobile_sync.link import HttpLink, Refused, checksum_header, read_answer
from mobile_sync.simulation.faults import Died, Fuse, Tally, Violation
from mobile_sync.simulation.house import Answer, Call, House
from mobile_sync.simulation.watch import Watch

FLIPPED = "bytes flipped"
FATES = (
    "request lost",
    "request late",
    "request doubled",
    "request cut",
    "answer lost",
    "answer cut",
    FLIPPED,
)
MOST_CALLS = 5_000  # many times what the longest sound run needs
_CHUNK = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


@dataclass
class Network:
    """Carries calls. `weather`: chance of each fate. `late`: copies of requests that will arrive some day."""

    house: House
    watch: Watch
    rng: Random
    tally: Tally
    weather: dict[str, float] = field(default_factory=dict)
    late: list[tuple[UUID, Call]] = field(default_factory=list)
    cut_off: set[UUID] = field(default_factory=set)
    carried: int = 0
    tell: Callable[[str], None] = lambda _line: None

    def carry(self, device_id: UUID, call: Call) -> Answer:
        """There and back, or not.

        Raises:
            ConnectionError: nothing came back, whatever happened over there.
        """
        self._admit(device_id, call)
        self._catch_up()
        fate = self._fate(call)
        if fate in ("request late", "request doubled"):
            self.late.append((device_id, call))
        if fate in ("request lost", "request late"):
            raise TimeoutError(fate)
        if fate in ("request cut", FLIPPED):
            call = self._damaged(call, fate)
        answer = self.delivered(device_id, call)
        if fate in ("request cut", "answer lost"):
            raise ConnectionResetError(fate)
        return self._cut(answer) if fate == "answer cut" else answer

    def _admit(self, device_id: UUID, call: Call) -> None:
        self.carried += 1
        if self.carried > MOST_CALLS:
            raise Violation("A3", f"{MOST_CALLS} calls and no end: {call.path} {call.body[:200]!r}")
        if device_id in self.cut_off:
            self.tally.faults["partition"] += 1
            raise ConnectionRefusedError("no coverage")

    def _fate(self, call: Call) -> str | None:
        for fate, chance in self.weather.items():
            if self.rng.random() < chance and (fate != FLIPPED or call.method == "PATCH"):
                self.tally.faults[fate] += 1
                return fate
        return None

    def _damaged(self, call: Call, fate: str) -> Call:
        if not call.body:
            return call
        at = self.rng.randrange(len(call.body))
        if fate == "request cut":
            return Call(call.method, call.path, call.body[:at], call.headers, promised=len(call.body))
        body = call.body[:at] + bytes([call.body[at] ^ 0x20]) + call.body[at + 1 :]
        return Call(call.method, call.path, body, call.headers)

    def _cut(self, answer: Answer) -> Answer:
        if not answer.body:
            raise ConnectionResetError("answer cut")
        self.tally.faults["stream cut"] += b"\n" in answer.body
        return Answer(answer.status, answer.body[: self.rng.randrange(len(answer.body))], answer.headers)

    def _catch_up(self) -> None:
        """Sometimes an old request overtakes a new one."""
        if self.late and self.rng.random() < 0.3:
            self.arrive_late()

    def arrive_late(self) -> None:
        """Any of the requests under way arrives; nobody waits for its answer."""
        if not self.late:
            return
        device_id, call = self.late.pop(self.rng.randrange(len(self.late)))
        self.tally.faults["arrived late"] += 1
        try:
            self.delivered(device_id, call)
        except ConnectionError:
            return

    def delivered(self, device_id: UUID, call: Call) -> Answer:
        """The server at work, under observation."""
        self.watch.asked(device_id, call)
        try:
            answer = self.house.handle(device_id, call)
        except Died as died:
            self.tell(f"  {device_id.hex[:4]} {call.method} {call.path} {_shown(call.body)} -> nothing: {died}")
            self.tally.faults["server died"] += 1
            raise ConnectionResetError(str(died)) from died
        told = f"{answer.status} {_shown(answer.body)}"
        self.tell(f"  {device_id.hex[:4]} {call.method} {call.path} {_shown(call.body)} -> {told}")
        self.watch.answered(device_id, call, answer)
        self.tally.faults["stream broken off"] += answer.broken
        return answer


def _shown(body: bytes) -> str:
    """The start of a body, for a trace."""
    return body[:600].decode(errors="replace")


@dataclass
class SimLink(HttpLink):
    """The client's own link over the network. `fuse`: the tablet may die before it asks and after it heard."""

    network: Network = field(kw_only=True)
    device_id: UUID = field(kw_only=True)
    fuse: Fuse = field(kw_only=True)
    careful: bool = True  # sends checksums with its pieces

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """As over HTTP, without compression."""
        return read_answer(self._send("POST", path, json.dumps(body).encode(), {})[0])

    def snapshot(self, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """As over HTTP, without compression; the tablet may die behind any line."""
        for page in pages_of([self._send("POST", "snapshot", json.dumps(body).encode(), {})[0]]):
            yield page
            self.fuse.burn("has staged a line")

    def send(self, url: str, at: int, piece: bytes) -> int:
        """With a checksum, or like a client that has none."""
        headers = {**_CHUNK, "Upload-Offset": str(at), **(checksum_header(piece) if self.careful else {})}
        return int(self._send("PATCH", url, piece, headers)[1]["Upload-Offset"])

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[bytes, Message]:
        self.fuse.burn(f"asks {path.partition('/')[0]}")
        answer = self.network.carry(self.device_id, Call(method, path, body or b"", headers))
        self.fuse.burn(f"has heard {path.partition('/')[0]}")
        if answer.status >= 400:
            raise Refused(answer.status, str(read_answer(answer.body).get("code", "")))
        told = Message()
        for name, value in answer.headers.items():
            told[name] = value
        return answer.body, told
