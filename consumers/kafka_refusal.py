"""Why no broker lets us in. The client tries for ever and says only that it took too long; this asks once, and hears."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from kafka import errors

REFUSALS: Final = (
    errors.SaslAuthenticationFailedError,
    errors.UnsupportedSaslMechanismError,
    errors.AuthorizationError,
)
"""What does not pass by waiting: wrong credentials, or rights that are missing."""
_PATIENCE: Final = 1000
"""Milliseconds for each broker and attempt."""
_ATTEMPTS: Final = 5
"""Often the end of the connection is noticed before the reason for it is read."""


class TlsRefused(errors.AuthorizationError):
    """One of the two did not accept the other's certificate."""


async def raise_refusal(manager: Any) -> None:
    """Raises one of REFUSALS if a broker that we begin with gives it as the reason; for use in the client's loop."""
    for _ in range(_ATTEMPTS):
        for broker in manager.cluster.bootstrap_brokers():
            manager.reset_backoff(broker.node_id)
            with suppress(errors.NodeNotReadyError):
                await _ask(manager, broker.node_id)


async def _ask(manager: Any, node: str) -> None:
    connection = manager.get_connection(node, timeout_ms=_PATIENCE, refresh_metadata_on_err=False)
    try:
        await connection
    except REFUSALS:
        raise
    except errors.KafkaError as error:
        if "CERTIFICATE" in str(error).upper():
            raise TlsRefused(str(error)) from None
    finally:
        connection.close()
