"""The brokers that suites share, how they are reached, and the ids a case claims with
@pytest.mark.normative(...), which go into the JUnit report."""

import os

import pytest

from harness.broker import Broker, external_port, transport
from harness.cases import unique


def pytest_addoption(parser):
    parser.addoption("--transport", choices=["tcp", "quic"],
                     help="what connections run over: tcp, or quic by a bridge that speaks it for "
                          "them ($STARLING_TEST_TRANSPORT, or tcp)")


def pytest_configure(config):
    if chosen := config.getoption("--transport"):
        os.environ["STARLING_TEST_TRANSPORT"] = chosen


def pytest_collection_modifyitems(items):
    for item in items:
        if transport() != "tcp" and item.get_closest_marker("tcp"):
            item.add_marker(pytest.mark.skip(reason="is of TCP itself"))
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
