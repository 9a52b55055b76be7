// What a connection does for its streams.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "base/sabotage.h"
#include "transport/quic/connection.h"
#include "transport/quic/ending.h"

namespace starling::quic {
namespace {

// Bytes of a stream that are copied and handed over in one piece.
constexpr std::size_t kPieceBytes = 16 << 10;

std::size_t total(std::span<const iovec> pieces) {
    std::size_t bytes = 0;
    for (const iovec& piece : pieces) bytes += piece.iov_len;
    return bytes;
}

int error_of(StreamEnd end) {
    switch (end) {
        case StreamEnd::Reset: return ECONNRESET;
        case StreamEnd::TimedOut: return ETIMEDOUT;
        case StreamEnd::Open:
        case StreamEnd::Finished: break;
    }
    return 0;
}

}  // namespace

StreamState* QuicConnection::open_stream() {
    if (phase_ == Phase::Handshake && role_ == Role::Client && !streams_) {
        StreamState& stream = add_stream(0);
        stream.is_early = !may_be_early_ || !open_in_library(stream);
        return &stream;
    }
    if (phase_ != Phase::Open) return nullptr;
    Visit visit(*this);
    std::int64_t id = -1;
    if (ngtcp2_conn_open_bidi_stream(visit.library(), &id, nullptr) != 0) return nullptr;
    StreamState& stream = add_stream(id);
    ngtcp2_conn_set_stream_user_data(visit.library(), id, &stream);
    return &stream;
}

// The handshake is done. A server that allows no stream is of no use.
void QuicConnection::open_early() {
    StreamState* stream = streams_;
    if (!stream || !stream->is_early) return;
    stream->is_early = false;
    if (open_in_library(*stream)) return tell(*stream, false, true);
    failure_ = EPROTO;
    close(0);
}

// A connection's first stream, of whose number there is no doubt.
bool QuicConnection::open_in_library(StreamState& stream) {
    Visit visit(*this);
    return ngtcp2_conn_open_bidi_stream(visit.library(), &stream.id, &stream) == 0;
}

// Whoever serves the peer's streams hears of this one.
void QuicConnection::present(StreamState& stream) {
    stream.is_waiting = false;
    stream.wants_window = stream.id == 0;
    host_->on_stream_opened(stream);
}

StreamState& QuicConnection::add_stream(std::int64_t id) {
    auto* stream = new StreamState(id);
    stream->connection = this;
    stream->next = streams_;
    return *(streams_ = stream);
}

StreamState* QuicConnection::first_stream() const {
    StreamState* stream = streams_;
    while (stream && stream->id != 0) stream = stream->next;
    return stream;
}

bool QuicConnection::has_waiting_stream() const {
    for (const StreamState* stream = streams_; stream; stream = stream->next)
        if (stream->is_waiting) return true;
    return false;
}

StreamState* QuicConnection::accept_stream() {
    if (!std::exchange(is_let_in_, true)) {
        if (phase_ == Phase::Open) host_->on_let_in(*this);
        mark_dirty();
    }
    StreamState* oldest = nullptr;
    for (StreamState* stream = streams_; stream; stream = stream->next)
        if (stream->is_waiting && (!oldest || stream->id < oldest->id)) oldest = stream;
    if (!oldest) return nullptr;
    oldest->is_waiting = false;
    oldest->wants_window = true;
    mark_dirty();
    return oldest;
}

// The peer has given up a stream that nobody has accepted: we do, too.
void QuicConnection::refuse(StreamState& stream) {
    stream.is_waiting = false;
    stream.is_dropped = true;
    stream.wants_reset = true;
}

void QuicConnection::remove(StreamState& stream) {
    StreamState** link = &streams_;
    while (*link != &stream) link = &(*link)->next;
    *link = stream.next;
    credit_ += stream.credit + stream.received.size();
    // Not before nobody holds the old one may the peer open another: streams that nobody has taken
    // yet are as many as its credit.
    if (role_ == Role::Server) ++stream_credit_;
    mark_dirty();
    host_->on_stream_gone(stream);
    delete &stream;
}

void QuicConnection::tell(StreamState& stream, bool readable, bool writable) {
    stream.is_readable = stream.is_readable || readable;
    stream.is_writable = stream.is_writable || writable;
    if (writable) stream.is_blocked = false;
    if (host_) host_->on_stream_news(stream);
}

Result<QuicConnection::Read> QuicConnection::read(StreamState& stream, MutableBytes into) {
    STARLING_ASSERT(!into.empty());
    const std::size_t bytes = stream.received.take(into);
    if ((bytes == 0 || STARLING_SABOTAGED(EndEarly)) && stream.end != StreamEnd::Open)
        return Error{stream.failure != 0 ? stream.failure : error_of(stream.end), "read"};
    if (bytes != 0 && stream.connection && !STARLING_SABOTAGED(KeepCredit)) {
        stream.credit += bytes;
        stream.connection->mark_dirty();
    }
    return Read{bytes,
                stream.received.size() != 0 || (bytes != 0 && stream.end != StreamEnd::Open)};
}

Result<std::size_t> QuicConnection::write(StreamState& stream, std::span<const iovec> pieces) {
    QuicConnection* connection = stream.connection;
    if (!connection || stream.is_finished)
        return Error{stream.failure != 0 ? stream.failure : EPIPE, "write"};
    const std::size_t wanted = total(pieces);
    if (stream.is_early || stream.unsent != 0) return 0;  // told when it is over
    if (!connection->may_wake()) {
        stream.is_blocked = true;
        return 0;
    }
    if (connection->is_all_acknowledged()) connection->silent_since_ = connection->host_->now();
    std::size_t taken = 0;
    int failure = 0;
    {
        Visit visit(*connection);
        ngtcp2_conn* library = visit.library();
        while (taken < wanted && failure == 0) {
            const std::uint64_t room = std::min(
                {std::uint64_t{wanted - taken}, std::uint64_t{kPieceBytes},
                 ngtcp2_conn_get_cwnd_left(library), ngtcp2_conn_get_max_data_left(library),
                 ngtcp2_conn_get_max_stream_data_left(library, stream.id)});
            if (room == 0) break;
            const Bytes copied = stream.sent.add(pieces, taken, room);
            const std::size_t sent = connection->send_bytes(library, stream, copied, failure);
            stream.sent.trim_last(sent);
            taken += sent;
            if (sent < copied.size()) break;
        }
        connection->pace(library);
        stream.is_blocked = taken < wanted && !STARLING_SABOTAGED(ForgetBlocked);
    }
    connection->mark_dirty();
    if (failure == NGTCP2_ERR_STREAM_SHUT_WR || failure == NGTCP2_ERR_STREAM_NOT_FOUND)
        return Error{EPIPE, "write"};
    if (failure != 0 && failure != NGTCP2_ERR_STREAM_DATA_BLOCKED) {
        connection->fail(failure);
        return Error{EPIPE, "write"};
    }
    return taken;
}

// One that is in its window costs little to send from, and its peer has been heard not long ago.
bool QuicConnection::may_wake() {
    if (wake_ == Wake::Yes || !place_.is_parked()) return true;
    if (wake_ == Wake::Waits) return false;
    if (host_->wakes().enter()) {
        wake_ = Wake::Yes;
        return true;
    }
    wake_ = Wake::Waits;
    host_->wakes().wait(self_);
    host_->count(QuicCount::WakesDelayed);
    return false;
}

// Those that were told to write and have nothing left give their place back with the next flush().
void QuicConnection::wake() {
    if (wake_ != Wake::Waits) return host_->wakes().leave();
    wake_ = Wake::Yes;
    for (StreamState* stream = streams_; stream; stream = stream->next)
        if (stream->is_blocked) tell(*stream, false, true);
    mark_dirty();
}

// The place is lent until then; whether it is still needed, the end of flush() looks.
void QuicConnection::begin_wake(ngtcp2_conn* library) {
    if (wake_ == Wake::Yes && wake_ends_ == kNeverNs)
        wake_ends_ = host_->now() + ngtcp2_conn_get_pto(library);
}

void QuicConnection::end_wake() {
    if (wake_ == Wake::Yes) host_->wakes().leave();
    wake_ = Wake::No;
    wake_ends_ = kNeverNs;
}

// Returns how many bytes the library took.
std::size_t QuicConnection::send_bytes(ngtcp2_conn* library, StreamState& stream, Bytes bytes,
                                       int& failure) {
    std::size_t taken = 0;
    ngtcp2_ssize accepted = -1;
    while (taken < bytes.size() && send_one(library, stream.id, NGTCP2_WRITE_STREAM_FLAG_NONE,
                                            bytes.subspan(taken), accepted, failure))
        if (accepted > 0) taken += static_cast<std::size_t>(accepted);
    return taken;
}

void QuicConnection::finish(StreamState& stream) {
    if (!stream.connection || stream.is_finished) return;
    stream.is_finished = true;
    stream.wants_finish = true;
    stream.was_finished = true;
    stream.connection->mark_dirty();
}

void QuicConnection::reset(StreamState& stream, std::uint32_t code) {
    QuicConnection* connection = stream.connection;
    if (stream.end == StreamEnd::Open) stream.end = StreamEnd::Reset;
    stream.is_finished = true;
    stream.wants_finish = false;
    stream.reset_code = code;
    if (!connection) return;
    if (stream.is_early) return connection->close(code);
    connection->credit_ += stream.received.size();
    stream.received.clear();
    if (stream.id == 0) return connection->close(code);
    if (stream.is_library_done) return;
    {
        Visit visit(*connection);
        shut_stream(visit.library(), stream.id, code);
    }
    connection->mark_dirty();
}

void QuicConnection::drop(StreamState& stream) {
    QuicConnection* connection = stream.connection;
    stream.is_dropped = true;
    if (!connection) {
        delete &stream;
        return;
    }
    if (stream.id == 0) return connection->leave(stream);
    const bool is_complete = stream.is_finished && stream.end == StreamEnd::Finished;
    if (stream.is_library_done) return connection->remove(stream);
    if (!is_complete) reset(stream, stream.reset_code);
}

// The first stream stands for the connection: with it, that ends. What was said before finish() is
// to arrive.
void QuicConnection::leave(const StreamState& first) {
    if (!first.was_finished) return close(CloseCode::ControlStreamDown);
    if (is_all_acknowledged()) return close(CloseCode::Done);
    is_lingering_ = true;
    deadline_ = host_->now() + limits::kQuicLingerMs * kMillisecond;
    mark_dirty();
}

bool QuicConnection::is_all_acknowledged() const {
    for (const StreamState* stream = streams_; stream; stream = stream->next)
        if (!stream->sent.empty()) return false;
    return true;
}

// The library decides when what it is told here is worth a packet.
void QuicConnection::return_credit(ngtcp2_conn* library) {
    std::uint64_t credit = std::exchange(credit_, 0);
    for (StreamState* stream = streams_; stream; stream = stream->next) {
        if (stream->credit == 0) continue;
        credit += stream->credit;
        ngtcp2_conn_extend_max_stream_offset(library, stream->id, std::exchange(stream->credit, 0));
    }
    if (credit != 0) ngtcp2_conn_extend_max_offset(library, credit);
    if (role_ == Role::Server) widen(library);
    if (stream_credit_ != 0) return_streams(library);
}

// The first stream has all its window as soon as it is there; the others, and the connection, when
// the peer has been let in.
void QuicConnection::widen(ngtcp2_conn* library) {
    const QuicOptions& options = host_->options();
    const auto rest = [](std::uint32_t all, std::uint32_t held) {
        return all > held ? all - held : 0;
    };
    for (StreamState* stream = streams_; stream; stream = stream->next) {
        if (!stream->wants_window) continue;
        stream->wants_window = false;
        ngtcp2_conn_extend_max_stream_offset(library, stream->id,
                                             rest(options.stream_bytes, options.held_stream_bytes));
    }
    if (is_let_in_ && !std::exchange(is_widened_, true))
        ngtcp2_conn_extend_max_offset(library, rest(options.connection_bytes, options.held_bytes));
}

// Each stream costs state for the time of its life: what is withheld is given when the second is
// over.
void QuicConnection::return_streams(ngtcp2_conn* library) {
    const std::uint16_t most = host_->options().streams_per_second;
    if (second_ends_ <= host_->now()) {
        second_ends_ = host_->now() + kSecond;
        streams_in_second_ = 0;
    }
    const auto given = static_cast<std::uint16_t>(
        std::min<int>(stream_credit_, std::max(0, most - streams_in_second_)));
    streams_in_second_ = static_cast<std::uint16_t>(streams_in_second_ + given);
    stream_credit_ = static_cast<std::uint16_t>(stream_credit_ - given);
    if (given != 0) ngtcp2_conn_extend_max_streams_bidi(library, given);
    if (stream_credit_ != 0) host_->count(QuicCount::StreamCreditsWithheld);
}

// What a server has refused as early data, before anything else of its stream.
void QuicConnection::send_again(ngtcp2_conn* library, int& failure) {
    for (StreamState* stream = streams_; stream; stream = stream->next) {
        if (stream->unsent == 0 || stream->is_early) continue;
        int reason = 0;
        while (stream->unsent != 0 && reason == 0) {
            const Bytes piece = stream->sent.piece_of_last(stream->unsent);
            const std::size_t sent = send_bytes(library, *stream, piece, reason);
            stream->unsent -= static_cast<std::uint32_t>(sent);
            if (sent < piece.size()) break;
        }
        // There may be less credit than there was, or nobody who wants it any more.
        if (reason == NGTCP2_ERR_STREAM_SHUT_WR || reason == NGTCP2_ERR_STREAM_NOT_FOUND)
            stream->unsent = 0;
        else if (reason != NGTCP2_ERR_STREAM_DATA_BLOCKED && failure == 0) failure = reason;
        if (stream->unsent == 0) tell(*stream, false, true);
    }
}

// Ends and resets that could not be told at once.
void QuicConnection::send_endings(ngtcp2_conn* library) {
    for (StreamState* stream = streams_; stream; stream = stream->next) {
        if (stream->is_early) continue;
        if (stream->wants_reset) shut_stream(library, stream->id, stream->reset_code);
        stream->wants_reset = false;
        if (!stream->wants_finish || stream->unsent != 0) continue;
        ngtcp2_ssize accepted = -1;
        int failure = 0;
        while (accepted < 0 &&
               send_one(library, stream->id, NGTCP2_WRITE_STREAM_FLAG_FIN, {}, accepted, failure)) {
        }
        // A stream that can take no end any more needs none.
        stream->wants_finish = accepted < 0 && failure != NGTCP2_ERR_STREAM_SHUT_WR &&
                               failure != NGTCP2_ERR_STREAM_NOT_FOUND;
    }
}

// Who was cut short may go on as soon as both windows and the path have room.
void QuicConnection::wake_blocked(ngtcp2_conn* library) {
    for (StreamState* stream = streams_; stream; stream = stream->next)
        if (stream->is_blocked && ngtcp2_conn_get_cwnd_left(library) != 0 &&
            ngtcp2_conn_get_max_data_left(library) != 0 &&
            ngtcp2_conn_get_max_stream_data_left(library, stream->id) != 0)
            tell(*stream, false, true);
}

void QuicConnection::end_streams(const Ending& ending) {
    while (StreamState* stream = streams_) {
        streams_ = stream->next;
        stream->connection = nullptr;
        stream->next = nullptr;
        stream->sent.clear();
        stream->is_library_done = true;
        if (stream->end == StreamEnd::Open) {
            stream->end = stream_end_of(ending);
            stream->failure = failure_;
        }
        stream->is_finished = true;
        if (stream->is_dropped || stream->is_waiting) {
            if (host_) host_->on_stream_gone(*stream);
            delete stream;
        } else {
            stream->remains = std::make_unique<const Remains>(Remains{ending, peer_});
            stream->has_ended = true;
            tell(*stream, true, true);
        }
    }
}

}  // namespace starling::quic
