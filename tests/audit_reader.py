"""A reader of the audit routes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from tests.service_under_test import ServiceUnderTest


def auditor(sut: ServiceUnderTest, scope: str = "audit:read") -> str:
    """A token of the client `security`."""
    return sut.first("security", "counterfoil", scope=scope)


def read(
    sut: ServiceUnderTest, token: str | None, route: str, /, accept: str = "application/json", **asked: Any
) -> httpx.Response:
    """What `/audit/<route>` says to that token."""
    headers = {"Accept": accept} | ({"Authorization": f"Bearer {token}"} if token is not None else {})
    return sut.http.get(f"/audit/{route}", params=asked, headers=headers)


def tail_ids(sut: ServiceUnderTest, token: str, after: int, most: int, **asked: Any) -> Iterator[int]:
    """The ids of at most so many events after a position; then the reader leaves."""
    headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": str(after)}
    with sut.http.stream("GET", "/audit/tail", params=asked, headers=headers) as response:
        assert response.status_code == 200, response.read()
        position, left = 0, most
        for line in response.iter_lines():
            if line.startswith("id:"):
                position = int(line[3:])
            elif line.startswith("data:"):
                yield position
                left -= 1
                if not left:
                    return
