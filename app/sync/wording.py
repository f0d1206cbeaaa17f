"""The engine's refusals as problems of the house: same members, words in both languages."""

from __future__ import annotations

from typing import Any

from app.kernel.problem_json import language
from app.kernel.problems import FieldError, error_json
from mobile_sync.protocol import SyncProblem

TITLES: dict[str, tuple[str, str]] = {
    "beyond_length": ("上传的字节数超过声明的长度", "More bytes came than the upload was declared with"),
    "broken_seal": (
        "密封包已损坏、被改动，或不是该平板所封",
        "The bundle is damaged or was changed, or is not of the tablet it names",
    ),
    "bundle_epoch": (
        "服务器数据库在封存之后恢复过：请让该平板自行同步，或停用后再次上交",
        "The server was restored after this was sealed: let the tablet sync by itself, or revoke it and deliver again",
    ),
    "bundle_format": ("密封包格式版本过新", "The bundle is of a format that is not known here"),
    "bundle_gap": (
        "缺少更早的操作：请先上交该平板较早的密封包",
        "Earlier ops are missing: deliver the tablet's earlier bundle first",
    ),
    "bundle_truncated": ("密封包不完整，请重新复制", "The bundle ends too early; copy it once more"),
    "checksum_mismatch": ("分块校验和不符", "The chunk's checksum is wrong"),
    "device_revoked": (
        "此平板已被停用，仅可上交未同步的记录",
        "The tablet was signed out; it may still deliver what it holds",
    ),
    "file_too_large": ("文件超过允许的大小", "The file is larger than allowed"),
    "foreign_server": ("密封包属于另一台服务器", "The bundle is sealed to another server"),
    "hash_mismatch": ("文件内容与声明的 SHA-256 不符", "The file's content is not what its SHA-256 says"),
    "ledger_incomplete": ("同步台账不完整，请联系管理员", "The ledger of this tablet has a hole"),
    "malformed": ("请求内容不符合要求", "The request does not fit"),
    "malformed_op": ("操作缺少可读的编号", "An op has no readable number"),
    "duplicate_op_no": ("同一批次中操作编号重复", "Two ops of the batch have the same number"),
    "not_a_bundle": ("这不是平板的密封包", "This is no sealed bundle of a tablet"),
    "not_a_chunk": ("分块必须为 application/offset+octet-stream", "A chunk is application/offset+octet-stream"),
    "not_json": ("请求体不是有效的 JSON", "The body is not JSON"),
    "offset_mismatch": ("上传位置不符，请从服务器的位置继续", "The server has another offset; go on from there"),
    "storage_full": ("服务器存储空间不足", "The server's storage is full"),
    "store_unavailable": ("文件存储暂时无法访问，请稍后重试", "The file store does not answer; try again"),
    "too_deep": ("JSON 嵌套过深", "The JSON is nested too deeply"),
    "too_large": ("请求体过大", "The body is too large"),
    "too_many_ops": ("一个批次的操作过多", "Too many ops in one batch"),
    "try_again": ("系统繁忙，请稍后重试", "The database gave up; try again"),
    "tus_version": ("不支持的 tus 协议版本", "Another version of tus is spoken here"),
    "unknown_blob": ("文件不存在，或您无权查看", "There is no such file, or it is not yours to see"),
    "unknown_origin": ("密封包来自未知的平板", "The bundle is of a tablet that is not known here"),
    "unknown_upload": ("上传不存在，或不属于此平板", "There is no such upload, or it is another tablet's"),
    "unsupported_file": ("不接受此类型的文件", "Files of this type are not accepted"),
    "upload_expired": ("上传已过期，请重新开始", "The upload has expired; begin again"),
    "upload_locked": ("另一个请求正在写入此文件", "Another request is writing this file"),
}
OTHERWISE = ("同步请求被拒绝", "The sync request was refused")


def problem_body(problem: SyncProblem) -> dict[str, Any]:
    """RFC 9457 members with `code`, `params` and `errors`."""
    zh, en = TITLES.get(problem.code, OTHERWISE)
    spoken = language()
    return {
        "type": f"urn:lamplighter:problem:{problem.code.replace('_', '-')}",
        "title": zh if spoken.startswith("zh") else en,
        "status": problem.status,
        "code": problem.code,
        "params": problem.params,
        "errors": [error_json(FieldError(error.field, error.reason), spoken) for error in problem.errors],
    }
