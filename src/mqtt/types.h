// The small vocabulary of the MQTT specifications.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace starling {

// The protocol level of CONNECT: MQTT 3.1, 3.1.1 and 5.0.
enum class Version : std::uint8_t { V3 = 3, V4 = 4, V5 = 5 };

enum class Qos : std::uint8_t { AtMostOnce = 0, AtLeastOnce = 1, ExactlyOnce = 2 };

inline Qos lower(Qos a, Qos b) { return a < b ? a : b; }
inline Qos higher(Qos a, Qos b) { return a < b ? b : a; }

enum class PacketType : std::uint8_t {
    Connect = 1,
    Connack,
    Publish,
    Puback,
    Pubrec,
    Pubrel,
    Pubcomp,
    Subscribe,
    Suback,
    Unsubscribe,
    Unsuback,
    Pingreq,
    Pingresp,
    Disconnect,
    Auth,
};

// MQTT 5.0, section 2.4. Success is also Normal disconnection and Granted QoS 0.
enum class Reason : std::uint8_t {
    Success = 0x00,
    GrantedQos1 = 0x01,
    GrantedQos2 = 0x02,
    DisconnectWithWill = 0x04,
    NoMatchingSubscribers = 0x10,
    NoSubscriptionExisted = 0x11,
    ContinueAuthentication = 0x18,
    Reauthenticate = 0x19,
    UnspecifiedError = 0x80,
    MalformedPacket = 0x81,
    ProtocolError = 0x82,
    ImplementationSpecificError = 0x83,
    UnsupportedProtocolVersion = 0x84,
    ClientIdentifierNotValid = 0x85,
    BadUserNameOrPassword = 0x86,
    NotAuthorized = 0x87,
    ServerUnavailable = 0x88,
    ServerBusy = 0x89,
    Banned = 0x8A,
    ServerShuttingDown = 0x8B,
    BadAuthenticationMethod = 0x8C,
    KeepAliveTimeout = 0x8D,
    SessionTakenOver = 0x8E,
    TopicFilterInvalid = 0x8F,
    TopicNameInvalid = 0x90,
    PacketIdentifierInUse = 0x91,
    PacketIdentifierNotFound = 0x92,
    ReceiveMaximumExceeded = 0x93,
    TopicAliasInvalid = 0x94,
    PacketTooLarge = 0x95,
    MessageRateTooHigh = 0x96,
    QuotaExceeded = 0x97,
    AdministrativeAction = 0x98,
    PayloadFormatInvalid = 0x99,
    RetainNotSupported = 0x9A,
    QosNotSupported = 0x9B,
    UseAnotherServer = 0x9C,
    ServerMoved = 0x9D,
    SharedSubscriptionsNotSupported = 0x9E,
    ConnectionRateExceeded = 0x9F,
    MaximumConnectTime = 0xA0,
    SubscriptionIdentifiersNotSupported = 0xA1,
    WildcardSubscriptionsNotSupported = 0xA2,
};

inline bool is_error(Reason reason) { return static_cast<std::uint8_t>(reason) >= 0x80; }

// The specification's name of a reason code, in lower case: "quota exceeded".
const char* reason_name(Reason reason);

// Who sends a packet: some packets and properties are legal in one direction only.
enum class Sender : std::uint8_t { Client, Server };

// Whether a packet of this type from this sender may hold this reason code (section 2.4).
bool may_carry(PacketType type, Sender sender, Reason reason);

// What a peer did wrong: what it will be told, and a literal for our log, with the statement's id.
struct ProtocolError {
    Reason reason = Reason::Success;
    const char* text = "";
};

template <typename T>
using Decoded = Result<T, ProtocolError>;

}  // namespace starling
