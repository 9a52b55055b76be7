// The life of one client: attempt, handshake, connection, end, and again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/backoff.h"
#include "client/dispatch.h"
#include "client/handshake.h"
#include "client/host.h"
#include "client/inflight.h"
#include "client/link.h"
#include "client/received_ids.h"
#include "client/resolver.h"
#include "client/subscriptions.h"
#include "client/topic_aliases.h"

namespace starling {

// What stands behind a Client, which may go before it: then it tells nobody anything more, and the
// loop reaps it. session.cc has the states, session_packets.cc what each packet means.
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
    bool request(ClientSubscriptions::Request request);
    std::size_t unfinished() const { return inflight_.size(); }
    ClientDispatch& dispatch() { return dispatch_; }

    // The loop's.
    void set_handle(Handle handle) { handle_ = handle; }
    void on_ready(const Readiness& readiness);
    void on_timer();
    void on_resolved(Resolver::Addresses addresses);
    void read();
    void write();

private:
    enum class Stage : std::uint8_t {
        Idle,
        Waiting,      // until the next attempt
        Resolving,    // the host's name
        Handshaking,  // until CONNACK
        Connected,
        Closing,  // DISCONNECT is on its way
        Abandoned,
    };

    // session.cc
    void enter(Stage stage, TimeMs wake_at);
    void attempt();
    void try_address();
    void try_next_address(const Disconnection& why_not_this);
    void open(std::unique_ptr<Stream> stream);
    void read_on();
    void send_messages();
    void keep_alive();
    void fail(const Disconnection& why);
    void end(Disconnection why);
    void drop_link();
    TimeMs next_ping() const;
    void wake(TimeMs at);
    void mark_dirty();
    TimeMs now() const;

    // session_packets.cc
    Result<bool, Disconnection> on_packet(const Frame& frame, Bytes packet);
    Decoded<void> on_frame(const Frame& frame);
    Decoded<void> on_connack(const Frame& frame);
    Decoded<void> on_publish(const Frame& frame);
    Decoded<void> on_ack(const Frame& frame);
    Decoded<void> on_suback(const Frame& frame);
    Decoded<void> on_pingresp();
    Decoded<void> on_disconnect(const Frame& frame);

    bool is_resumed(const Connack& connack) const;
    void forget_session();
    Decoded<std::string_view> topic_of(const Publish& publish);
    void deliver(const Publish& publish, std::string_view topic);
    void on_answer(const Ack& ack, Qos qos);
    void on_pubrec(const Ack& ack);
    void on_pubrel(const Ack& ack);
    void finish(ClientInflight::Entry entry, Reason reason);

    // Appends to the outbox what `encode(outbox)` appends.
    template <typename Encode>
    void send(Encode encode);
    void send_ack(PacketType type, std::uint16_t packet_id, Reason reason = Reason::Success);
    void send_requests();
    std::uint32_t window() const;
    bool may_send_message() const;
    bool may_publish_now() const;
    void send_next_message();
    PublishHead publish_head(const ClientInflight::Entry& entry, bool is_resent) const;
    std::uint16_t free_packet_id();

    ClientHost& host_;
    ClientListener* listener_;
    Handle handle_;
    Stage stage_ = Stage::Idle;
    bool has_connected_ = false;  // ever
    bool is_dirty_ = false;       // write() comes this turn
    bool is_paused_ = false;      // reading waits until the outbox has room
    bool wants_room_ = false;     // publish_now() has refused
    bool is_finished_ = false;    // nothing more will be written to the link
    std::uint16_t last_packet_id_ = 0;
    std::uint16_t unused_packet_ids_ = 0;  // at least so many that follow it

    TimeMs wake_at_ = kNever;   // when the stage wants on_timer()
    TimeMs armed_at_ = kNever;  // the earliest timer in the wheel
    TimeMs sent_at_ = 0;        // the last packet
    TimeMs pinged_at_ = 0;      // 0: no PINGRESP is due

    std::unique_ptr<ClientLink> link_;
    ServerTerms terms_;
    Backoff backoff_;
    std::vector<std::string> addresses_;  // of this attempt, yet to be tried
    ClientAliases aliases_in_, aliases_out_;
    ClientReceivedIds received_;
    ClientInflight inflight_;
    ClientSubscriptions subscriptions_;
    ClientDispatch dispatch_;
    ClientOptions options_;
    Disconnection ending_;  // of the stage Closing
};

template <typename Encode>
void ClientSession::send(Encode encode) {
    ByteVector& out = link_->outbox();
    const std::size_t start = out.size();
    encode(out);
    sent_at_ = now();
    mark_dirty();
    listener_->on_packet(PacketDirection::Sent, Bytes(out).subspan(start));
}

}  // namespace starling
