"""How a store fails. Each of these is an outage, never a decision: the caller answers 503."""

from __future__ import annotations


class StoreError(Exception):
    """The store could not do what was asked of it; nothing was recorded, unless a subclass says otherwise."""


class StoreBusy(StoreError):
    """Another connection holds the append lock."""


class StoreFull(StoreError):
    """There is no space left where the store lies. Nothing was recorded; it works again once there is space."""


class OutcomeUnknown(StoreError):
    """The commit failed in a way that leaves open whether the log knows the events. It must not be tried again."""
