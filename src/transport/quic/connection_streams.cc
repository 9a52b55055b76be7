// What a connection does for its streams.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/assert.h"
#include "transport/quic/connection.h"

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
    if (phase_ != Phase::Open) return nullptr;
    Visit visit(*this);
    std::int64_t id = -1;
    if (ngtcp2_conn_open_bidi_stream(visit.library(), &id, nullptr) != 0) return nullptr;
    StreamState& stream = add_stream(id);
    ngtcp2_conn_set_stream_user_data(visit.library(), id, &stream);
    return &stream;
}

StreamState& QuicConnection::add_stream(std::int64_t id) {
    auto* stream = new StreamState(id);
    stream->connection = this;
    stream->next = streams_;
    return *(streams_ = stream);
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
    host_.on_stream_gone(stream);
    delete &stream;
}

void QuicConnection::tell(StreamState& stream, bool readable, bool writable) {
    stream.is_readable = stream.is_readable || readable;
    stream.is_writable = stream.is_writable || writable;
    if (writable) stream.is_blocked = false;
    host_.on_stream_news(stream);
}

Result<QuicConnection::Read> QuicConnection::read(StreamState& stream, MutableBytes into) {
    STARLING_ASSERT(!into.empty());
    const std::size_t bytes = stream.received.take(into);
    if (bytes == 0 && stream.end != StreamEnd::Open) return Error{error_of(stream.end), "read"};
    if (bytes != 0 && stream.connection) {
        stream.credit += bytes;
        stream.connection->mark_dirty();
    }
    return Read{bytes,
                stream.received.size() != 0 || (bytes != 0 && stream.end != StreamEnd::Open)};
}

Result<std::size_t> QuicConnection::write(StreamState& stream, std::span<const iovec> pieces) {
    QuicConnection* connection = stream.connection;
    if (!connection || stream.is_finished) return Error{EPIPE, "write"};
    const std::size_t wanted = total(pieces);
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
        ngtcp2_conn_update_pkt_tx_time(library, connection->host_.now());
        stream.is_blocked = taken < wanted;
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
    stream.connection->mark_dirty();
}

void QuicConnection::reset(StreamState& stream, std::uint32_t code) {
    QuicConnection* connection = stream.connection;
    if (stream.end == StreamEnd::Open) stream.end = StreamEnd::Reset;
    stream.is_finished = true;
    stream.wants_finish = false;
    if (!connection) return;
    connection->credit_ += stream.received.size();
    stream.received.clear();
    if (stream.is_library_done) return;
    {
        Visit visit(*connection);
        shut_stream(visit.library(), stream.id, code);
    }
    connection->mark_dirty();
}

// The first stream stands for the connection.
void QuicConnection::drop(StreamState& stream) {
    QuicConnection* connection = stream.connection;
    stream.is_dropped = true;
    if (!connection) {
        delete &stream;
        return;
    }
    if (stream.id == 0) return connection->close(0);
    const bool is_complete = stream.is_finished && stream.end == StreamEnd::Finished;
    if (stream.is_library_done) return connection->remove(stream);
    if (!is_complete) reset(stream, 0);
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
    if (stream_credit_ != 0)
        ngtcp2_conn_extend_max_streams_bidi(library, std::exchange(stream_credit_, 0));
}

void QuicConnection::send_finishes(ngtcp2_conn* library) {
    for (StreamState* stream = streams_; stream; stream = stream->next) {
        if (!stream->wants_finish) continue;
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

void QuicConnection::end_streams(StreamEnd end) {
    while (StreamState* stream = streams_) {
        streams_ = stream->next;
        stream->connection = nullptr;
        stream->next = nullptr;
        stream->sent.clear();
        stream->is_library_done = true;
        if (stream->end == StreamEnd::Open) stream->end = end;
        stream->is_finished = true;
        if (stream->is_dropped) {
            host_.on_stream_gone(*stream);
            delete stream;
        } else {
            stream->has_ended = true;
            tell(*stream, true, true);
        }
    }
}

}  // namespace starling::quic
