#include "mqtt/types.h"

namespace starling {
namespace {

// The packets that carry a reason code. DISCONNECT and AUTH allow other codes each way.
constexpr unsigned kConnack = 1 << 0;
constexpr unsigned kReceived = 1 << 1;  // PUBACK and PUBREC
constexpr unsigned kReleased = 1 << 2;  // PUBREL and PUBCOMP
constexpr unsigned kSuback = 1 << 3;
constexpr unsigned kUnsuback = 1 << 4;
constexpr unsigned kClientDisconnect = 1 << 5;
constexpr unsigned kServerDisconnect = 1 << 6;
constexpr unsigned kClientAuth = 1 << 7;
constexpr unsigned kServerAuth = 1 << 8;

constexpr unsigned kDisconnect = kClientDisconnect | kServerDisconnect;
constexpr unsigned kAuth = kClientAuth | kServerAuth;
constexpr unsigned kRequested = kReceived | kSuback | kUnsuback;

struct Rule {
    Reason reason;
    unsigned carriers;
    const char* name;
};

// Section 2.4, and the lists of 3.2.2.2, 3.4.2.1 ... 3.15.2.1.
constexpr Rule kRules[] = {
    {Reason::Success, kConnack | kRequested | kReleased | kDisconnect | kServerAuth, "success"},
    {Reason::GrantedQos1, kSuback, "granted QoS 1"},
    {Reason::GrantedQos2, kSuback, "granted QoS 2"},
    {Reason::DisconnectWithWill, kClientDisconnect, "disconnect with will message"},
    {Reason::NoMatchingSubscribers, kReceived, "no matching subscribers"},
    {Reason::NoSubscriptionExisted, kUnsuback, "no subscription existed"},
    {Reason::ContinueAuthentication, kAuth, "continue authentication"},
    {Reason::Reauthenticate, kClientAuth, "re-authenticate"},
    {Reason::UnspecifiedError, kConnack | kRequested | kDisconnect, "unspecified error"},
    {Reason::MalformedPacket, kConnack | kDisconnect, "malformed packet"},
    {Reason::ProtocolError, kConnack | kDisconnect, "protocol error"},
    {Reason::ImplementationSpecificError, kConnack | kRequested | kDisconnect,
     "implementation specific error"},
    {Reason::UnsupportedProtocolVersion, kConnack, "unsupported protocol version"},
    {Reason::ClientIdentifierNotValid, kConnack, "client identifier not valid"},
    {Reason::BadUserNameOrPassword, kConnack, "bad user name or password"},
    {Reason::NotAuthorized, kConnack | kRequested | kServerDisconnect, "not authorized"},
    {Reason::ServerUnavailable, kConnack, "server unavailable"},
    {Reason::ServerBusy, kConnack | kServerDisconnect, "server busy"},
    {Reason::Banned, kConnack, "banned"},
    {Reason::ServerShuttingDown, kServerDisconnect, "server shutting down"},
    {Reason::BadAuthenticationMethod, kConnack | kDisconnect, "bad authentication method"},
    {Reason::KeepAliveTimeout, kServerDisconnect, "keep alive timeout"},
    {Reason::SessionTakenOver, kServerDisconnect, "session taken over"},
    {Reason::TopicFilterInvalid, kSuback | kUnsuback | kServerDisconnect, "topic filter invalid"},
    {Reason::TopicNameInvalid, kConnack | kReceived | kDisconnect, "topic name invalid"},
    {Reason::PacketIdentifierInUse, kRequested, "packet identifier in use"},
    {Reason::PacketIdentifierNotFound, kReleased, "packet identifier not found"},
    {Reason::ReceiveMaximumExceeded, kDisconnect, "receive maximum exceeded"},
    {Reason::TopicAliasInvalid, kDisconnect, "topic alias invalid"},
    {Reason::PacketTooLarge, kConnack | kDisconnect, "packet too large"},
    {Reason::MessageRateTooHigh, kDisconnect, "message rate too high"},
    {Reason::QuotaExceeded, kConnack | kReceived | kSuback | kDisconnect, "quota exceeded"},
    {Reason::AdministrativeAction, kDisconnect, "administrative action"},
    {Reason::PayloadFormatInvalid, kConnack | kReceived | kDisconnect, "payload format invalid"},
    {Reason::RetainNotSupported, kConnack | kServerDisconnect, "retain not supported"},
    {Reason::QosNotSupported, kConnack | kServerDisconnect, "QoS not supported"},
    {Reason::UseAnotherServer, kConnack | kServerDisconnect, "use another server"},
    {Reason::ServerMoved, kConnack | kServerDisconnect, "server moved"},
    {Reason::SharedSubscriptionsNotSupported, kSuback | kServerDisconnect,
     "shared subscriptions not supported"},
    {Reason::ConnectionRateExceeded, kConnack | kServerDisconnect, "connection rate exceeded"},
    {Reason::MaximumConnectTime, kServerDisconnect, "maximum connect time"},
    {Reason::SubscriptionIdentifiersNotSupported, kSuback | kServerDisconnect,
     "subscription identifiers not supported"},
    {Reason::WildcardSubscriptionsNotSupported, kSuback | kServerDisconnect,
     "wildcard subscriptions not supported"},
};

const Rule* find_rule(Reason reason) {
    for (const Rule& rule : kRules)
        if (rule.reason == reason) return &rule;
    return nullptr;
}

unsigned carrier(PacketType type, Sender sender) {
    switch (type) {
        case PacketType::Connack: return kConnack;
        case PacketType::Puback:
        case PacketType::Pubrec: return kReceived;
        case PacketType::Pubrel:
        case PacketType::Pubcomp: return kReleased;
        case PacketType::Suback: return kSuback;
        case PacketType::Unsuback: return kUnsuback;
        case PacketType::Disconnect:
            return sender == Sender::Client ? kClientDisconnect : kServerDisconnect;
        case PacketType::Auth: return sender == Sender::Client ? kClientAuth : kServerAuth;
        default: return 0;
    }
}

}  // namespace

const char* reason_name(Reason reason) {
    const Rule* rule = find_rule(reason);
    return rule ? rule->name : "unknown reason";
}

bool may_carry(PacketType type, Sender sender, Reason reason) {
    const Rule* rule = find_rule(reason);
    return rule && (rule->carriers & carrier(type, sender)) != 0;
}

}  // namespace starling
