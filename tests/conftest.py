"""The brokers that suites share, and the ids a case claims with @pytest.mark.normative(...), which go
into the JUnit report."""

import pytest

from harness.broker import Broker, external_port
from harness.cases import unique


def pytest_collection_modifyitems(items):
    for item in items:
        for marker in item.iter_markers("normative"):
            item.user_properties += [(id, "proved") for id in marker.args]


@pytest.fixture(scope="session")
def shared_broker():
    with Broker(interval_s=1) as broker:
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

    def start(*words, **options):
        brokers.append(Broker(*words, **options))
        return brokers[-1]

    yield start
    for broker in brokers:
        with broker:
            pass


@pytest.fixture
def topic():
    """A topic that no other test uses."""
    return unique("t")
