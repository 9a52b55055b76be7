// The life of one client: attempt, handshake, connection, end, and again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/backoff.h"
#include "client/channel.h"
#include "client/dispatch.h"
#include "client/handshake.h"
#include "client/host.h"
#include "client/resolver.h"

namespace starling {

// What stands behind a Client, which may go before it: then it tells nobody anything more, and the
// loop reaps it. session.cc has the states, session_packets.cc what each packet means,
// session_channels.cc the streams beside the first.
//
// Owner: its loop's core.
class ClientSession {
public:
    ClientSession(ClientHost& host, ClientOptions options, ClientListener& listener);

    // The Client's: see there.
    void connect();
    void disconnect(Reason reason, const PropertyWriter& properties);
    void abandon();
    bool is_connected() const { return stage_ == Stage::Connected; }
    const ClientOptions& options() const { return options_; }
    bool publish(OutgoingMessage message, PublishDone done);
    bool publish_now(const MessageView& message, PublishDone done);
    bool request(std::uint16_t stream, ClientSubscriptions::Request request);
    std::size_t unfinished() const;
    ClientDispatch& dispatch() { return dispatch_; }

    // The loop's.
    void set_handle(Handle handle) { handle_ = handle; }
    void on_ready(std::uint16_t stream, const Readiness& readiness);
    void on_timer();
    void on_resolved(Resolver::Addresses addresses);
    void read(std::uint16_t stream) { read(channel(stream)); }
    void write();

private:
    enum class Stage : std::uint8_t {
        Idle,
        Waiting,      // until the next attempt
        Resolving,    // the host's name
        Handshaking,  // until CONNACK
        Connected,
        Losing,   // a further stream has ended: the connection may, too
        Parting,  // the further streams end, as asked for
        Closing,  // DISCONNECT is on its way
        Abandoned,
    };

    // session.cc
    void enter(Stage stage, TimeMs wake_at);
    void attempt();
    void try_address();
    void try_next_address(const Disconnection& why_not_this);
    void open(std::unique_ptr<Stream> stream);
    Result<void> attach(ClientChannel& channel);
    void read(ClientChannel& channel);
    void read_on(ClientChannel& channel);
    void write(ClientChannel& channel);
    void send_messages(ClientChannel& channel);
    void tell_room();
    void keep_alive();
    void fail(ClientChannel& channel, const Disconnection& why);
    void end(Disconnection why);
    void drop_link(ClientChannel& channel);
    void drop_links();
    bool is_leaving() const { return stage_ == Stage::Parting || stage_ == Stage::Closing; }
    TimeMs next_ping() const;
    void wake(TimeMs at);
    void mark_dirty();
    TimeMs now() const;

    // session_channels.cc
    ClientChannel& channel(std::uint16_t stream);
    bool open_further();
    void refuse_streams();
    bool has_further() const;  // that must be over before the DISCONNECT

    // A session that lasts keeps what a stream has subscribed to, with our broker, if the stream
    // ends with the connection and not before.
    bool stays(const ClientChannel& channel) const;
    template <typename Visit>
    void for_each_channel(Visit visit);
    void lose(const ClientChannel& channel, const Disconnection& why);
    void leave(const Disconnection& why, ByteVector goodbye);
    void say_goodbye();

    // session_packets.cc
    Result<bool, Disconnection> on_packet(ClientChannel& channel, const Frame& frame, Bytes packet);
    Decoded<void> on_frame(const Frame& frame);
    Decoded<void> on_channel_frame(ClientChannel& channel, const Frame& frame);
    Decoded<void> on_connack(const Frame& frame);
    Decoded<void> on_publish(ClientChannel& channel, const Frame& frame);
    Decoded<void> on_ack(ClientChannel& channel, const Frame& frame);
    Decoded<void> on_suback(ClientChannel& channel, const Frame& frame);
    Decoded<void> on_pingresp();
    Decoded<void> on_disconnect(const Frame& frame);

    bool is_resumed(const Connack& connack) const;
    Decoded<std::string_view> topic_of(ClientChannel& channel, const Publish& publish);
    void deliver(const ClientChannel& channel, const Publish& publish, std::string_view topic);
    void on_answer(ClientChannel& channel, const Ack& ack, Qos qos);
    void on_pubrec(ClientChannel& channel, const Ack& ack);
    void on_pubrel(ClientChannel& channel, const Ack& ack);
    void finish(ClientInflight::Entry entry, Reason reason);

    // Appends to the outbox what `encode(outbox)` appends.
    template <typename Encode>
    void send(ClientChannel& channel, Encode encode);
    void send_ack(ClientChannel& channel, PacketType type, std::uint16_t packet_id,
                  Reason reason = Reason::Success);
    void send_requests(ClientChannel& channel);
    std::uint32_t ids_max() const;
    std::uint32_t window() const;
    bool may_send_message(const ClientChannel& channel) const;
    bool may_publish_now(const ClientChannel& channel) const;
    void send_next_message(ClientChannel& channel);
    PublishHead publish_head(const ClientChannel& channel, const ClientInflight::Entry& entry,
                             bool is_resent) const;
    std::uint16_t free_packet_id();
    std::uint16_t unused_from(std::uint16_t packet_id);

    ClientHost& host_;
    ClientListener* listener_;
    Handle handle_;
    Stage stage_ = Stage::Idle;
    bool has_connected_ = false;  // ever
    bool is_dirty_ = false;       // write() comes this turn
    std::uint16_t last_packet_id_ = 0;
    std::uint16_t unused_packet_ids_ = 0;  // at least so many that follow it

    TimeMs wake_at_ = kNever;   // when the stage wants on_timer()
    TimeMs armed_at_ = kNever;  // the earliest timer in the wheel
    TimeMs sent_at_ = 0;        // the last packet on the first stream
    TimeMs pinged_at_ = 0;      // 0: no PINGRESP is due

    ClientChannel first_{0};
    std::vector<std::unique_ptr<ClientChannel>> further_;
    std::uint32_t served_ = 0;  // of `further_`: the next has the first go at writing
    ServerTerms terms_;
    Backoff backoff_;
    std::vector<std::string> addresses_;  // of this attempt, yet to be tried
    ClientDispatch dispatch_;
    ClientOptions options_;
    Disconnection ending_;  // of the stages Losing, Parting and Closing
    ByteVector goodbye_;    // DISCONNECT, for when the further streams have ended
};

// Keep-alive asks for packets on the first stream, though a server may count any.
template <typename Encode>
void ClientSession::send(ClientChannel& channel, Encode encode) {
    ByteVector& out = channel.link->outbox();
    const std::size_t start = out.size();
    encode(out);
    if (channel.number == 0) sent_at_ = now();
    mark_dirty();
    listener_->on_packet(PacketDirection::Sent, channel.number, Bytes(out).subspan(start));
}

template <typename Visit>
void ClientSession::for_each_channel(Visit visit) {
    visit(first_);
    for (const auto& one : further_) visit(*one);
}

}  // namespace starling
