"""One connection to a broker, spoken in raw bytes. All that comes in is judged by rules.py."""

import contextlib
import itertools
import socket
import time
from collections import deque

from . import packets
from .packets import (CONNACK, DISCONNECT, NAMES, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC,
                      PUBREL, SUBACK, UNSUBACK)
from .rules import Rules

PATIENCE = 20.0  # seconds for what must come: only a failing test waits that long
QUIET = 0.25  # seconds for what must not come
PAUSE = 0.6  # seconds without a packet that end a collection


class Closed(AssertionError):
    """The connection ended where a packet was expected."""


class Silence(AssertionError):
    """Nothing came within the time given."""


class Peer:
    def __init__(self, port, version=5):
        self.version = version
        self.socket = self._reach(port)
        self.rules = Rules(version)
        self.connack = None
        self._bytes = bytearray()
        self._inbox = deque()  # packets that were read while waiting for another
        self._packet_ids = itertools.cycle(range(1, 65536))

    def _reach(self, port):
        """Returns what acts as a socket."""
        reached = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return reached

    # --- Bytes ------------------------------------------------------------------------------------

    def send(self, *parts):
        """Sends bytes, or hex digits, in one piece."""
        data = b"".join(bytes.fromhex(part) if isinstance(part, str) else part for part in parts)
        self.rules.sent(data)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)  # who expects the connection to last will notice on reading

    def receive(self, seconds=PATIENCE):
        """Returns the next packet."""
        return self._inbox.popleft() if self._inbox else self._read_packet(seconds)

    def _read_packet(self, seconds):
        deadline = time.monotonic() + seconds
        while not (found := packets.frame(self._bytes)) or len(self._bytes) < found[0]:
            self._read_bytes(deadline)
        raw = bytes(self._bytes[:found[0]])
        del self._bytes[:found[0]]
        got = packets.parse(raw, self.version)
        self.rules.received(got)
        return got

    def _read_bytes(self, deadline):
        try:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            data = self.socket.recv(1 << 20)
        except TimeoutError:
            raise Silence("no packet") from None
        except ConnectionResetError:
            data = b""
        finally:
            self.socket.settimeout(PATIENCE)
        if not data:
            left = bytes(self._bytes[:80]).hex(" ") or "nothing"
            raise Closed(f"closed, with {left} left over")
        self._bytes += data

    # --- Expecting --------------------------------------------------------------------------------

    def expect(self, wanted):
        """The next packet is of this type, or has exactly these bytes. Returns it."""
        got = self.receive()
        if isinstance(wanted, bytes):
            assert got.raw == wanted, f"{got}, wanted {wanted[:80].hex(' ')}"
        else:
            assert got.type == wanted, f"{got}, wanted {NAMES[wanted]}"
        return got

    def take(self, type):
        """Returns the next packet of this type and leaves those before it to be received."""
        for at, got in enumerate(self._inbox):
            if got.type == type:
                del self._inbox[at]
                return got
        while (got := self._read_packet(PATIENCE)).type != type:
            self._inbox.append(got)
        return got

    def expect_nothing(self, seconds=QUIET):
        """No packet comes, and the connection lives on."""
        with contextlib.suppress(Silence):
            got = self.receive(seconds)
            raise AssertionError(f"{got}, wanted nothing")
        self.ping()

    def expect_close(self, *reasons):
        """The broker ends the connection, and says nothing but why. Returns what it said, or None.

        Where reasons are named, MQTT 5 must say one of them.
        """
        last = None
        with contextlib.suppress(Closed):
            last = self.receive()
            assert last.type in (CONNACK, DISCONNECT), f"{last}, wanted the end"
            assert last.reason >= (0x80 if self.version == 5 else 1), f"{last} is no refusal"
            self.expect_end()
        if reasons and self.version == 5:
            assert last, "closed without a reason"
            assert last.reason in reasons, f"{last}, wanted {', '.join(map(hex, reasons))}"
        return last

    def expect_end(self):
        """The stream ends here."""
        with contextlib.suppress(Closed):
            raise AssertionError(f"{self.receive()}, wanted the end")

    def drain(self, seconds=PAUSE):
        """Returns all that comes until it has been quiet for a while, or to the end."""
        got = []
        with contextlib.suppress(Silence, Closed):
            while True:
                got.append(self.receive(seconds))
        return got

    # --- Whole exchanges --------------------------------------------------------------------------

    def connect(self, client_id="", **fields):
        """Sends CONNECT and is accepted."""
        self.send(packets.connect(client_id, version=self.version, **fields))
        self.connack = self.expect(CONNACK)
        assert self.connack.reason == 0, f"{self.connack}, wanted to be accepted"
        return self

    def next_id(self):
        return next(self._packet_ids)

    def subscribe(self, *filters, qos=0, packet_id=None, options=None, **fields):
        """Returns the reason codes. Fields are options, as no_local=True, or properties."""
        choices = {name: fields.pop(name) for name in
                   ("no_local", "retain_as_published", "retain_handling") if name in fields}
        byte = packets.options(qos, **choices) if options is None else options
        packet_id = packet_id or self.next_id()
        self.send(packets.subscribe(packet_id, *((filter, byte) for filter in filters),
                                    version=self.version, **fields))
        return self._answer(SUBACK, packet_id).reasons

    def unsubscribe(self, *filters, packet_id=None):
        packet_id = packet_id or self.next_id()
        self.send(packets.unsubscribe(packet_id, *filters, version=self.version))
        return self._answer(UNSUBACK, packet_id).reasons

    def publish(self, topic, payload=b"", qos=0, packet_id=None, **fields):
        """Publishes and finishes the handshake. Returns the reason code."""
        if qos and not packet_id:
            packet_id = self.next_id()
        self.send(packets.publish(topic, payload, qos, packet_id, version=self.version, **fields))
        if qos == 0:
            return 0
        got = self._answer(PUBACK if qos == 1 else PUBREC, packet_id)
        if qos == 2 and got.reason < 0x80:
            self.send(packets.pubrel(packet_id))
            assert self._answer(PUBCOMP, packet_id).reason == 0
        return got.reason

    def _answer(self, type, packet_id):
        got = self.take(type)
        assert got.packet_id == packet_id, f"{got}, wanted identifier {packet_id}"
        return got

    def message(self):
        """The next packet is a PUBLISH. Finishes its handshake and returns it."""
        got = self.expect(PUBLISH)
        self.acknowledge(got)
        return got

    def messages(self, count):
        return [self.message() for _ in range(count)]

    def acknowledge(self, got):
        if got.qos == 1:
            self.send(packets.puback(got.packet_id))
        elif got.qos == 2:
            self.send(packets.pubrec(got.packet_id))
            self._answer(PUBREL, got.packet_id)
            self.send(packets.pubcomp(got.packet_id))

    def ping(self):
        """A round trip: what was sent before has been read by the broker."""
        self.send(packets.pingreq())
        self.take(PINGRESP)

    def disconnect(self, reason=0, **props):
        self.send(packets.disconnect(reason, **props))
        self.expect_end()
        self.socket.close()

    def abort(self):
        """Is gone without a word."""
        self.socket.close()

    def hang_up(self):
        """Judges what has come and nobody looked at, then closes."""
        if self.socket.fileno() >= 0:
            self.drain(0)
            self.socket.close()
