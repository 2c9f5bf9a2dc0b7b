"""A copy in Elasticsearch or OpenSearch: searched by position, page by page; no point in time has to be kept."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import msgspec

from consumers.copied_records import Copied, Unreadable, copied_document
from consumers.delivery import SinkMisconfigured, SinkUnavailable
from consumers.sinks.credential import Secret
from consumers.sinks.http_receiver import Answer, HttpOptions, HttpReceiver

MOST: Final = 10_000
"""Documents that one answer has at most, unless somebody changed `index.max_result_window`."""
PAGE: Final = 500
"""Documents in one answer: fewer where these are too many bytes, for an answer has a limit of its own."""
FIELDS: Final = ("seq", "counterfoil.seq", "unmapped.counterfoil.seq")
"""Where the position stands in our own shape, in ECS and in OCSF; the index has mapped it as a number."""
Page = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """Where to look and as whom."""

    http: HttpOptions
    pattern: str
    """Index, data stream, alias or pattern: `counterfoil-audit-*`."""
    api_key: Secret | None = None
    username: str = ""
    password: Secret | None = None

    def headers(self) -> dict[str, str]:
        """Of every request. Raises SinkMisconfigured."""
        headers = {"Content-Type": "application/json"}
        if self.api_key is not None:
            headers["Authorization"] = f"ApiKey {self.api_key.read()}"
        elif self.password is not None:
            both = f"{self.username}:{self.password.read()}"
            headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
        return headers


class IndexCopy:
    """The events of an index, from one position on."""

    def __init__(self, index: Index) -> None:
        """Raises SinkMisconfigured."""
        self._index = index
        self._receiver = HttpReceiver(index.http)

    def records(self, first: int, last: int | None) -> Iterator[Copied | Unreadable]:
        """All documents of these positions, both included. Raises SinkUnavailable, SinkMisconfigured."""
        field = self._field()
        if field is None:
            return
        after, size, largest = first - 1, PAGE, MOST
        while True:
            page = self._page(field, after, last, size)
            if page is None:
                size, largest = size // 2, size - 1
                continue
            whole, after_whole = _whole_positions(page, size)
            for hit in whole:
                yield _record(hit)
            if len(page) < size:
                return
            if after_whole is None:
                # One position has more documents than a page: read on with more of them at once.
                size *= 2
                if size > largest:
                    raise SinkUnavailable(
                        f"position {page[0]['sort'][0]} has more documents than one answer can hold"
                    )
                continue
            after = after_whole

    def close(self) -> None:
        """End the connections."""
        self._receiver.close()

    def _field(self) -> str | None:
        """The field that some document has; `None` where there is none at all."""
        for field in FIELDS:
            if self._search({"size": 0, "track_total_hits": 1, "query": {"exists": {"field": field}}})[
                "hits"
            ]["total"]["value"]:
                return field
        return None

    def _page(self, field: str, after: int, last: int | None, size: int) -> Page | None:
        """Documents behind a position, by position; `None` if they are too many bytes for one answer."""
        within = {"gt": after} | ({} if last is None else {"lte": last})
        body = {
            "size": size,
            "track_total_hits": False,
            "sort": [{field: {"order": "asc", "unmapped_type": "long"}}],
            "query": {"range": {field: within}},
        }
        try:
            hits: Page = self._search(body)["hits"]["hits"]
        except SinkUnavailable as error:
            if "is larger than" not in str(error) or size == 1:
                raise
            return None
        return hits

    def _search(self, body: Mapping[str, Any]) -> dict[str, Any]:
        base = f"{self._receiver.base}/{quote(self._index.pattern, safe='*,-')}/_search"
        url = f"{base}?allow_no_indices=true&allow_partial_search_results=false"
        answer: Answer = self._receiver.post(url, msgspec.json.encode(body), self._index.headers())
        if answer.status != 200:
            raise SinkMisconfigured(f"the search was answered {answer.said}")
        try:
            found: dict[str, Any] = msgspec.json.decode(answer.body, type=dict[str, Any])
            if found.get("timed_out") or found["_shards"]["failed"]:
                raise SinkUnavailable("not every shard answered the search")
            found["hits"]["hits"]
        except (msgspec.DecodeError, KeyError, TypeError):
            raise SinkUnavailable("the answer is not that of a search") from None
        return found


def _whole_positions(page: Page, size: int) -> tuple[Page, int | None]:
    """The documents of which no more can follow at their position, and the last of these positions.

    Several documents of one position, in several indices perhaps, may stand on both sides of the end of a full page.
    """
    if len(page) < size:
        return page, None
    cut = page[-1]["sort"][0]
    whole = [hit for hit in page if hit["sort"][0] < cut]
    return whole, whole[-1]["sort"][0] if whole else None


def _record(hit: dict[str, Any]) -> Copied | Unreadable:
    return copied_document(hit.get("_source"), f"{hit.get('_index')}/{hit.get('_id')}")
