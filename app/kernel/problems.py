"""Everything that can be refused, as classes. No HTTP here beyond the status number (RFC 9457).

A problem's class name is its stable code, its docstring the English title, `title_zh` the Chinese one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldError:
    """One field that was refused. `field` is a dotted path, `reason` a stable code, `params` its figures."""

    field: str
    reason: str
    params: dict[str, Any] | None = None


class Problem(Exception):
    """Something was refused."""

    status: ClassVar[int] = 400
    title_zh: ClassVar[str] = "请求被拒绝"
    remembered: ClassVar[bool] = False
    """What was written before this refusal stays: a failed login counts, a replayed token ends its session."""

    def __init__(self, *errors: FieldError, **params: Any) -> None:
        self.errors = errors
        self.params = params
        super().__init__(type(self).__name__, params)

    @classmethod
    def code(cls) -> str:
        """Kebab-case class name: the last part of the problem's type."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def title(cls, language: str) -> str:
        """One sentence in `zh-CN` or `en`."""
        return cls.title_zh if language.startswith("zh") else (cls.__doc__ or cls.__name__).strip().split("\n")[0]

    def as_json(self, language: str = "zh-CN") -> dict[str, Any]:
        """The RFC 9457 members, plus `code`, `params` and `errors`."""
        body: dict[str, Any] = {
            "type": f"urn:lamplighter:problem:{self.code()}",
            "title": self.title(language),
            "status": self.status,
            "code": self.code(),
            "params": self.params,
        }
        if self.errors:
            body["errors"] = [error_json(error, language) for error in self.errors]
        return body


class Invalid(Problem):
    """The request does not fit."""

    status = 422
    title_zh = "请求内容不符合要求"


class NotFound(Problem):
    """There is no such thing, or it is not yours to see."""

    status = 404
    title_zh = "不存在，或您无权查看"


class Forbidden(Problem):
    """Your role does not allow this."""

    status = 403
    title_zh = "您的岗位无权执行此操作"


class Conflict(Problem):
    """The request does not fit the present state."""

    status = 409
    title_zh = "与当前状态冲突"


class Unauthenticated(Problem):
    """Sign in first."""

    status = 401
    title_zh = "请先登录"


class TokenExpired(Unauthenticated):
    """The access token has expired; refresh it."""

    title_zh = "访问令牌已过期，请刷新"


class DeviceRevoked(Forbidden):
    """The tablet was signed out by the office; it may still deliver what it holds."""

    title_zh = "此平板已被停用，仅可上交未同步的记录"


class PreconditionFailed(Problem):
    """Somebody changed it since you read it."""

    status = 412
    title_zh = "内容已被他人修改，请刷新后再试"


class PreconditionRequired(Problem):
    """If-Match with the revision you read is required."""

    status = 428
    title_zh = "缺少 If-Match 版本号"


class IdempotencyKeyMissing(Problem):
    """The header Idempotency-Key is required on writes."""

    status = 400
    title_zh = "写操作必须带 Idempotency-Key 请求头"


class IdempotencyKeyReused(Problem):
    """The Idempotency-Key was used for another request."""

    status = 422
    title_zh = "该 Idempotency-Key 已用于另一个请求"


class TooManyRequests(Problem):
    """Too many tries; wait before the next."""

    status = 429
    title_zh = "尝试次数过多，请稍后再试"


class MethodNotAllowed(Problem):
    """The address does not take this method."""

    status = 405
    title_zh = "此地址不支持该请求方法"


class TooLarge(Problem):
    """The request is larger than is taken here."""

    status = 413
    title_zh = "请求内容过大"


class NotJson(Problem):
    """The body is not JSON."""

    status = 400
    title_zh = "请求体不是有效的 JSON"


class ForeignOrigin(Problem):
    """The request came from another site."""

    status = 403
    title_zh = "请求来自其他网站，已拒绝"


class Unavailable(Problem):
    """A part of the system is not reachable; try again shortly."""

    status = 503
    title_zh = "系统暂时不可用，请稍后重试"


class InternalError(Problem):
    """Something broke on our side; it was noted under the request's number."""

    status = 500
    title_zh = "系统内部出错，已按请求编号记录"


REASONS: dict[str, tuple[str, str]] = {
    "required": ("必填", "is required"),
    "unknown_field": ("未知字段", "is not a known field"),
    "invalid": ("格式不正确", "is not valid"),
    "too_short": ("太短", "is too short"),
    "too_long": ("太长", "is too long"),
    "length": ("长度不符合要求", "is too short or too long"),
    "out_of_range": ("超出允许范围", "is out of range"),
    "not_found": ("不存在", "does not exist"),
    "outside_branch": ("坐标不在本单位供区内", "lies outside the branch's area"),
    "swapped": ("经纬度似乎写反了", "looks like latitude and longitude swapped"),
    "not_wgs84": ("坐标不是 WGS84 经纬度", "is not WGS 84 longitude and latitude"),
    "in_future": ("时间在未来", "lies in the future"),
    "in_past": ("时间已经过去", "lies in the past"),
    "not_after_start": ("必须晚于开始时间", "must be later than the start"),
    "must_be_true": ("必须确认", "must be confirmed"),
    "unstorable": ("含有无法保存的字符", "has characters that cannot be stored"),
    "guessable": ("太容易被猜到", "is too easy to guess"),
    "private_key": ("含有私钥，私钥不得离开平板", "carries the private key, which must not leave the tablet"),
    "not_p256": ("不是 P-256 公钥", "is not a P-256 public key"),
    "other_network": ("不属于同一网络", "is of another network"),
    "choice": ("不在可选范围内", "is not one of the choices"),
}


def error_json(error: FieldError, language: str) -> dict[str, Any]:
    """`{field, reason, message, params?}` with the message in the reader's language."""
    zh, en = REASONS.get(error.reason, (error.reason, error.reason))
    body: dict[str, Any] = {
        "field": error.field,
        "reason": error.reason,
        "message": zh if language.startswith("zh") else en,
    }
    if error.params:
        body["params"] = error.params
    return body


def every_problem() -> Iterator[type[Problem]]:
    """All problem classes known at this moment, for the documentation and its test."""
    pending = [Problem]
    while pending:
        known = pending.pop()
        yield known
        pending.extend(known.__subclasses__())
