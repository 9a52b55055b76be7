"""curl speaks MQTT 3.1.1 at QoS 0."""

import subprocess

import pytest

from programs import GUARD, run


def speaks_mqtt():
    said = subprocess.run(["curl", "-V"], capture_output=True, text=True, timeout=GUARD, check=True)
    return " mqtt " in said.stdout.replace("\n", " ")


pytestmark = pytest.mark.skipif(not speaks_mqtt(), reason="this curl has no mqtt://")


def test_publishes(broker, topic):
    peer = broker.connect()
    peer.subscribe(topic)
    run("curl", "-sS", "-d", "hello", f"mqtt://127.0.0.1:{broker.port}/{topic}")
    got = peer.message()
    assert (got.topic, got.payload, got.qos, got.retain) == (topic, b"hello", 0, False)


def test_subscribes(broker, topic, watch):
    publisher = broker.connect()
    publisher.publish(topic, b"ready\n", qos=1, retain=True)
    curl = watch("curl", "-sSN", f"mqtt://127.0.0.1:{broker.port}/{topic}")
    curl.until("ready")
    publisher.publish(topic, b"one\n")
    publisher.publish(topic, b"two\n", qos=1)
    # Before the payload, curl 7 prints the topic, too.
    assert curl.until("one").endswith("one")
    assert curl.until("two").endswith("two")
