// An asynchronous MQTT client, and the loop that runs many of them on one core.
//
//     const SystemClock clock;
//     auto poller = std::move(*EpollPoller::open());
//     Core core(0, *poller, clock);
//     OffloadPool resolvers(1, 16);
//     ClientLoop loop(core, resolvers, secret_u64());
//
//     ClientListener listener;
//     Client client(loop, {.host = "broker.example"}, listener);
//     client.on("lamps/+", [](const IncomingMessage& message) { ... });
//     client.connect();
//     client.subscribe({.filters = {{.filter = "lamps/+"}}});
//     core.run(loop);
//
// Nothing here blocks or throws, and every callback comes from a turn of the core. A callback may
// use the client in any way, and destroy it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "mqtt/encode.h"
#include "mqtt/packets.h"
#include "mqtt/types.h"
#include "reactor/core.h"
#include "reactor/offload.h"
#include "transport/stream.h"

namespace starling {

namespace quic {
class QuicDialer;
}

class ClientSession;

// Streams that a client may have beside its first.
inline constexpr std::uint16_t kFurtherStreamsMax = 255;

// The stream for a topic where all of them are spread over streams 1 to `further`: always the same
// one, so that messages on one topic keep their order. The first stream where there are no others.
std::uint16_t stream_of(std::string_view topic, std::uint16_t further);

// A message to publish, or a will.
struct OutgoingMessage {
    std::string topic;
    ByteVector payload;
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
    std::uint16_t stream = 0;  // see ClientOptions::further_streams; a will has none

    // Version 5; below, these are left out.
    std::uint64_t expiry_interval_s = kNoMessageExpiry;
    std::uint16_t topic_alias = 0;  // the topic goes only once; 0 or beyond the server's: none
    PropertyWriter properties;      // all the others
};

// A message to write at once. Its views are needed no longer than the call.
struct MessageView {
    std::string_view topic;
    Bytes payload;
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
    std::uint16_t stream = 0;
};

// A message that came. Its views last as long as the callback.
struct IncomingMessage {
    std::string_view topic;
    Bytes payload;
    Qos qos = Qos::AtMostOnce;
    bool dup = false;
    bool retain = false;
    std::uint16_t stream = 0;       // that it came on
    std::uint16_t packet_id = 0;    // 0 at QoS 0
    std::uint16_t topic_alias = 0;  // 0: none
    std::uint64_t expiry_interval_s = kNoMessageExpiry;
    Bytes properties;  // the raw block: read it with for_each_property()
};

struct ClientSubscription {
    std::string filter;
    Qos qos = Qos::AtMostOnce;

    // Version 5.
    bool no_local = false;
    bool retain_as_published = false;
    std::uint8_t retain_handling = 0;
};

// One SUBSCRIBE.
struct SubscribeRequest {
    std::vector<ClientSubscription> filters;
    std::uint16_t stream = 0;      // where the messages are to come
    std::uint32_t identifier = 0;  // version 5; 0: none
    PropertyWriter properties;
};

// One UNSUBSCRIBE.
struct UnsubscribeRequest {
    std::vector<std::string> filters;
    std::uint16_t stream = 0;  // that subscribed
    PropertyWriter properties;
};

// When to connect anew. The wait doubles from the least to the most; of each, a random half is
// taken off, so that the clients of a failed server do not return all at once.
struct ReconnectOptions {
    bool is_enabled = true;
    TimeMs wait_ms_min = 1'000;
    TimeMs wait_ms_max = 60'000;
    std::uint32_t attempts_max = 0;  // failures in a row before the client gives up; 0: no limit
};

struct ClientOptions {
    std::string host = "localhost";  // a name or a numeric address
    std::uint16_t port = 1883;
    Version version = Version::V5;

    // CONNECT. An empty id is given out by the server, and kept when it tells which.
    std::string client_id;
    bool clean_start = true;  // of the first connection; later ones resume what outlived theirs
    std::uint16_t keep_alive_s = 60;  // 0: none; the server's own value goes first
    std::optional<std::string> user_name;
    std::optional<std::string> password;
    std::optional<OutgoingMessage> will;

    // CONNECT in version 5.
    std::uint32_t session_expiry_interval_s = 0;
    std::uint16_t receive_maximum = 65'535;  // QoS 2 messages half received; more: disconnects
    std::uint16_t topic_alias_maximum = 0;
    PropertyWriter properties;  // all the others

    // A larger packet ends the connection; a version 5 server is told.
    std::uint32_t packet_bytes_max = 1'048'576;

    // Streams beside the first, number 0, which carries the life of the connection: numbers 1 and
    // up, for messages and subscriptions that are to wait for none of the others. Each has an
    // order, a window, topic aliases and subscriptions of its own, and ends with its connection;
    // the next one has new ones, where all that was unfinished goes on as if the server had lost
    // the session. A message unanswered when a connection is lost may so arrive twice, of QoS 2,
    // too. A server, or a transport, that does not allow as many ends the connection for good.
    std::uint16_t further_streams = 0;

    // Messages that wait or are unacknowledged on a stream, and their bytes; one alone may be
    // larger. At the bound publish() refuses.
    std::uint32_t messages_max = 1'000;
    std::size_t message_bytes_max = 16'777'216;

    // Messages unacknowledged at a time on a stream, where the server takes as many; others wait.
    // QoS 0 keeps its place among them.
    std::uint16_t inflight_max = 100;

    // Requests to subscribe that are kept for a stream. At the bound subscribe() and unsubscribe()
    // refuse.
    std::uint32_t subscriptions_max = 1'000;

    // Patience: with one address of the server, up to its CONNACK; with its PINGRESP; and with the
    // last bytes of a connection that ends.
    TimeMs connect_timeout_ms = 30'000;
    TimeMs ping_timeout_ms = 30'000;
    TimeMs close_timeout_ms = 2'000;

    ReconnectOptions reconnect;
};

// The server's consent. Its views last as long as the callback.
struct ConnectAnswer {
    bool session_present = false;
    std::string_view client_id;    // the assigned one, if there was none
    const Properties& properties;  // of CONNACK; at their defaults below version 5
};

// Why a connection, or the attempt to make one, ended.
enum class Ending : std::uint8_t {
    Requested,          // disconnect() was called
    Unresolved,         // the host has no address: `error` is getaddrinfo()'s
    Unreachable,        // no address of the host took the connection: `error` is a stream's
    Refused,            // CONNACK said `reason`
    Disconnected,       // the server's DISCONNECT said `reason`
    Lost,               // a stream ended: `error` is its, or 0 when the server closed it
    TooFewStreams,      // there cannot be as many as the options ask for
    PingUnanswered,     // the server is silent
    ProtocolViolation,  // by the server, which was told `reason`
};

// A stream's error is one that error_text() of transport/fault.h explains.
struct Disconnection {
    Ending ending = Ending::Requested;
    Reason reason = Reason::Success;
    int error = 0;
    std::string_view text;  // the server's reason string or a literal; lasts as the callback
    std::optional<TimeMs> retry_in_ms;  // none: the client rests until connect() is called
};

enum class PacketDirection : std::uint8_t { Sent, Received };

// What a client reports. Owner: the application; outlives its clients, and may serve many.
class ClientListener {
public:
    virtual ~ClientListener() = default;

    virtual void on_connected(const ConnectAnswer&) {}

    // Comes after a failed attempt too.
    virtual void on_disconnected(const Disconnection&) {}

    // A message whose topic no handler's filter matches. It has been acknowledged.
    virtual void on_message(const IncomingMessage&) {}

    // publish_now() has refused a message, and would take one now.
    virtual void on_room() {}

    // A whole packet, for whoever wants to watch: this callback may not use the client.
    virtual void on_packet(PacketDirection, std::uint16_t /*stream*/, Bytes) {}
};

using MessageHandler = std::function<void(const IncomingMessage&)>;

// Called once: when a QoS 0 message has left the queue, when the server has answered for another,
// or with the reason why it cannot be sent (larger, of a higher QoS or retained against the
// server's word). Not called for what is still unfinished when the client is destroyed.
using PublishDone = std::function<void(Reason)>;

// Called once, with a reason for each filter; with none for UNSUBACK below version 5.
using RequestDone = std::function<void(std::span<const Reason>)>;

// Opens a stream to a numeric address.
using Dial = std::function<Result<std::unique_ptr<Stream>>(const std::string& address,
                                                           const ClientOptions&)>;
Result<std::unique_ptr<Stream>> dial_tcp(const std::string& address, const ClientOptions& options);

// Over QUIC, on the first stream of a connection of its own; `options.host` is whom the server must
// be by its certificate. The dialer, whose poller is the core's, outlives the loop.
Dial dial_quic(quic::QuicDialer& dialer);

// The clients of one core. An application with timers or sockets of its own derives from it: tokens
// below kApplicationTokens are never a client's.
// Owner: its core; outlives its clients.
class ClientLoop : public TurnHandler {
public:
    static constexpr std::uint64_t kApplicationTokens = 1ull << 32;

    // `resolvers` look up host names. `seed` spreads the reconnects of this process.
    ClientLoop(Core& core, OffloadPool& resolvers, std::uint64_t seed, Dial dial = dial_tcp);
    ~ClientLoop() override;

    void read(std::span<const Readiness> ready) override;
    void mail() override;
    void timer(std::uint64_t token) override;
    void commit() override {}
    void post() override {}
    void write() override;
    void reap() override;
    bool has_work() const override;
    bool has_mail() const override;

    Core& core();

    struct State;
    State& state() { return *state_; }

private:
    std::unique_ptr<State> state_;
};

// One client. Whatever is asked of it before it is connected waits until it is, and what a lost
// connection leaves unfinished goes on with the next: subscriptions are asked for anew,
// unacknowledged messages sent again, with DUP where the server still has the session; where it has
// not, a message may arrive twice.
//
// Idle it costs its options and about 400 bytes, and no buffer. Owner: its loop's core.
class Client {
public:
    Client(ClientLoop& loop, ClientOptions options, ClientListener& listener);
    Client(Client&& other) noexcept;
    Client& operator=(Client&& other) noexcept;

    // Ends without a DISCONNECT, so that the server publishes the will.
    ~Client();

    // Connects, and again after each failure as the options say, until disconnect(). Some failures
    // are final: a refusal that will not change, and another client that took this one's id over.
    void connect();

    // Sends what has left the queues, then DISCONNECT. on_disconnected() tells the end; until then
    // connect() does nothing.
    void disconnect(Reason reason = Reason::Success, const PropertyWriter& properties = {});

    bool is_connected() const;
    const std::string& client_id() const;

    // False when the stream's queue is full: nothing was taken.
    // REQUIRES: is_topic_name(message.topic); message.stream <= options.further_streams, as for
    // everything that names a stream.
    [[nodiscard]] bool publish(OutgoingMessage message, PublishDone done = {});

    // Writes the message to the connection and keeps neither topic nor payload: for who sends much.
    // False when it would have to wait: nothing was taken, and on_room() follows when it would not,
    // on this connection or the next. What is unanswered when a connection ends is lost with its
    // `done`.
    // REQUIRES: is_topic_name(message.topic), and options of a session that ends with its
    // connection.
    [[nodiscard]] bool publish_now(const MessageView& message, PublishDone done = {});

    // Messages that wait or are unacknowledged, on all streams.
    std::size_t unfinished() const;

    // False at the bound: nothing was taken. A filter that was subscribed to is given its new
    // options. REQUIRES: is_topic_filter() of each filter.
    bool subscribe(SubscribeRequest request, RequestDone done = {});
    bool unsubscribe(UnsubscribeRequest request, RequestDone done = {});

    // Gives `handler` each message whose topic matches `filter`, beside other handlers. It tells
    // the server nothing. A filter has one handler.
    void on(std::string filter, MessageHandler handler);
    void off(std::string_view filter);

private:
    ClientSession* session_;
};

}  // namespace starling
