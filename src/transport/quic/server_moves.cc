// How connections leave a server and settle at another.
#include <algorithm>
#include <cerrno>

#include "base/assert.h"
#include "base/sabotage.h"
#include "transport/quic/server.h"

namespace starling::quic {

std::unique_ptr<Passage> QuicServer::detach(StreamState& first) {
    withdraw(first);
    auto passage = std::make_unique<Passage>();
    passage->listener = listener_;
    QuicConnection* connection = first.connection;
    if (!connection) return passage;  // its end goes alone
    if (!may_leave(*connection)) {
        counters_.add(QuicCount::MovesRefused);
        passage->is_refused = true;
        connection->close(CloseCode::Overloaded);
        return passage;
    }
    const Handle seat = connection->self();
    connection->depart();
    connection->origin = {.core = core_, .handle = seat};
    passage->connection = std::move(seats_.find(seat)->connection);
    passage->voyage = make_counted<Voyage>();
    passage->left_at = now();
    departed_.push_back({seat, passage->voyage});
    ++vacated_;
    counters_.add(QuicCount::Departures);
    return passage;
}

bool QuicServer::may_leave(const QuicConnection& connection) const {
    return mailroom_ && vacated_ < options_.connections && connection.is_movable();
}

Result<void> QuicServer::settle(Passage& passage) {
    if (passage.is_refused) return Error{EBUSY, "quic connection cannot move"};
    if (!passage.connection) return {};
    if (size() >= options_.connections) {
        counters_.add(QuicCount::MovesRefused);
        return Error{ENOBUFS, "quic connections"};
    }
    // The clock of the core that it left was perhaps read later than ours.
    now_ = std::max(now_, passage.left_at);
    const Handle handle = add(std::move(passage.connection));
    QuicConnection& connection = *find(handle);
    connection.settle(*this, handle);
    counters_.add(QuicCount::Arrivals);
    const RemoteHandle origin = connection.origin;
    if (origin.core == core_) arrived(origin.handle, {core_, handle});
    else
        mailroom_->tell(origin.core, {.kind = Envelope::Kind::Arrived,
                                      .listener = listener_,
                                      .seat = origin.handle,
                                      .connection = handle});
    return {};
}

// --- Coming back ---------------------------------------------------------------------------------

// Whoever was let in is at home here, and its next connection begins here.
void QuicServer::on_let_in(QuicConnection& connection) { offer_token(connection, core_); }

bool QuicServer::begins_here(const AddressTokens::Meaning& token) const {
    return token.is_retry || !mailroom_ || token.slot % cores_ == core_;
}

// The ids that it is given there lead there; what comes under its own has the token too.
void QuicServer::send_home(const AddressTokens::Meaning& token, const Datagram& datagram,
                           Bytes first_id) {
    const auto home = static_cast<CoreId>(token.slot % cores_);
    if (sent_home_.empty()) sent_home_.resize(limits::kQuicSentHome);
    const std::uint64_t key = keyed_hash(hash_key_, as_text(first_id));
    sent_home_[key % sent_home_.size()] = {key, home};
    counters_.add(QuicCount::Strays);
    forward({.core = home, .handle = {}}, datagram);
}

// A packet of early data under an id of the client's own, whose connection is not here. If it is
// nowhere, or has come before its Initial, the client will say it again.
void QuicServer::forward_early(const Datagram& datagram, Bytes id) {
    const std::uint64_t key = keyed_hash(hash_key_, as_text(id));
    if (sent_home_.empty() || sent_home_[key % sent_home_.size()].key != key)
        return counters_.add(QuicCount::Malformed);
    counters_.add(QuicCount::Strays);
    forward({.core = sent_home_[key % sent_home_.size()].core, .handle = {}}, datagram);
}

// --- Mail ----------------------------------------------------------------------------------------

void QuicServer::receive_mail(CoreId from, const Envelope& envelope) {
    using Kind = Envelope::Kind;
    switch (envelope.kind) {
        case Kind::Forwarded: return receive_forwarded(envelope);
        case Kind::Arrived: return arrived(envelope.seat, {from, envelope.connection});
        case Kind::Ended: return forget(envelope.seat);
    }
}

void QuicServer::receive_forwarded(const Envelope& envelope) {
    const Datagram datagram = envelope.letter->view();
    if (!envelope.connection) return receive(datagram);
    if (QuicConnection* connection = find(envelope.connection)) connection->receive(datagram);
}

void QuicServer::receive_for_moved(Handle seat, const Datagram& datagram) {
    if (STARLING_SABOTAGED(LoseForwarded)) return;
    if (const RemoteHandle to = seats_.find(seat)->moved_to) return forward(to, datagram);
    if (held_.size() < options_.held_datagrams) held_.push_back({seat, Letter(datagram)});
    else counters_.add(QuicCount::ForwardsDropped);
}

void QuicServer::forward(RemoteHandle connection, const Datagram& datagram) {
    if (connection.core == core_) {
        if (QuicConnection* one = find(connection.handle)) one->receive(datagram);
    } else if (!mailroom_->forward(connection.core, listener_, connection.handle, datagram)) {
        counters_.add(QuicCount::ForwardsDropped);
    } else if (connection.handle) {
        counters_.add(QuicCount::Forwarded);
    }
}

void QuicServer::arrived(Handle seat, RemoteHandle connection) {
    Seat* one = seats_.find(seat);
    if (!one || one->connection) return;  // of another life of this server
    one->moved_to = connection;
    std::erase_if(departed_, [&](const Departed& departed) { return departed.seat == seat; });
    std::vector<Held> waiting;
    waiting.swap(held_);
    for (Held& held : waiting)
        if (held.seat == seat) forward(connection, held.letter.view());
        else held_.push_back(std::move(held));
}

void QuicServer::tell_of_end(RemoteHandle origin) {
    if (STARLING_SABOTAGED(ForgetEnd)) return;
    if (origin.core == core_) return forget(origin.handle);
    mailroom_->tell(origin.core,
                    {.kind = Envelope::Kind::Ended, .listener = listener_, .seat = origin.handle});
}

void QuicServer::forget(Handle seat) {
    const Seat* one = seats_.find(seat);
    if (!one || one->connection) return;
    erase(seat);
    --vacated_;
}

void QuicServer::forget_lost() {
    std::erase_if(departed_, [&](const Departed& departed) {
        if (!departed.voyage->is_lost.is_up()) return false;
        std::erase_if(held_, [&](const Held& held) { return held.seat == departed.seat; });
        forget(departed.seat);
        return true;
    });
}

}  // namespace starling::quic
