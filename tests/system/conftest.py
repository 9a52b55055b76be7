import pytest

from harness.broker import Broker
from harness.cases import unique
from private_network import PrivateNetwork
from programs import READY, Watched, run, starling


@pytest.fixture(scope="session")
def shared_broker():
    """Without $SYS, so that a program that subscribes to everything hears its test alone."""
    with Broker(interval_s=0) as broker:
        yield broker


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
def network():
    """A network of the test's own, with every port free."""
    private = PrivateNetwork()
    yield private
    private.close()


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


@pytest.fixture
def publish(broker, topic):
    def start(*options, **how):
        return run(starling(), "pub", "-p", broker.port, "-t", topic, *options, **how)

    return start


@pytest.fixture
def subscribe(broker, topic):
    """Runs a subscriber to its end; returns its lines."""
    def start(*options, **how):
        words = starling(), "sub", "-p", broker.port, "-t", topic
        return run(*words, *options, **how)[0].splitlines()

    return start
