"""Why no broker lets us in. The client tries for ever, and says only that it took too long; this asks, and hears."""

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
_PATIENCE: Final = 3000
"""Milliseconds for each attempt."""
_ATTEMPTS: Final = 6
_PAUSE: Final = 0.25
"""Seconds between two attempts."""


async def raise_refusal(manager: Any) -> None:
    """Raises one of REFUSALS if that is why; to be awaited in the client's own loop."""
    ended = 0
    for _ in range(_ATTEMPTS):
        for broker in manager.cluster.bootstrap_brokers():
            manager.reset_backoff(broker.node_id)
            with suppress(errors.NodeNotReadyError):
                ended += await _is_ended(manager, broker.node_id)
        if not ended:
            return
        await manager._net.sleep(_PAUSE)  # noqa: SLF001 - the loop that all of this runs in
    if ended >= _ATTEMPTS and manager.config["sasl_mechanism"]:
        # The client notices the end of the connection before it reads the reason, four times of five.
        raise errors.SaslAuthenticationFailedError("brokers end every connection that authenticates")


async def _is_ended(manager: Any, node: str) -> bool:
    """Whether a broker spoke with us and then ended the connection without a reason. Raises one of REFUSALS."""
    connection = manager.get_connection(node, timeout_ms=_PATIENCE, refresh_metadata_on_err=False)
    try:
        await connection
    except REFUSALS:
        raise
    except errors.KafkaError as error:
        if "CERTIFICATE" in str(error).upper():
            raise errors.AuthorizationError(f"TLS: {error}") from None
        return connection.broker_version_data is not None
    finally:
        connection.close()
    return False
