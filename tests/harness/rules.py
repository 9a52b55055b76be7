"""What every packet of a broker must satisfy, whatever the test is about.

A Rules object watches one connection: it reads what the client sends, as far as that is sound, and
judges all that comes back.
"""

from .packets import (AUTH, CONNACK, CONNECT, DISCONNECT, NAMES, PUBACK, PUBCOMP, PUBLISH, PUBREC,
                      PUBREL, SUBACK, UNSUBACK, Malformed, Reader, frame)


class Violation(AssertionError):
    """The broker broke a rule of the specification."""


# What a server may say: MQTT 5.0, section 2.4 and the table of each packet.
REASONS = {
    CONNACK: {0, *range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, *range(0x99, 0x9E), 0x9F},
    PUBACK: {0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
    PUBREC: {0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
    PUBREL: {0, 0x92},
    PUBCOMP: {0, 0x92},
    SUBACK: {0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2},
    UNSUBACK: {0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91},
    DISCONNECT: {0, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, *range(0x8B, 0x91), *range(0x93, 0xA3)},
    AUTH: {0, 0x18},
}
REASONS_BEFORE_5 = {CONNACK: set(range(6)), SUBACK: {0, 1, 2, 0x80}}

NUMBERED = (PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK)

EXPLAIN = {"reason_string", "user_property"}
PROPERTIES = {
    CONNACK: EXPLAIN | {
        "session_expiry", "receive_maximum", "maximum_qos", "retain_available",
        "maximum_packet_size", "assigned_client_id", "topic_alias_maximum",
        "wildcard_subscription_available", "subscription_identifier_available",
        "shared_subscription_available", "server_keep_alive", "response_information",
        "server_reference", "authentication_method", "authentication_data"},
    PUBLISH: {"payload_format", "message_expiry", "topic_alias", "response_topic",
              "correlation_data", "user_property", "subscription_identifier", "content_type"},
    DISCONNECT: EXPLAIN | {"server_reference"},  # [MQTT-3.14.2-2]
    AUTH: EXPLAIN | {"authentication_method", "authentication_data"},
}
LIMITS = {  # of properties that do not take every number
    "payload_format": (0, 1), "maximum_qos": (0, 1), "retain_available": (0, 1),
    "wildcard_subscription_available": (0, 1), "subscription_identifier_available": (0, 1),
    "shared_subscription_available": (0, 1), "receive_maximum": (1, 65535),
    "maximum_packet_size": (1, 2**32 - 1), "topic_alias": (1, 65535),
}


def require(condition, text):
    if not condition:
        raise Violation(text)


class Rules:
    def __init__(self, version):
        self.version = version
        self.asked = {}  # the properties of CONNECT
        self.has_client_id = True
        self.connack = None
        self.is_over = False
        self.aliases = {}
        self.in_flight = set()  # identifiers of deliveries that we have not acknowledged

    def follow(self, control):
        """This is a further stream of the client whose first one is judged by `control`."""
        self.asked, self.connack = control.asked, control.connack

    # --- What the client sends --------------------------------------------------------------------

    def sent(self, data):
        try:
            while found := frame(data):
                size, header = found
                self.sent_packet(data[0] >> 4, Reader(data[header:size]))
                data = data[size:]
        except Malformed:
            pass  # such is the test

    def sent_packet(self, type, body):
        if type == CONNECT and not self.connack:
            body.binary()
            level, _ = body.u8(), body.bytes(3)  # flags and keep alive
            self.asked = body.properties() if level == 5 else {}
            self.has_client_id = body.binary() != b""
        elif type in (PUBACK, PUBCOMP):
            self.in_flight.discard(body.u16())
        elif type == PUBREC:
            packet_id = body.u16()
            if not body.is_empty() and body.u8() >= 0x80:
                self.in_flight.discard(packet_id)

    # --- What the broker sends --------------------------------------------------------------------

    def received(self, got):
        name = NAMES[got.type]
        require(not self.is_over, f"[MQTT-3.14.4-1] {name} after the last packet")
        require(self.connack or got.type in (CONNACK, AUTH),
                f"[MQTT-3.2.0-1] {name} before CONNACK")
        require(len(got.raw) <= (self.asked.get("maximum_packet_size") or 2**32),
                f"[MQTT-3.1.2-24] {name} of {len(got.raw)} bytes")
        self.check_reasons(got, name)
        self.check_properties(got, name)
        check = {CONNACK: self.received_connack, PUBLISH: self.received_publish,
                 PUBREL: self.received_pubrel, DISCONNECT: self.received_disconnect,
                 SUBACK: self.received_suback, UNSUBACK: self.received_unsuback,
                 AUTH: self.received_auth}.get(got.type)
        if check:
            check(got)
        require(got.packet_id or got.type not in NUMBERED, f"{name} with packet identifier 0")

    def check_reasons(self, got, name):
        allowed = (REASONS if self.version == 5 else REASONS_BEFORE_5).get(got.type, {0})
        for reason in (got.reason, *got.reasons):
            require(reason in allowed, f"{name} may not say {reason:#04x}")

    def check_properties(self, got, name):
        for property, value in got.properties.items():
            allowed = PROPERTIES.get(got.type, EXPLAIN)
            require(property in allowed, f"{name} may not have {property}")
            low, high = LIMITS.get(property, (None, None))
            require(low is None or low <= value <= high, f"{name} with {property} {value}")
        if self.asked.get("request_problem_information") == 0:
            require(got.type in (CONNACK, PUBLISH, DISCONNECT) or not EXPLAIN & set(got.properties),
                    f"[MQTT-3.1.2-29] {name} with an explanation")

    def received_connack(self, got):
        require(not self.connack, "[MQTT-3.2.0-2] a second CONNACK")
        self.connack = got
        self.is_over = got.reason != 0
        require(not (got.reason and got.session_present), "[MQTT-3.2.2-6] a session in a refusal")
        require("response_information" not in got.properties
                or self.asked.get("request_response_information"), "[MQTT-3.1.2-28]")
        require("authentication_method" not in got.properties
                or "authentication_method" in self.asked, "[MQTT-4.12.0-6]")
        if self.version == 5 and not got.reason:
            require(("assigned_client_id" in got.properties) != self.has_client_id,
                    "[MQTT-3.1.3-7] an identifier is assigned to who has none, and told")

    def received_publish(self, got):
        require(got.qos < 3, "[MQTT-3.3.1-4] QoS 3")
        require(got.qos or not got.dup, "[MQTT-3.3.1-2] DUP at QoS 0")
        self.resolve_alias(got)
        for topic in (got.topic, got.properties.get("response_topic", "x")):
            require(topic and not set("+#") & set(topic), f"[MQTT-3.3.2-2] topic name {topic!r}")
        identifiers = got.properties.get("subscription_identifier", ())
        require(0 not in identifiers, "subscription identifier 0")
        if got.qos:
            self.received_numbered_publish(got)

    def resolve_alias(self, got):
        alias = got.properties.get("topic_alias")
        if alias is None:
            return
        require(alias <= self.asked.get("topic_alias_maximum", 0), f"[MQTT-3.3.2-11] alias {alias}")
        if got.topic:
            self.aliases[alias] = got.topic
        require(alias in self.aliases, f"topic alias {alias} was never told")
        got.topic = self.aliases[alias]

    def received_numbered_publish(self, got):
        require(got.packet_id, "[MQTT-2.2.1-4] PUBLISH with packet identifier 0")
        require(got.packet_id not in self.in_flight,
                f"[MQTT-2.2.1-4] [MQTT-4.4.0-1] identifier {got.packet_id} is in use")
        require(not got.dup or self.connack.session_present or self.version == 3,
                "[MQTT-4.3.2-2] [MQTT-4.3.3-2] DUP where nothing was sent before")
        self.in_flight.add(got.packet_id)
        require(len(self.in_flight) <= self.asked.get("receive_maximum", 65535), "[MQTT-3.3.4-9]")

    def received_pubrel(self, got):
        # A PUBREL sent again on a resumed session is in flight too.
        self.in_flight.add(got.packet_id)

    def received_suback(self, got):
        require(got.reasons, "[MQTT-3.8.4-6] SUBACK without a reason code")

    def received_unsuback(self, got):
        require(bool(got.reasons) == (self.version == 5), "[MQTT-3.11.3-2] [MQTT311-3.10.4-5]")

    def received_disconnect(self, got):
        require(self.version == 5, "[MQTT311-4.8.0-1] DISCONNECT from a server")
        self.is_over = True

    def received_auth(self, got):
        require("authentication_method" in self.asked, "[MQTT-4.12.0-6] AUTH out of the blue")
