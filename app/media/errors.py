"""What the media room refuses."""

from __future__ import annotations

from app.kernel.problems import Invalid, NotFound, Problem


class FileNotHere(NotFound):
    """The file has not arrived yet."""

    title_zh = "文件尚未上传完成"


class StoreAway(Problem):
    """The file store does not answer; try again."""

    status = 503
    title_zh = "文件存储暂时无法访问，请稍后重试"


class FileTypeNotAllowed(Invalid):
    """Files of this type are not accepted here."""

    title_zh = "不接受此类型的文件"


class FileTooLarge(Invalid):
    """The file is larger than a photo may be."""

    title_zh = "文件超过允许的大小"


class SignatureWithoutName(Invalid):
    """A signature needs the signer's name."""

    title_zh = "签名必须填写签名人姓名"
