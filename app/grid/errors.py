"""What the grid refuses."""

from __future__ import annotations

from app.kernel.problems import Conflict, Invalid


class NotSwitchgear(Invalid):
    """A line or pipe cannot be switched."""

    title_zh = "线路或管道不能操作，只能操作开关或阀门"


class DeviceStuck(Conflict):
    """The device is marked as one that cannot be turned."""

    title_zh = "该设备标记为不可操作"


class AlreadySwitched(Conflict):
    """The device is in that state already."""

    title_zh = "该设备已处于此状态"


class FedFromTwoSides(Conflict):
    """Closing it would feed one piece from two sides; say `parallel` if that is meant."""

    title_zh = "合上后将形成两侧供电（合环）；如确需合环操作，请注明"


class SwitchedSince(Conflict):
    """The device was operated again since; undo that first."""

    title_zh = "该设备此后又被操作过，请先撤销后一次操作"


class NotJoined(Conflict):
    """No closed way leads from one to the other."""

    title_zh = "两点之间没有连通的线路"


class NotFed(Conflict):
    """No source reaches it as things are switched now."""

    title_zh = "当前运行方式下该处没有电源或气源"


class OtherNetwork(Invalid):
    """Both ends must be of one branch's network."""

    title_zh = "两端必须属于同一单位的同一网络"
