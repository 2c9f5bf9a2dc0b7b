"""The TLS of a client that believes nobody without proof."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path
from typing import Final

from consumers.delivery import SinkMisconfigured

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def client_context(ca_file: str, certificate_file: str, key_file: str) -> ssl.SSLContext:
    """Verifies chain and name, TLS 1.2 or newer. Raises SinkMisconfigured, naming the option.

    Empty names: the system's authorities, and no client certificate.
    """
    if bool(certificate_file) != bool(key_file):
        raise SinkMisconfigured("certificate_file and key_file belong together: set both or neither")
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # an SSLError is one
        raise SinkMisconfigured(f"ca_file {ca_file} cannot be used: {_reason(error)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate_file:
        _refuse_exposed(key_file)
        try:
            # A key with a pass phrase would otherwise ask the terminal for it.
            context.load_cert_chain(certificate_file, key_file, password="")
        except OSError as error:
            raise SinkMisconfigured(
                f"certificate_file {certificate_file} and key_file {key_file} cannot be used: {_reason(error)}"
            ) from None
    return context


def _refuse_exposed(key_file: str) -> None:
    try:
        status = Path(key_file).stat()
    except OSError as error:
        raise SinkMisconfigured(f"key_file {key_file} cannot be read: {error.strerror}") from None
    # An orchestrator mounts secrets as files of root that the group of the process may read.
    harmless = stat.S_IRGRP if status.st_uid == 0 else 0
    if status.st_mode & _OTHERS & ~harmless:
        raise SinkMisconfigured(f"others may read key_file {key_file}: run chmod 600 {key_file}")


def _reason(error: OSError) -> str:
    return error.strerror or error.__class__.__name__
