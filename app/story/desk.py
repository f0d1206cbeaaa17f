"""A person at a desk, over HTTP: signs in with a cookie, reads, writes with a key of its own each."""

from __future__ import annotations

from typing import Any, cast

import requests

from app.kernel.ids import new_id

TIMEOUT_S = 15


class Refused(Exception):
    """The product answered with a problem; `code` is its stable name."""

    def __init__(self, answer: requests.Response) -> None:
        is_problem = answer.headers.get("Content-Type", "").startswith("application/problem+json")
        self.problem: dict[str, Any] = answer.json() if is_problem else {}
        self.status = answer.status_code
        self.code = str(self.problem.get("code", "not-a-problem"))
        super().__init__(
            f"{answer.request.method} {answer.url}: {answer.status_code} {self.problem or answer.text[:300]}"
        )


class Desk:
    """One signed-in browser's worth of HTTP."""

    def __init__(self, origin: str, login: str, password: str) -> None:
        self.origin = origin
        self.http = requests.Session()
        self.http.headers["Accept-Language"] = "zh-CN"
        self.me = self.post("/api/v1/session", {"login": login, "password": password})

    def get(self, path: str, **query: str) -> Any:
        """The JSON of a read."""
        return self._json(self.http.get(self.origin + path, params=query, timeout=TIMEOUT_S))

    def raw(self, path: str) -> bytes:
        """The bytes of a file."""
        answer = self.http.get(self.origin + path, timeout=TIMEOUT_S)
        if not answer.ok:
            raise Refused(answer)
        return answer.content

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A write under a fresh key."""
        headers = {"Idempotency-Key": str(new_id()), "Origin": self.origin}
        return self._json(self.http.post(self.origin + path, json=body or {}, headers=headers, timeout=TIMEOUT_S))

    def put(self, path: str, body: dict[str, Any]) -> Any:
        """What holds from now on, under a fresh key."""
        headers = {"Idempotency-Key": str(new_id()), "Origin": self.origin}
        return self._json(self.http.put(self.origin + path, json=body, headers=headers, timeout=TIMEOUT_S))

    def patch(self, path: str, body: dict[str, Any], *, rev: int) -> Any:
        """A change of what was read at this revision."""
        headers = {"Idempotency-Key": str(new_id()), "Origin": self.origin, "If-Match": f'"{rev}"'}
        return self._json(self.http.patch(self.origin + path, json=body, headers=headers, timeout=TIMEOUT_S))

    @staticmethod
    def _json(answer: requests.Response) -> Any:
        if not answer.ok:
            raise Refused(answer)
        return cast(Any, answer.json())
