"""MQTT packets to bytes and back, for versions 3 (MQTT 3.1), 4 (3.1.1) and 5.

Builders write what they are told, sense or nonsense. The parser takes nothing but what the
specification allows, to the byte. Properties go by name: see PROPERTIES; a list repeats one.
"""

import struct
from dataclasses import dataclass, field

(CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE,
 UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH) = range(1, 16)

NAMES = ("(0)", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP",
         "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT",
         "AUTH")

# MQTT 5.0, table 2-4.
PROPERTIES = {
    "payload_format": (0x01, "u8"),
    "message_expiry": (0x02, "u32"),
    "content_type": (0x03, "string"),
    "response_topic": (0x08, "string"),
    "correlation_data": (0x09, "binary"),
    "subscription_identifier": (0x0B, "varint"),
    "session_expiry": (0x11, "u32"),
    "assigned_client_id": (0x12, "string"),
    "server_keep_alive": (0x13, "u16"),
    "authentication_method": (0x15, "string"),
    "authentication_data": (0x16, "binary"),
    "request_problem_information": (0x17, "u8"),
    "will_delay": (0x18, "u32"),
    "request_response_information": (0x19, "u8"),
    "response_information": (0x1A, "string"),
    "server_reference": (0x1C, "string"),
    "reason_string": (0x1F, "string"),
    "receive_maximum": (0x21, "u16"),
    "topic_alias_maximum": (0x22, "u16"),
    "topic_alias": (0x23, "u16"),
    "maximum_qos": (0x24, "u8"),
    "retain_available": (0x25, "u8"),
    "user_property": (0x26, "pair"),
    "maximum_packet_size": (0x27, "u32"),
    "wildcard_subscription_available": (0x28, "u8"),
    "subscription_identifier_available": (0x29, "u8"),
    "shared_subscription_available": (0x2A, "u8"),
}
PROPERTY_NAMES = {identifier: (name, kind) for name, (identifier, kind) in PROPERTIES.items()}


# --- Building -------------------------------------------------------------------------------------


def u8(number):
    return struct.pack("!B", number)


def u16(number):
    return struct.pack("!H", number)


def u32(number):
    return struct.pack("!I", number)


def varint(number):
    out = bytearray()
    while True:
        number, digit = divmod(number, 128)
        out.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(out)


def binary(data):
    return u16(len(data)) + data


def string(text):
    """`text` may be bytes, to send what is no UTF-8."""
    return binary(text.encode() if isinstance(text, str) else text)


def pair(key_and_value):
    return b"".join(map(string, key_and_value))


ENCODERS = {"u8": u8, "u16": u16, "u32": u32, "varint": varint, "string": string,
            "binary": binary, "pair": pair}


def properties(**values):
    """A property block with its length."""
    block = b""
    for name, value in values.items():
        identifier, kind = PROPERTIES[name]
        for one in value if isinstance(value, list) else [value]:
            block += u8(identifier) + ENCODERS[kind](one)
    return varint(len(block)) + block


def packet(first_byte, *fields):
    body = b"".join(fields)
    return u8(first_byte) + varint(len(body)) + body


@dataclass
class Will:
    topic: str
    payload: bytes = b"will"
    qos: int = 0
    retain: bool = False
    properties: dict = field(default_factory=dict)


def connect(client_id="", version=5, clean=True, keep_alive=0, will=None, user_name=None,
            password=None, **props):
    flags = clean << 1 | (user_name is not None) << 7 | (password is not None) << 6
    if will:
        flags |= 4 | will.qos << 3 | will.retain << 5
    fields = [string("MQIsdp" if version == 3 else "MQTT"), u8(version), u8(flags), u16(keep_alive)]
    if version == 5:
        fields.append(properties(**props))
    fields.append(string(client_id))
    if will:
        if version == 5:
            fields.append(properties(**will.properties))
        fields += [string(will.topic), binary(will.payload)]
    if user_name is not None:
        fields.append(string(user_name))
    if password is not None:
        fields.append(binary(password))
    return packet(0x10, *fields)


def publish(topic, payload=b"", qos=0, packet_id=None, retain=False, dup=False, version=5, **props):
    return packet(0x30 | dup << 3 | qos << 1 | retain,
                  string(topic),
                  u16(packet_id) if qos else b"",
                  properties(**props) if version == 5 else b"",
                  payload)


def ack(type, packet_id, reason=0, **props):
    """PUBACK, PUBREC, PUBREL or PUBCOMP, as short as it may be."""
    fields = [u16(packet_id)]
    if reason or props:
        fields.append(u8(reason))
    if props:
        fields.append(properties(**props))
    return packet(type << 4 | (2 if type == PUBREL else 0), *fields)


def puback(packet_id, reason=0, **props):
    return ack(PUBACK, packet_id, reason, **props)


def pubrec(packet_id, reason=0, **props):
    return ack(PUBREC, packet_id, reason, **props)


def pubrel(packet_id, reason=0, **props):
    return ack(PUBREL, packet_id, reason, **props)


def pubcomp(packet_id, reason=0, **props):
    return ack(PUBCOMP, packet_id, reason, **props)


def options(qos=0, no_local=False, retain_as_published=False, retain_handling=0):
    """The byte that follows a filter in SUBSCRIBE."""
    return qos | no_local << 2 | retain_as_published << 3 | retain_handling << 4


def subscribe(packet_id, *filters, version=5, **props):
    """Each filter comes with its options byte: ("a/b", options(qos=1))."""
    return packet(0x82, u16(packet_id), properties(**props) if version == 5 else b"",
                  *(string(filter) + u8(byte) for filter, byte in filters))


def unsubscribe(packet_id, *filters, version=5, **props):
    return packet(0xA2, u16(packet_id), properties(**props) if version == 5 else b"",
                  *map(string, filters))


def pingreq():
    return packet(0xC0)


def disconnect(reason=0, **props):
    fields = [u8(reason)] if reason or props else []
    if props:
        fields.append(properties(**props))
    return packet(0xE0, *fields)


def auth(reason=0, **props):
    return packet(0xF0, u8(reason), properties(**props))


# --- Parsing --------------------------------------------------------------------------------------


class Malformed(AssertionError):
    """The broker sent bytes that are no packet."""


@dataclass
class Packet:
    """What a broker may send, as far as the type has it."""

    type: int
    raw: bytes
    packet_id: int = 0
    reason: int = 0
    reasons: tuple = ()
    properties: dict = field(default_factory=dict)
    session_present: bool = False
    topic: str = ""
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    dup: bool = False

    def __repr__(self):
        return f"{NAMES[self.type]} {self.raw[:80].hex(' ')}"


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def bytes(self, count):
        taken = self.data[self.at:self.at + count]
        if len(taken) < count:
            raise Malformed("a field goes beyond its packet")
        self.at += count
        return taken

    def rest(self):
        return self.bytes(len(self.data) - self.at)

    def is_empty(self):
        return self.at == len(self.data)

    def u8(self):
        return self.bytes(1)[0]

    def u16(self):
        return int.from_bytes(self.bytes(2), "big")

    def u32(self):
        return int.from_bytes(self.bytes(4), "big")

    def varint(self):
        start, value = self.at, 0
        for place in range(4):
            digit = self.u8()
            value |= (digit & 0x7F) << 7 * place
            if digit < 0x80:
                break
        else:
            raise Malformed("a variable byte integer of more than four bytes")
        if varint(value) != self.data[start:self.at]:
            raise Malformed("[MQTT-1.5.5-1] a variable byte integer not in its shortest form")
        return value

    def binary(self):
        return self.bytes(self.u16())

    def string(self):
        try:
            text = self.binary().decode()  # Python's UTF-8 has no surrogates and no overlong forms
        except UnicodeDecodeError as error:
            raise Malformed(f"[MQTT-1.5.4-1] {error}") from error
        if "\0" in text:
            raise Malformed("[MQTT-1.5.4-2] U+0000 in a string")
        return text

    def pair(self):
        return self.string(), self.string()

    def properties(self):
        """{name: value}, where those that may be repeated are lists."""
        block = Reader(self.bytes(self.varint()))
        found = {}
        while not block.is_empty():
            identifier = block.varint()
            if identifier not in PROPERTY_NAMES:
                raise Malformed(f"property {identifier:#x} does not exist")
            name, kind = PROPERTY_NAMES[identifier]
            value = getattr(block, kind)()
            if name in ("user_property", "subscription_identifier"):
                found.setdefault(name, []).append(value)
            elif name in found:
                raise Malformed(f"property {name} twice")
            else:
                found[name] = value
        return found


def frame(data):
    """The size of the packet that `data` begins with, and of its header; None until it is known."""
    for end in range(2, 6):
        if len(data) < end:
            return None
        if data[end - 1] < 0x80:
            return end + Reader(bytes(data[1:end])).varint(), end
    raise Malformed("a remaining length of more than four bytes")


def parse(raw, version):
    """Reads one whole packet of a broker."""
    type, flags = raw[0] >> 4, raw[0] & 0x0F
    body = Reader(raw[frame(raw)[1]:])
    if type not in READERS:
        raise Malformed(f"a server does not send {NAMES[type]}")
    if flags != (2 if type == PUBREL else 0) and type != PUBLISH:
        raise Malformed(f"[MQTT-2.1.3-1] {NAMES[type]} with flags {flags:04b}")
    got = Packet(type, raw)
    READERS[type](got, body, version)
    if not body.is_empty():
        raise Malformed(f"{NAMES[type]} is longer than its fields")
    return got


def read_connack(got, body, version):
    flags = body.u8()
    if flags > (1 if version > 3 else 0):
        raise Malformed(f"[MQTT-3.2.2-1] acknowledge flags {flags:08b}")
    got.session_present = flags == 1
    got.reason = body.u8()
    if version == 5:
        got.properties = body.properties()


def read_publish(got, body, version):
    flags = got.raw[0] & 0x0F
    got.dup, got.qos, got.retain = bool(flags & 8), flags >> 1 & 3, bool(flags & 1)
    got.topic = body.string()
    if got.qos:
        got.packet_id = body.u16()
    if version == 5:
        got.properties = body.properties()
    got.payload = body.rest()


def read_ack(got, body, version):
    got.packet_id = body.u16()
    if version == 5:
        read_optional_reason(got, body)


def read_suback(got, body, version):
    got.packet_id = body.u16()
    if version == 5:
        got.properties = body.properties()
    got.reasons = tuple(body.rest())


def read_disconnect(got, body, version):
    read_optional_reason(got, body)


def read_optional_reason(got, body):
    if not body.is_empty():
        got.reason = body.u8()
    if not body.is_empty():
        got.properties = body.properties()


def read_nothing(got, body, version):
    pass


READERS = {
    CONNACK: read_connack,
    PUBLISH: read_publish,
    PUBACK: read_ack,
    PUBREC: read_ack,
    PUBREL: read_ack,
    PUBCOMP: read_ack,
    SUBACK: read_suback,
    UNSUBACK: read_suback,
    PINGRESP: read_nothing,
    DISCONNECT: read_disconnect,
    AUTH: read_disconnect,
}
