"""Why an op was refused or waits, in the reader's language: the house's own titles, and the engine's codes."""

from __future__ import annotations

from functools import cache

from app.kernel.problems import Problem, every_problem

ENGINE: dict[str, tuple[str, str]] = {
    "malformed": ("格式无法识别", "Malformed"),
    "unknown_entity": ("系统没有这类记录", "There is no such kind of record"),
    "unknown_schema": ("数据格式版本未知", "Its data shape is not known"),
    "not_upcast": ("旧格式无法转换为现在的格式", "It cannot be said in today's data shape"),
    "out_of_scope": ("记录当时不属于该平板的班组", "The record was not the tablet's crew's at that time"),
    "device_revoked": ("平板已停用", "The tablet was signed out"),
    "failed": ("系统处理时出错", "The system failed on it"),
    "record_waits": ("等候同一记录的前一条", "Waits for an earlier one of the same record"),
    "group_waits": ("等候同组的另一条", "Waits for another of its group"),
    "dependency_waits": ("等候它所依赖的一条", "Waits for one it depends on"),
    "dependency_rejected": ("它所依赖的一条被拒绝", "One it depends on was refused"),
    "group_rejected": ("同组的另一条被拒绝", "Another of its group was refused"),
    "unknown_record": ("系统没有这条记录", "There is no such record"),
    "unknown_field": ("系统没有这个字段", "There is no such field"),
    "deleted": ("记录已删除", "The record was deleted"),
    "not_applied": ("中心决定不采用", "The centre decided not to apply it"),
}


@cache
def _house() -> dict[str, type[Problem]]:
    return {problem.code(): problem for problem in every_problem()}


def title_of(code: str, language: str) -> str:
    """One sentence for a code of the engine or of the house; the code itself where nobody knows it."""
    if code in ENGINE:
        return ENGINE[code][0 if language.startswith("zh") else 1]
    known = _house().get(code.replace("_", "-"))
    return code if known is None else known.title(language)
