"""Other people's QUIC libraries as clients, by way of the programs in tests/peers: those carry
streams, and the harness's peers speak MQTT on them. A module of each library says how to start its
program."""

import base64
import json
import queue
from collections import deque

from harness.cases import unique
from harness.peer import PATIENCE, Peer
from programs import GUARD, Watched


class Client:
    """A client in a process of its own. Its events are waited for."""

    def __init__(self, command, port, trust, *flags):
        self._process = Watched(*command, "--port", port, "--trust", trust, *flags)
        self._unseen = deque()
        self.is_over = False  # the connection has ended

    def tell(self, do, **what):
        self._process.tell(json.dumps({"do": do, **what}))

    def wait(self, *events, stream=0, seconds=GUARD):
        """The first of such events of the stream that nobody has waited for yet; None: none came
        within so many seconds, or before the connection's end. What is the connection's has stream
        0."""
        for at, said in enumerate(self._unseen):
            if said["event"] in events and said["stream"] == stream:
                del self._unseen[at]
                return said
        while not self.is_over and (said := self._next(seconds)):
            if said["event"] in events and said["stream"] == stream:
                return said
            self._unseen.append(said)
        return None

    def _next(self, seconds):
        try:
            line = self._process.line(max(seconds, 0.001))
        except queue.Empty:
            return None
        assert line and line.startswith("{"), line
        said = json.loads(line)
        if said["event"] == "closed":
            self.is_over = True
            print(said)  # which is shown where a test fails
        return said

    def dial(self, protocol="mqtt", early=False):
        """Returns "connected" or "closed". Who is early has not heard the server yet, if there is a
        ticket; "completed" tells when it has."""
        self.is_over = False
        self._unseen.clear()
        self.tell("dial", protocol=protocol, early=early)
        return self.wait("connected", "closed")

    def open(self):
        """Returns a new stream, of which the server knows nothing until something is sent."""
        self.tell("open")
        return Stream(self, self.wait("opened")["number"])

    def connect(self, client_id=None, version=5, **fields):
        """Opens the first stream, and is accepted there. Returns its peer."""
        return StreamPeer(self.open(), version).connect(client_id or unique(), **fields)

    def channel(self, control):
        """Opens a further stream of the client that has this first one. Returns its peer."""
        peer = StreamPeer(self.open(), control.version)
        peer.rules.follow(control.rules)
        return peer

    def rebind(self):
        """Its port becomes another, and it does not know."""
        self.tell("rebind")
        return self.wait("rebound")

    def migrate(self):
        """Goes on from another port, as soon as the server has answered there."""
        self.tell("migrate")
        return self.wait("migrated")

    def end(self):
        self._process.kill()


class Stream:
    """Acts as a socket, as far as a peer needs one."""

    def __init__(self, client, number):
        self.number = number
        self.end = None  # the event after which nothing comes; {}: the connection's end
        self._client = client
        self._seconds = PATIENCE
        self._is_closed = False

    def settimeout(self, seconds):
        self._seconds = seconds

    def sendall(self, data):
        self._do("write", data=base64.b64encode(data).decode())

    def recv(self, _):
        if self.end is not None:
            return b""
        said = self._client.wait("data", "fin", "reset", stream=self.number, seconds=self._seconds)
        if not said and not self._client.is_over:
            raise TimeoutError
        if said and said["event"] == "data":
            return base64.b64decode(said["data"])
        self.end = said or {}
        return b""

    def finish(self):
        self._do("finish")

    def reset(self, code):
        self._do("reset", code=code)

    def stop(self, code):
        self._do("stop", code=code)

    def close(self):
        self.finish()
        self._is_closed = True

    def fileno(self):
        return -1 if self._is_closed else self.number

    def _do(self, action, **what):
        self._client.tell(action, stream=self.number, **what)


class StreamPeer(Peer):
    """A peer on a stream, which is given in place of the port."""

    def _reach(self, stream):
        return stream

    def expect_reset(self, code):
        """The stream is broken off with this code, and nothing comes before."""
        self.expect_end()
        end = self.socket.end
        assert (end.get("event"), end.get("code")) == ("reset", code), end

    def expect_fin(self):
        self.expect_end()
        assert self.socket.end.get("event") == "fin"
