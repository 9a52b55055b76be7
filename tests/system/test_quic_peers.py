"""MQTT over QUIC as implementations see it that are not ours: quic-go and quiche, by way of
quic_peer.py."""

import re
import signal

import pytest

import quic_go
import quiche
from harness import packets
from harness.broker import Broker, external_port
from harness.cases import case, unique
from harness.figures import figure_becomes
from harness.packets import DISCONNECT
from harness.peer import QUIET
from harness.quic import Certificate
from programs import starling
from quic_peer import Client, StreamPeer

pytestmark = pytest.mark.skipif(external_port() != 0, reason="needs a broker of its own")

LARGE = 10_000_000
FURTHER_STREAMS = 15  # beside the first: quic.streams is 16
NO_APPLICATION_PROTOCOL = 0x178  # as errors of the handshake go: RFC 9001, section 4.8
CERTIFICATE_REQUIRED = 0x174


def parameter(library):
    reason = library.reason_to_skip()
    return pytest.param(library, id=library.__name__,
                        marks=pytest.mark.skipif(bool(reason), reason=str(reason)))


def only(library):
    """What the other library cannot do."""
    return pytest.mark.parametrize("library", [parameter(library)], indirect=True)


@pytest.fixture(scope="session", params=[parameter(quic_go), parameter(quiche)])
def library(request):
    return request.param


@pytest.fixture(scope="session")
def command(library, tmp_path_factory):
    """Built once for all that test at the same time, who have one folder above their own."""
    folder = tmp_path_factory.getbasetemp()
    return library.command(folder.parent if folder.name.startswith("popen-") else folder)


def quic_words(**settings):
    return [word for name, value in settings.items() for word in ("--set", f"quic.{name}={value}")]


@pytest.fixture(scope="module")
def quic_broker(library):
    """On two cores, so that connections move, with so few windows that some are parked; with room
    for what is large and for many streams."""
    with Broker(*quic_words(windows=8, streams_per_second=10_000), transports=("tcp", "quic"),
                cores=2, interval_s=1, packet_bytes_max=2 * LARGE, client_bytes=4 * LARGE,
                outbox_bytes=4 * LARGE) as broker:
        yield broker
        broker.hang_up()


@pytest.fixture
def start(command, quic_broker):
    """Starts a client that has not dialled."""
    clients = []

    def start(*flags, port=quic_broker.quic_port, trust=quic_broker.certificate.file):
        clients.append(Client(command, port, trust, *flags))
        return clients[-1]

    yield start
    for client in clients:
        client.end()


@pytest.fixture
def dial(start):
    """Starts a client that has a connection."""
    def dial(*flags, **where):
        client = start(*flags, **where)
        assert client.dial()["event"] == "connected"
        return client

    return dial


def exchange(sender, receiver, topic, payload=b"x", qos=1):
    """One publishes and the other, who has subscribed at this QoS, receives."""
    sender.publish(topic, payload, qos=qos)
    got = receiver.message()
    assert (got.topic, got.payload, got.qos) == (topic, payload, qos)


# --- One stream -----------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["mqtt", "mqttv5"])
@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_come_and_go(start, topic, protocol, version, qos):
    client = start()
    assert client.dial(protocol)["event"] == "connected"
    peer = client.connect(version=version)
    assert peer.subscribe(topic, qos=qos) == (qos,)
    for number in range(50):
        exchange(peer, peer, topic, str(number).encode(), qos)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_large_message_goes_both_ways(dial, topic, qos):
    peer = dial().connect()
    peer.subscribe(topic, qos=qos)
    exchange(peer, peer, topic, bytes(range(250)) * (LARGE // 250), qos)


def test_who_takes_its_leave_has_no_will(dial, quic_broker, topic):
    watcher = quic_broker.connect()
    watcher.subscribe(topic)
    leaver, other = dial(), dial()
    leaver.connect(will=packets.Will(topic, b"left")).disconnect()
    other.connect(will=packets.Will(topic, b"gone"))
    other.tell("close", code=1)
    assert watcher.message().payload == b"gone"


def test_who_vanishes_has_its_will(dial, quic_broker, topic):
    watcher = quic_broker.connect()
    watcher.subscribe(topic)
    client = dial()
    client.connect(keep_alive=1, will=packets.Will(topic, b"gone"))
    client.end()
    assert watcher.message().payload == b"gone"


def test_taken_over_is_told_so_before_the_end(dial):
    name = unique()
    old, new = dial(), dial()
    peer = old.connect(name)
    new.connect(name)
    assert peer.expect(DISCONNECT).reason == 0x8E
    end = old.wait("closed")
    assert (end["kind"], end["code"], end.get("remote")) == ("application", 0, True), end


# --- Further streams ------------------------------------------------------------------------------


def test_a_stream_may_come_before_connack(dial, topic):
    client = dial()
    control = StreamPeer(client.open())
    early = StreamPeer(client.open())
    early.rules.follow(control.rules)
    early.send(packets.subscribe(1, (topic, packets.options(qos=1))))
    control.connect(unique())
    early.rules.follow(control.rules)
    assert early.expect(packets.SUBACK).reasons == (1,)
    exchange(control, early, topic)


@pytest.mark.parametrize("count", [1, FURTHER_STREAMS])
def test_what_a_stream_subscribes_to_comes_there(dial, topic, count):
    client = dial()
    control = client.connect()
    channels = [client.channel(control) for _ in range(count)]
    for number, channel in enumerate(channels):
        channel.subscribe(f"{topic}/{number}", qos=2)
    for number, channel in enumerate(channels):
        exchange(channels[-number], channel, f"{topic}/{number}", qos=2)
    control.expect_nothing()


@pytest.mark.parametrize("end, expect", [
    case("", "finished", lambda peer: peer.socket.finish(), lambda peer: peer.expect_fin()),
    case("", "left", lambda peer: peer.send("E0 00"), lambda peer: peer.expect_fin()),
    case("", "reset", lambda peer: peer.socket.reset(7), lambda peer: peer.expect_end()),
    case("", "AUTH", lambda peer: peer.send("F0 00"), lambda peer: peer.expect_reset(0x82)),
    case("", "cut off", lambda peer: peer.send("32 02 00 09"),
         lambda peer: peer.expect_reset(0x81)),
    case("", "too large", lambda peer: peer.send("30 FF FF FF 7F"),
         lambda peer: peer.expect_reset(0x95)),
    # The broker learns of it when it has something to say there.
    case("", "unread", lambda peer: peer.socket.stop(7), lambda peer: None),
])
def test_the_end_of_a_stream_is_its_own(dial, topic, end, expect):
    client = dial()
    control = client.connect()
    ending, other = client.channel(control), client.channel(control)
    for peer in (ending, other):
        peer.subscribe(topic, qos=1)
    end(ending)
    expect(ending)
    exchange(control, other, topic)
    for channel in [client.channel(control) for _ in range(FURTHER_STREAMS - 1)]:
        exchange(channel, other, topic)
    control.ping()


def test_who_has_all_its_streams_waits_for_one_to_end(dial):
    client = dial()
    control = client.connect()
    channels = [client.channel(control) for _ in range(FURTHER_STREAMS)]
    for channel in channels:
        channel.subscribe("x")
    client.tell("open")
    assert not client.wait("opened", seconds=QUIET)
    channels[3].socket.finish()
    assert client.wait("opened")
    control.ping()


def test_500_streams_one_after_the_other(dial, topic):
    client = dial()
    control = client.connect()
    control.subscribe(topic, qos=1)
    for number in range(500):
        channel = client.channel(control)
        exchange(channel, control, topic, str(number).encode())
        channel.socket.finish()
        channel.expect_fin()
    control.ping()


# --- Cores and paths ------------------------------------------------------------------------------


def test_connections_move_to_their_cores(dial, quic_broker, topic):
    """Each client's home is one of two cores, whichever its connection came to first."""
    clients = [(client := dial(), client.connect()) for _ in range(16)]
    controls = [control for _, control in clients]
    channels = [client.channel(control) for client, control in clients]
    for channel in channels:
        channel.subscribe(topic, qos=1)
    for control in controls:
        control.publish(topic, b"x", qos=1)
    for channel in channels:
        assert [channel.message().payload for _ in controls] == [b"x"] * len(controls)
    figure_becomes(quic_broker, "quic/departures", lambda value: int(value) > 0)


def test_a_client_goes_on_from_another_port(dial, quic_broker, topic):
    """Clients of both cores, some of which have moved, and some are parked meanwhile."""
    for client, control in [(client := dial(), client.connect()) for _ in range(24)]:
        channel = client.channel(control)
        channel.subscribe(topic, qos=1)
        for _ in range(3):
            client.rebind()
            exchange(control, channel, topic)
            exchange(channel, channel, topic, bytes(100_000))
        channel.socket.finish()
        channel.expect_fin()
    figure_becomes(quic_broker, "quic/window_loads", lambda value: int(value) > 0)


@only(quiche)
def test_a_client_moves_to_another_port(dial, topic):
    """And tells the server so: by another connection id, once the new path has proved good."""
    for client, control in [(client := dial(), client.connect()) for _ in range(8)]:
        channel = client.channel(control)
        channel.subscribe(topic, qos=1)
        for _ in range(3):
            assert client.migrate()
            exchange(control, channel, topic)
            exchange(channel, channel, topic, bytes(100_000))
        client.rebind()
        exchange(channel, channel, topic, bytes(100_000))
        channel.socket.finish()
        channel.expect_fin()


def test_what_is_lost_comes_again(dial, topic):
    exchange_through_loss(dial("--loss", 5), topic)


@only(quic_go)
def test_what_is_lost_comes_again_with_other_keys(dial, topic):
    exchange_through_loss(dial("--loss", 5, "--key-update", 100), topic)


def exchange_through_loss(client, topic):
    control = client.connect()
    channel = client.channel(control)
    channel.subscribe(topic, qos=2)
    for number in range(20):
        exchange(control, channel, topic, bytes([number]) * 100_000, qos=2)
    client.rebind()
    exchange(channel, channel, topic, bytes(100_000), qos=2)


# --- Handshakes and keys --------------------------------------------------------------------------


def test_who_comes_again_resumes(dial):
    client = dial()
    client.connect().disconnect()
    for _ in range(3):
        client.wait("closed")
        assert client.dial().get("resumed")
        client.connect().disconnect()


@pytest.mark.parametrize("policy, is_early", [
    case("", "off", "off", False),
    case("", "connect", "connect", True),
    case("", "full", "full", True),
])
def test_who_comes_again_may_speak_early(dial, topic, policy, is_early):
    with Broker(*quic_words(early_data=policy), transports=("tcp", "quic"), cores=2,
                interval_s=1) as broker:
        client = dial(port=broker.quic_port, trust=broker.certificate.file)
        client.connect().disconnect()
        for _ in range(3):
            client.wait("closed")
            assert client.dial(early=True)["event"] == "connected"
            peer = client.connect()
            assert client.wait("completed").get("early", False) == is_early
            peer.subscribe(topic, qos=1)
            exchange(peer, peer, topic)
            peer.disconnect()
        figure_becomes(broker, "quic/early_accepted", 3 if is_early else 0)
        figure_becomes(broker, "quic/early_refused", 0)
        broker.hang_up()


@only(quic_go)
def test_keys_are_updated(dial, topic):
    client = dial("--key-update", 100)
    control = client.connect()
    control.subscribe(topic, qos=1)
    updates = 0
    while updates < 3:
        exchange(control, control, topic, bytes(10_000))
        updates += client.wait("key_updated", seconds=0) is not None


def test_another_protocol_is_refused(start):
    said = start().dial("h3")
    assert (said["event"], said["kind"], said["code"], said.get("remote")) == (
        "closed", "transport", NO_APPLICATION_PROTOCOL, True), said


def test_a_stranger_is_not_trusted(start, quic_broker, library):
    stranger = Certificate()
    said = start(trust=stranger.file).dial()
    assert (said["event"], said["kind"], said["code"]) == (
        "closed", "transport", library.REFUSES_STRANGERS_BY), said
    figure_becomes(quic_broker, "quic/handshakes_failed", lambda value: int(value) > 0)


@only(quic_go)
def test_who_begins_with_another_version_learns_ours(dial, quic_broker):
    dial("--negotiate").connect().ping()
    figure_becomes(quic_broker, "quic/versions_negotiated", lambda value: int(value) > 0)


def test_who_keeps_what_it_was_asked_for_is_asked_once(dial, library):
    """For its address. Not every library keeps the token."""
    with Broker(*quic_words(retry_from=0), transports=("tcp", "quic"), interval_s=1) as broker:
        client = dial(port=broker.quic_port, trust=broker.certificate.file)
        for _ in range(3):
            client.connect().disconnect()
            client.wait("closed")
            assert client.dial()["event"] == "connected"
        # On a busy machine an Initial may be sent twice, and answered twice.
        least = 1 if library.KEEPS_ADDRESS_TOKENS else 4
        figure_becomes(broker, "quic/retries_sent", lambda value: least <= int(value) < 2 * least + 2)
        figure_becomes(broker, "quic/tokens_refused", 0)
        client.tell("close", code=0)
        broker.hang_up()


def test_a_client_shows_its_certificate(dial):
    mine = Certificate()
    with Broker(transports=("tcp", "quic"), client_ca=mine.file) as broker:
        where = {"port": broker.quic_port, "trust": broker.certificate.file}
        client = dial("--certificate", mine.file, "--key", mine.key, **where)
        client.connect().disconnect()
        client.wait("closed")
        assert client.dial().get("resumed")
        client.connect().disconnect()


@only(quic_go)  # quiche drops a datagram whose first packet it cannot read, whatever else is in it
def test_who_shows_no_certificate_is_told(start):
    authority = Certificate()
    with Broker(transports=("tcp", "quic"), client_ca=authority.file) as broker:
        nobody = start(port=broker.quic_port, trust=broker.certificate.file)
        said = nobody.dial()
        if said["event"] == "connected":  # as a client thinks that has not heard what comes next
            said = nobody.wait("closed")
        assert (said["kind"], said["code"], said.get("remote")) == (
            "transport", CERTIFICATE_REQUIRED, True), said


# --- A broker that stops, or dies -----------------------------------------------------------------


def test_a_stop_is_told(dial):
    with Broker(transports=("tcp", "quic")) as broker:
        client = dial(port=broker.quic_port, trust=broker.certificate.file)
        peer = client.connect()
        broker.tell_to_stop()
        assert peer.expect(DISCONNECT).reason == 0x8B
        client.tell("close", code=0)


@pytest.mark.parametrize("cores", [1, 2])
def test_a_client_learns_that_the_broker_has_restarted(dial, watch, tmp_path, cores):
    certificate = Certificate()

    def serve(port):
        broker = watch(starling(), "serve", "--cores", cores, "--data-dir", tmp_path / "data",
                       "--listen", f"quic://127.0.0.1:{port}",
                       "--set", f"quic.certificate={certificate.file}",
                       "--set", f"quic.key={certificate.key}")
        line = broker.until("listening on quic://127.0.0.1:")
        broker.until(f"{cores} core")
        return broker, re.search(r"127\.0\.0\.1:(\d+)", line)[1]

    broker, port = serve(0)
    clients = [dial(port=port, trust=certificate.file) for _ in range(4)]
    peers = [client.connect() for client in clients]
    broker.process.send_signal(signal.SIGKILL)
    broker.rest()
    serve(port)
    for client, peer in zip(clients, peers):
        peer.send(packets.pingreq())
        assert client.wait("closed")["kind"] == "stateless reset"
        assert client.dial().get("resumed")
        client.connect().ping()
