"""Very many connections at once, of which nobody looks at each packet."""

import resource
import socket

from . import packets
from .cases import unique


def raise_descriptor_limit():
    """Returns how many descriptors this process may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def dial_many(port, count):
    """Sockets that say nothing."""
    raise_descriptor_limit()
    return [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(count)]


def connect_many(port, count, *then, **fields):
    """Sockets of clients that were accepted, each having sent the packets that follow CONNECT."""
    sockets = []
    for at in range(count):
        connect = packets.connect(unique(), version=4, **fields)
        sockets += dial_many(port, 1)
        sockets[-1].sendall(connect + b"".join(packet(at) for packet in then))
    for connection in sockets:
        assert receive_exactly(connection, 4) == bytes.fromhex("20 02 00 00")
    return sockets


def receive_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        assert more, f"closed after {data.hex(' ') or 'nothing'}"
        data += more
    return data


def close_all(sockets):
    for connection in sockets:
        connection.close()
