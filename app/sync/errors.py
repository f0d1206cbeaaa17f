"""What the sync door refuses beyond the rooms' own refusals. These stand in the results of single ops."""

from __future__ import annotations

from app.kernel.problems import Conflict, Forbidden, Invalid


class TabletMayNot(Forbidden):
    """A tablet may not do this to such a record."""

    title_zh = "平板不能对此类记录执行该操作"


class OneFileAnAttachment(Invalid):
    """An attachment declares exactly one file, in its own slot."""

    title_zh = "每个附件必须且只能声明一个文件"


class UnknownSlot(Invalid):
    """The job's form has no such slot."""

    title_zh = "该表单没有此拍照或签名位"


class NoCrew(Conflict):
    """You are in no crew at present."""

    title_zh = "您当前不在任何班组"


class NotATablet(Forbidden):
    """Only an enrolled tablet may sync."""

    title_zh = "仅已注册的平板可以同步"
