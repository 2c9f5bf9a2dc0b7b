"""Events as commands print them for programs: the same documents as over HTTP."""

from __future__ import annotations

from api.event_documents import event_document

__all__ = ["event_document"]
