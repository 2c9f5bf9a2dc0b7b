"""A connection to a syslog receiver, and each way in which there is none."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.delivery import SinkMisconfigured, SinkUnavailable
from consumers.sinks.syslog_link import Link
from consumers.sinks.tls_context import client_context
from tests.servers.certificate_authority import CertificateAuthority


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port on which somebody may answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_where_nobody_listens_it_is_tried_again(listener: socket.socket) -> None:
    """A receiver that is down is no mistake of anybody's."""
    address = listener.getsockname()
    listener.close()
    with pytest.raises(SinkUnavailable, match=r"127\.0\.0\.1:\d+: Connection refused"):
        Link(address, None, 5)


def test_a_receiver_that_takes_nothing_is_not_taken_for_one_that_has_it(listener: socket.socket) -> None:
    """More than its kernel has room for, and less than ours: the end of the patience is an error, never `accepted`."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link = Link(listener.getsockname(), None, 0.5)
    link._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1_000_000)
    with pytest.raises(SinkUnavailable, match="does not take what was sent"):
        link.send(b"x" * 200_000)
    link.close()


def test_a_connection_that_the_receiver_closed_is_noticed_before_anything_is_sent(
    listener: socket.socket,
) -> None:
    """TCP would take the next bytes without a word."""
    link = Link(listener.getsockname(), None, 5)
    other, _ = listener.accept()
    link.send(b"first")
    assert other.recv(100) == b"first"
    assert link.is_open()
    other.close()
    with pytest.raises(SinkUnavailable, match="the receiver closed the connection"):
        link.send(b"second")
    assert not link.is_open()
    link.close()


def test_a_certificate_for_another_name_stops_the_line(tmp_path: Path) -> None:
    """The right authority, and a name that its certificate does not have."""
    authority = CertificateAuthority()
    key, certificate = authority.loopback_server()
    (tmp_path / "server.pem").write_bytes(key + certificate)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    with socket.create_server(("127.0.0.2", 0)) as listener:
        answering = threading.Thread(target=_shake_hands, args=(listener, context))
        answering.start()
        with pytest.raises(SinkMisconfigured, match="certificate is not accepted: IP address mismatch"):
            Link(listener.getsockname(), client_context(str(tmp_path / "ca.pem"), "", ""), 5)
        answering.join()


def test_a_receiver_without_tls_stops_the_line(listener: socket.socket) -> None:
    """What answers in the clear is not sent a record."""
    answering = threading.Thread(target=_answer_in_the_clear, args=(listener,))
    answering.start()
    with pytest.raises(SinkMisconfigured, match="TLS failed: "):
        Link(listener.getsockname(), client_context("", "", ""), 5)
    answering.join()


def test_a_handshake_that_is_cut_short_is_tried_again(listener: socket.socket) -> None:
    """A receiver that is just being restarted."""
    answering = threading.Thread(target=_hang_up, args=(listener,))
    answering.start()
    with pytest.raises(SinkUnavailable):
        Link(listener.getsockname(), client_context("", "", ""), 5)
    answering.join()


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (("missing.pem", "", ""), "ca_file .*missing.pem cannot be used: No such file"),
        (("", "only.pem", ""), "certificate_file and key_file belong together"),
        (("", "garbage.pem", "missing.key"), "key_file .*missing.key cannot be read: No such file"),
        (("", "garbage.pem", "garbage.key"), "certificate_file .*garbage.pem and key_file"),
        (("", "garbage.pem", "open.key"), "others may read key_file .*open.key: run chmod 600"),
        (("garbage.pem", "", ""), "ca_file .*garbage.pem cannot be used"),
    ],
)
def test_files_that_cannot_be_used_are_refused_by_name(
    files: tuple[str, str, str], complaint: str, tmp_path: Path
) -> None:
    """Before anything is connected."""
    (tmp_path / "garbage.pem").write_text("no certificate")
    for name, mode in (("garbage.key", 0o600), ("open.key", 0o644)):
        (tmp_path / name).write_text("no key")
        (tmp_path / name).chmod(mode)
    with pytest.raises(SinkMisconfigured, match=complaint):
        client_context(*(name and str(tmp_path / name) for name in files))


def _shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    with connection, pytest.raises(OSError, match=r"."):
        context.wrap_socket(connection, server_side=True)


def _hang_up(listener: socket.socket) -> None:
    listener.accept()[0].close()


def _answer_in_the_clear(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(100)
        connection.sendall(b"220 no TLS here\r\n")
