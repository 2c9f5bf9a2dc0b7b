"""Splunk's HTTP Event Collector as documented: what it says of events, and its acknowledgements of indexers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from tests.consumers.receivers.scripted import Reply, ScriptedReceiver, Seen


class FakeSplunk(ScriptedReceiver):
    """One token. What is before an invalid event in a request is taken, as Splunk does."""

    def __init__(self, token: str, *, acknowledges: bool = False, largest: int = 10_000_000) -> None:
        super().__init__(self._answer)
        self.events: list[dict[str, Any]] = []
        self.poison: set[str] = set()
        """Ids that it takes for invalid data."""
        self.polls_before_ack = 1
        """Questions that are answered with `false` first."""
        self.never: set[int] = set()
        """Acknowledgements that never come."""
        self.channels: set[str] = set()
        self._token, self._acknowledges, self._largest = token, acknowledges, largest
        self._polls: dict[int, int] = {}

    def ids(self) -> list[str]:
        """Of all events, in order of arrival."""
        return [event["fields"]["counterfoil_id"] for event in self.events]

    def _answer(self, seen: Seen) -> Reply:
        if seen.headers.get("authorization") != f"Splunk {self._token}":
            return _said(403, 4, "Invalid token")
        if seen.path == "/services/collector/ack":
            return self._acks(seen)
        if seen.path != "/services/collector/event":
            return Reply(status=404)
        if len(seen.body) > self._largest:
            return Reply(status=413, body=b"Content-Length too large")
        channel = seen.headers.get("x-splunk-request-channel", "")
        if self._acknowledges and not channel:
            return _said(400, 10, "Data channel is missing")
        return self._take(seen.body.decode(), channel)

    def _take(self, text: str, channel: str) -> Reply:
        decoder, place, number = json.JSONDecoder(), 0, 0
        while place < len(text):
            event, place = decoder.raw_decode(text, place)
            if event["fields"]["counterfoil_id"] in self.poison:
                return _said(400, 6, "Invalid data format", **{"invalid-event-number": number})
            self.events.append(event)
            number += 1
        if not self._acknowledges:
            return _said(200, 0, "Success")
        self.channels.add(channel)
        ack = len(self._polls)
        self._polls[ack] = 0
        return _said(200, 0, "Success", ackId=ack)

    def _acks(self, seen: Seen) -> Reply:
        if parse_qs(seen.query).get("channel", [""])[0] not in self.channels:
            return _said(400, 11, "Invalid data channel")
        answer = {}
        for ack in json.loads(seen.body)["acks"]:
            self._polls[ack] += 1
            answer[str(ack)] = ack not in self.never and self._polls[ack] > self.polls_before_ack
        return Reply(body=json.dumps({"acks": answer}).encode())


def _said(status: int, code: int, text: str, **more: Any) -> Reply:
    return Reply(status=status, body=json.dumps({"text": text, "code": code, **more}).encode())
