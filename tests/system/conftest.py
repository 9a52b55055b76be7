import pytest

from harness.broker import Broker, external_port
from harness.cases import unique
from programs import READY, Watched


@pytest.fixture(scope="session")
def shared_broker():
    with Broker(interval_s=0) as broker:
        yield broker


@pytest.fixture
def broker(shared_broker):
    """The broker with its defaults, which all tests share: names must be unique."""
    yield shared_broker
    shared_broker.hang_up()


@pytest.fixture
def start_broker():
    """Starts a broker of one's own: start_broker(connections=3)."""
    if external_port():
        pytest.skip("needs a broker of its own")
    brokers = []

    def start(**options):
        brokers.append(Broker(**options))
        return brokers[-1]

    yield start
    for broker in brokers:
        with broker:
            pass


@pytest.fixture
def topic():
    """A topic that no other test uses."""
    return unique("t")


@pytest.fixture
def watch():
    """Starts a program that is ended with the test: watch("mosquitto_sub", ...)."""
    programs = []

    def start(*command):
        programs.append(Watched(*command))
        return programs[-1]

    yield start
    for program in programs:
        program.kill()


@pytest.fixture
def listen(broker, watch, topic):
    """Starts a subscriber of the topic, and returns when it is subscribed.

    A retained message on a topic of its own tells: it comes after the subscription stands.
    """
    def start(program, *options):
        sign = unique("r")
        broker.connect().publish(sign, READY.encode(), qos=1, retain=True)
        words = program if isinstance(program, tuple) else (program,)
        watched = watch(*words, "-p", broker.port, "-t", topic, "-t", sign, *options)
        watched.until(READY)
        return watched

    return start
