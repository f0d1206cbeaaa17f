"""What is said at each stage, in both languages, and when a failed notice is tried again. No database, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.network.models import Commodity
from app.notices.models import Stage

LOCALES = ("zh-CN", "en")
MOST_TRIES = 5
FIRST_PAUSE = timedelta(minutes=1)

SUPPLY = {
    "zh-CN": {Commodity.POWER: "供电", Commodity.GAS: "供气"},
    "en": {Commodity.POWER: "electricity", Commodity.GAS: "gas"},
}
WORDS = {
    "zh-CN": {
        Stage.KNOWN: "【{branch}】{address}：{begun}起{supply}中断，正在处理。{expected}事件号 {number}。",
        Stage.EXPECTED: "【{branch}】{address}：预计 {at} 恢复{supply}。事件号 {number}。",
        Stage.CHANGED: "【{branch}】{address}：恢复{supply}的预计时间改为 {at}，给您添麻烦了。事件号 {number}。",
        Stage.RESTORED: "【{branch}】{address}：{supply}已恢复。如您家仍未恢复，请来电。事件号 {number}。",
    },
    "en": {
        Stage.KNOWN: "[{branch}] {address}: no {supply} since {begun}; we are on it. {expected}Outage {number}.",
        Stage.EXPECTED: "[{branch}] {address}: {supply} is expected back at {at}. Outage {number}.",
        Stage.CHANGED: "[{branch}] {address}: we now expect {supply} back at {at}. We are sorry. Outage {number}.",
        Stage.RESTORED: "[{branch}] {address}: {supply} is back. Please call if yours is not. Outage {number}.",
    },
}
EXPECTED = {"zh-CN": "预计 {at} 恢复。", "en": "It is expected back at {at}. "}


@dataclass(frozen=True)
class Facts:
    """What a notice speaks of. `expected_at`: None while nobody has said."""

    branch: str
    number: str
    address: str
    commodity: Commodity
    begun_at: datetime
    expected_at: datetime | None
    zone: str


def say(stage: Stage, locale: str, facts: Facts) -> str:
    """The words of a notice; a language that is not ours is told in Chinese."""
    language = locale if locale in LOCALES else LOCALES[0]
    expected = _clock(facts.expected_at, facts) if facts.expected_at else ""
    return WORDS[language][stage].format(
        branch=facts.branch,
        address=facts.address,
        number=facts.number,
        supply=SUPPLY[language][facts.commodity],
        begun=_clock(facts.begun_at, facts),
        at=expected or "…",  # in a preview before anybody has said
        expected=EXPECTED[language].format(at=expected) if expected else "",
    )


def _clock(at: datetime, facts: Facts) -> str:
    return at.astimezone(ZoneInfo(facts.zone)).strftime("%m-%d %H:%M")


def pause_after(tries: int) -> timedelta | None:
    """How long to wait after so many failed tries; None: it is given up."""
    return None if tries >= MOST_TRIES else FIRST_PAUSE * 2 ** (tries - 1)
