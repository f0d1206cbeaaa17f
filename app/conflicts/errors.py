"""What the room of conflicts refuses."""

from __future__ import annotations

from app.kernel.problems import Conflict, Invalid, PreconditionFailed


class ConflictSettled(Conflict):
    """Somebody has settled this already."""

    title_zh = "该冲突已由他人处理"


class MovedOn(PreconditionFailed):
    """Another value stands there than the decision was made on."""

    title_zh = "裁定之后数值又有变化，请重新查看"


class NoAlarm(Conflict):
    """No safety hangs on it: no alarm was raised that could be acknowledged."""

    title_zh = "该冲突不是安全报警，无需确认"


class TwoAnswers(Invalid):
    """Two conflicts of one field were to be settled with different values."""

    title_zh = "同一字段的两个冲突不能同时采用不同的值"


class CannotWrite(Conflict):
    """The record has gone, or its field is not the desk's to write: keep what the server holds."""

    title_zh = "记录已删除或该字段不能由后台写入，请保留系统中的值"


class UnknownPerson(Invalid):
    """There is no such person in the branch who could decide."""

    title_zh = "本单位没有可处理此冲突的这名人员"
