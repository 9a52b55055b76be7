#include "transport/quic/endpoint.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/sabotage.h"

namespace starling::quic {

QuicEndpoint::QuicEndpoint(const Setup& setup)
    : tls_(setup.tls),
      options_(setup.options),
      sender_(setup.sender),
      crypto_(setup.options.live_ciphers),
      windows_({.windows = setup.options.windows,
                .pinned = setup.options.pinned,
                .parks_always = setup.options.parks_always},
               setup.seed),
      wakes_(setup.options.wakes),
      ids_(setup.keys, setup.core, setup.cores) {}

QuicEndpoint::~QuicEndpoint() { STARLING_ASSERT(seats_.size() == 0); }

// Connections call back, so they go before the roles above this class do.
void QuicEndpoint::destroy_all() {
    seats_.for_each([&](Handle handle, Seat& seat) {
        if (seat.connection) end(handle);
        else erase(handle);
    });
    vacated_ = 0;
    dirty_.clear();
    listed_.clear();
}

void QuicEndpoint::receive(const Datagram& datagram) {
    counters_.add(QuicCount::DatagramsReceived);
    if (datagram.bytes.empty()) return counters_.add(QuicCount::Malformed);  // the library asserts
    ngtcp2_version_cid header{};
    const int wrong = ngtcp2_pkt_decode_version_cid(&header, raw(datagram.bytes.data()),
                                                    datagram.bytes.size(), kIdBytes);
    if (wrong != 0 && wrong != NGTCP2_ERR_VERSION_NEGOTIATION)
        return counters_.add(QuicCount::Malformed);
    const Bytes id(reinterpret_cast<const std::byte*>(header.dcid), header.dcidlen);
    const Handle seat = seat_by_id(id);
    if (!seat) return receive_unknown(datagram, header);
    if (QuicConnection* connection = find(seat)) return connection->receive(datagram);
    receive_for_moved(seat, datagram);
}

Handle QuicEndpoint::seat_by_id(Bytes id) {
    const auto meaning = ids_.read(id);
    if (meaning.origin != ConnectionIds::Origin::Current) return {};
    if (!seats_.is_alive(meaning.index)) return {};
    const Handle handle = seats_.handle(meaning.index);
    const bool is_same = (handle.generation & ConnectionIds::kGenerationMask) == meaning.generation;
    return is_same ? handle : Handle{};
}

QuicConnection* QuicEndpoint::find(Handle connection) {
    const Seat* seat = seats_.find(connection);
    return seat ? seat->connection.get() : nullptr;
}

Handle QuicEndpoint::add(std::unique_ptr<QuicConnection> connection) {
    const std::uint8_t place = ids_.newest();
    counters_.add_key_use(place, 1);
    return seats_.emplace(Seat{std::move(connection), {}, place});
}

void QuicEndpoint::erase(Handle seat) {
    counters_.add_key_use(seats_.find(seat)->key_place, -1);
    seats_.erase(seat);
}

ConnectionId QuicEndpoint::issue_id(Handle connection, std::uint16_t sequence, std::byte salt) {
    return ids_.issue(connection, sequence, salt, seats_.find(connection)->key_place);
}

// REQUIRES: a connection is there.
void QuicEndpoint::end(Handle seat) {
    on_ended(*find(seat));
    erase(seat);
}

void QuicEndpoint::expire() {
    while (timers_.next() <= now_) {
        const TimeNs due = timers_.next();
        QuicConnection* connection = find(timers_.pop());
        if (!connection) continue;
        if (connection->armed_at == due) connection->armed_at = kNeverNs;
        if (connection->expiry() <= now_) connection->expire();
        arm(*connection);
    }
}

void QuicEndpoint::arm(QuicConnection& connection) {
    // One that is due and was just served comes again with the next flush().
    const TimeNs due = std::max(connection.expiry(), now_ + 1);
    if (connection.expiry() == kNeverNs || due >= connection.armed_at) return;
    connection.armed_at = due;
    timers_.arm(due, connection.self());
}

void QuicEndpoint::save_memory() {
    constexpr TimeNs kPause = kSecond / limits::kQuicSavesPerSecond;
    if (now_ < saved_at_ + kPause) return;
    saved_at_ = now_;
    windows_.give_back(options_.windows / limits::kQuicSavesPerSecond + 1);
}

// A connection that fails here is listed again, as one that has ended.
void QuicEndpoint::flush() {
    while (!dirty_.empty()) {
        for (const Handle handle : std::exchange(dirty_, {})) {
            QuicConnection* connection = find(handle);
            if (!connection) continue;
            connection->is_dirty = false;
            connection->flush();
            if (connection->is_gone()) end(handle);
            else arm(*connection);
        }
    }
    count_what_is();
}

void QuicEndpoint::count_what_is() {
    const WindowCache::Counts& windows = windows_.counts();
    counters_.set(QuicCount::Connections, size());
    counters_.set(QuicCount::Parked, windows.parked);
    counters_.set(QuicCount::Large, windows.large);
    counters_.set(QuicCount::Pinned, windows.pinned);
    counters_.set(QuicCount::WindowBytes, windows.window_bytes);
    counters_.set(QuicCount::Awake, wakes_.awake());
    counters_.set(QuicCount::BlobBytes, windows.blob_bytes);
    counters_.set(QuicCount::WindowHits, windows.hits);
    counters_.set(QuicCount::WindowLoads, windows.loads);
}

void QuicEndpoint::count_early(const QuicConnection& connection) {
    switch (connection.early_outcome()) {
        case EarlyOutcome::None: break;
        case EarlyOutcome::Accepted: return counters_.add(QuicCount::EarlyAccepted);
        case EarlyOutcome::Refused: return counters_.add(QuicCount::EarlyRefused);
    }
}

void QuicEndpoint::on_dirty(QuicConnection& connection) {
    connection.is_dirty = true;
    dirty_.push_back(connection.self());
}

void QuicEndpoint::attach(StreamState& stream, std::uint64_t token) {
    stream.token = token;
    stream.is_attached = true;
    stream.is_readable = !STARLING_SABOTAGED(LoseMovedNews);
    stream.is_writable = true;
    stream.has_ended = stream.end != StreamEnd::Open;
    const bool is_first = stream.id == 0 && stream.connection;
    stream.has_opened = is_first && stream.connection->has_waiting_stream();
    on_stream_news(stream);
}

void QuicEndpoint::withdraw(StreamState& stream) {
    stream.is_attached = false;
    on_stream_gone(stream);
}

std::unique_ptr<Passage> QuicEndpoint::detach(StreamState& stream) {
    withdraw(stream);
    return nullptr;
}

void QuicEndpoint::on_stream_news(StreamState& stream) {
    if (!stream.is_attached || stream.is_listed) return;
    stream.is_listed = true;
    listed_.push_back(&stream);
}

void QuicEndpoint::on_stream_gone(StreamState& stream) {
    if (!stream.is_listed) return;
    stream.is_listed = false;
    listed_.erase(std::ranges::find(listed_, &stream));
}

// A place is taken for each before it writes, so that nobody overtakes it.
void QuicEndpoint::wake_who_waits() {
    while (wakes_.has_next()) {
        if (QuicConnection* connection = find(wakes_.next())) connection->wake();
        else wakes_.leave();
    }
}

void QuicEndpoint::take_news(std::vector<Readiness>& news) {
    wake_who_waits();
    for (StreamState* stream : std::exchange(listed_, {})) {
        const bool is_misnamed = STARLING_SABOTAGED(MisnameNews) && !news.empty();
        news.push_back({.token = is_misnamed ? news.back().token : stream->token,
                        .readable = stream->is_readable,
                        .writable = stream->is_writable,
                        .ended = stream->has_ended,
                        .opened = stream->has_opened});
        stream->is_listed = stream->is_readable = stream->is_writable = false;
        stream->has_ended = stream->has_opened = false;
    }
}

}  // namespace starling::quic
