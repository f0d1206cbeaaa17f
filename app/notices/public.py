"""The page of outages that anybody may read: no login, no script, no personal data."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, render_template, request

from app.kernel.web import runtime
from app.notices.bulletin import FEWEST, bulletins

pages = Blueprint("public", __name__, template_folder="templates")

FRESH_S = 60
HEADERS = {
    "Cache-Control": f"public, max-age={FRESH_S}",
    "Vary": "Accept-Language",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
LANGUAGES = ("zh-CN", "en")

WORDS: dict[str, dict[str, str]] = {
    "zh-CN": {
        "title": "停电停气公告", "none": "目前没有已确认的停电、停气。", "power": "停电", "gas": "停气",
        "planned": "计划", "fault": "故障", "since": "开始", "expected": "预计恢复", "unknown": "尚未确定",
        "over": "已全部恢复", "updated": "更新于", "page": "本页生成于", "number": "事件号", "areas": "影响范围",
        "remaining": "仍停 {n} 户", "few": "仍停不足 {n} 户", "back": "已恢复", "other": "English",
        "synthetic": "演示数据，均为虚构", "emergency": "遇断线或燃气泄漏，请远离并立即来电。",
        "note": "户数按片区公布；不足 {n} 户的片区并入街道，不公布具体地址。刷新页面查看最新情况。",
    },
    "en": {
        "title": "Outages", "none": "No confirmed outage at present.", "power": "No electricity", "gas": "No gas",
        "planned": "planned", "fault": "fault", "since": "Since", "expected": "Expected back",
        "unknown": "not known yet", "over": "everybody has supply again", "updated": "Updated", "page": "Page made",
        "number": "Outage", "areas": "Where", "remaining": "{n} customers without supply",
        "few": "fewer than {n} customers without supply", "back": "supply is back", "other": "中文",
        "synthetic": "demonstration: all of it invented",
        "emergency": "Keep away from fallen lines and from gas, and call at once.",
        "note": "Customers are counted by area; areas with fewer than {n} are told with their sub-district, and no "
        "address is given. Reload the page for the latest.",
    },
}  # fmt: skip


@pages.get("/outages")
def show_outages() -> Response:
    """The bulletin in the language asked for, or the browser's"""
    language = request.args.get("lang") or request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
    if language not in LANGUAGES:
        abort(404)
    code = request.args.get("branch")
    with runtime().unit_of_work() as uow:
        found, now = bulletins(uow, code=code), uow.now
    if code is not None and not found:
        abort(404)
    other = LANGUAGES[language == LANGUAGES[0]]
    shown = {"bulletins": found, "now": now, "branch": code, "fewest": FEWEST, "clock": _clock}
    body = render_template("outages.html", w=WORDS[language], lang=language, other=other, name=_name(language), **shown)
    return Response(body, headers=HEADERS, content_type="text/html; charset=utf-8")


@pages.get("/outages/style.css")
def style() -> Response:
    """The page's style"""
    return Response(STYLE, headers={**HEADERS, "Cache-Control": "public, max-age=3600"}, content_type="text/css")


def _clock(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def _name(language: str) -> Any:
    return lambda thing: thing.name_en if language == "en" else thing.name_zh


STYLE = """
:root { color-scheme: light dark; }
body { max-width: 760px; margin: 0 auto; padding: 16px; font: 17px/1.6 system-ui, "Noto Sans SC", sans-serif;
  background: #fff; color: #16222c; }
header { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: baseline; justify-content: space-between; }
h1 { margin: 0; font-size: 26px; }
h2 { margin: 24px 0 8px; font-size: 20px; }
a { display: inline-block; padding: 10px 0; color: #0b5a74; }
article { margin: 12px 0; padding: 12px 16px; border: 1px solid #9fb2bf; border-left: 6px solid #b3261e;
  border-radius: 6px; }
article.over { border-left-color: #1b6e3c; }
h3 { margin: 0 0 6px; font-size: 18px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 0; }
dt { color: #43525d; }
dd { margin: 0; }
ul { margin: 0; padding-left: 18px; }
.quiet { color: #43525d; font-size: 15px; }
.invented { padding: 2px 8px; border: 1px solid #7a5a00; border-radius: 4px; color: #7a5a00; font-size: 15px; }
@media (prefers-color-scheme: dark) {
  body { background: #10171d; color: #eef3f6; }
  a { color: #8fd3ea; }
  dt, .quiet { color: #b9c6cf; }
  .invented { border-color: #e5c25c; color: #e5c25c; }
}
"""
