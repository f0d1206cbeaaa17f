"""What identity refuses."""

from __future__ import annotations

from app.identity.models import DEVICE_KEY_KNOWN, LOGIN_TAKEN, ROLE_GRANTED, STAFF_NO_TAKEN
from app.kernel.problems import Conflict, Invalid, Problem, TooManyRequests, Unauthenticated


class WrongPassword(Unauthenticated):
    """Login or password is wrong."""

    title_zh = "账号或密码错误"
    remembered = True


class TooManyLogins(TooManyRequests):
    """Too many failed logins; wait before the next."""

    title_zh = "登录失败次数过多，请稍后再试"


class SignInAgain(Unauthenticated):
    """The login has ended; sign in again."""

    title_zh = "登录已失效，请重新登录"


class TokenReplayed(SignInAgain):
    """A refresh token was used twice; the login it belongs to was ended."""

    title_zh = "刷新令牌被重复使用，该登录已终止，请重新登录"
    remembered = True


class WrongSignature(Unauthenticated):
    """The request is not signed by this tablet's key."""

    title_zh = "设备签名无效"


class EnrolmentCodeRefused(Invalid):
    """The enrolment code is wrong, used or too old."""

    title_zh = "平板登记码错误、已使用或已过期"
    remembered = True


class DeviceKnown(Conflict):
    """The key already belongs to an enrolled tablet."""

    title_zh = "该密钥已登记在其他平板上"


class EraseNotOrdered(Conflict):
    """Nobody asked this tablet to erase itself."""

    title_zh = "没有要求此平板清除数据"


class WeakPassword(Invalid):
    """The password is too easy to guess."""

    title_zh = "密码过于简单"


class LoginTaken(Conflict):
    """Somebody else has this login."""

    title_zh = "该登录名已被使用"


class StaffNoTaken(Conflict):
    """Somebody else of the branch has this staff number."""

    title_zh = "该工号已被使用"


class RoleGranted(Conflict):
    """The person already has this role in the branch."""

    title_zh = "此人在该单位已有该岗位权限"


class TooManyGisKeys(Conflict):
    """You have as many GIS keys as one may have; revoke one first."""

    title_zh = "您的 GIS 密钥已达上限，请先停用一个"


class OwnAccount(Conflict):
    """Somebody else must take away your own rights."""

    title_zh = "不能停用自己的账号或撤销自己的管理员岗位"


CONSTRAINT_PROBLEMS: dict[str, type[Problem]] = {
    LOGIN_TAKEN: LoginTaken,
    STAFF_NO_TAKEN: StaffNoTaken,
    ROLE_GRANTED: RoleGranted,
    DEVICE_KEY_KNOWN: DeviceKnown,
}
