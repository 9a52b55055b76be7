"""Section 3.2: what CONNACK announces by default. The rest: test_capabilities.py."""

from harness.cases import normative


@normative("MQTT-3.2.2-8", "MQTT-3.2.2-1")
def test_connack_announces_only_what_is_not_the_default(broker):
    """A value that says what its absence says is noise on every connection."""
    properties = broker.connect().connack.properties
    defaults = {"retain_available": 1, "wildcard_subscription_available": 1,
                "subscription_identifier_available": 1, "shared_subscription_available": 1,
                "receive_maximum": 65535, "topic_alias_maximum": 0}
    assert not properties.items() & defaults.items()
    assert "maximum_qos" not in properties


@normative("MQTT-3.2.2-22")
def test_the_client_keeps_what_it_asked_for(broker):
    """Server Keep Alive and Session Expiry come only where the broker decides otherwise."""
    for fields in ({"keep_alive": 60}, {"keep_alive": 60, "session_expiry": 60}, {"keep_alive": 0}):
        properties = broker.connect(**fields).connack.properties
        assert "server_keep_alive" not in properties
        assert "session_expiry" not in properties


def test_a_session_expiry_beyond_the_brokers_maximum_is_announced(broker):
    """0xFFFFFFFF is for ever, which this broker grants to nobody."""
    properties = broker.connect(session_expiry=0xFFFFFFFF).connack.properties
    assert properties["session_expiry"] == 7 * 24 * 3600


def test_connack_before_version_5_is_four_bytes(broker):
    for version in (3, 4):
        assert broker.connect(version=version).connack.raw == bytes.fromhex("20 02 00 00")
