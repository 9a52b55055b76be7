#include "transport/quic/connection.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/assert.h"
#include "transport/fault.h"
#include "transport/quic/early_limits.h"
#include "transport/quic/library_types.h"
#include "transport/quic/tls_faults.h"

namespace starling::quic {
namespace {

using Cause = Ending::Cause;

// Times that the library may widen the windows of a peer that is read fast.
constexpr std::uint64_t kWidenings = 4;

constexpr std::uint64_t kFarewellPtos = 3;  // RFC 9000, section 10.2

}  // namespace

// No path MTU discovery: it would double the packets of a handshake and send 1.4 KB probes.
ngtcp2_settings QuicConnection::settings() const {
    const QuicOptions& options = host_->options();
    ngtcp2_settings settings;
    ngtcp2_settings_default(&settings);
    settings.initial_ts = host_->now();
    settings.handshake_timeout = options.handshake_timeout_s * kSecond;
    // The library widens what it has begun with, and knows nothing of what widen() adds.
    const auto most = [&](std::uint64_t all, std::uint64_t held) {
        return all * kWidenings - (role_ == Role::Server && all > held ? all - held : 0);
    };
    settings.max_window = most(options.connection_bytes, options.held_bytes);
    settings.max_stream_window = most(options.stream_bytes, options.held_stream_bytes);
    settings.no_pmtud = 1;
    return settings;
}

// No idle timeout: the broker's own are the rule, and the smaller of both sides' would win.
ngtcp2_transport_params QuicConnection::parameters() const {
    const QuicOptions& options = host_->options();
    ngtcp2_transport_params parameters;
    ngtcp2_transport_params_default(&parameters);
    const bool holds = role_ == Role::Server;  // until the peer is let in: see widen()
    parameters.initial_max_data =
        holds ? std::min(options.held_bytes, options.connection_bytes) : options.connection_bytes;
    parameters.initial_max_stream_data_bidi_local = options.stream_bytes;
    parameters.initial_max_stream_data_bidi_remote =
        std::min(options.held_stream_bytes, options.stream_bytes);
    parameters.initial_max_streams_bidi = role_ == Role::Server ? options.streams : 0;
    parameters.initial_max_streams_uni = 0;
    parameters.max_idle_timeout = 0;
    parameters.active_connection_id_limit = 2;
    return parameters;
}

QuicConnection::~QuicConnection() {
    if (phase_ != Phase::Gone) vanish({Cause::Dropped});
}

Result<void> QuicConnection::accept(const Arrival& arrival) {
    self_ = arrival.self;
    peer_ = CompactAddress(arrival.path.remote);

    const ConnectionId our_id = new_id();
    ngtcp2_settings its_settings = settings();
    if (arrival.is_proven)
        set_token(its_settings, arrival.initial.token.base, arrival.initial.token.len,
                  arrival.is_after_retry);
    ngtcp2_transport_params its_parameters = parameters();
    set_original_id(its_parameters, cid_of(arrival.first_id));
    if (arrival.is_after_retry) {
        its_parameters.retry_scid = arrival.initial.dcid;
        its_parameters.retry_scid_present = 1;
    }
    const ByteVector limits = encode_limits(its_parameters);
    tls_ = TlsSession::server(arrival.tls, host_->crypto(),
                              {.gate = host_->early_data(), .limits = limits});
    its_parameters.stateless_reset_token_present = 1;
    const ResetToken reset = host_->ids().reset_token(our_id);
    std::copy_n(raw(reset.data()), reset.size(), its_parameters.stateless_reset_token);

    const ngtcp2_callbacks calls = callbacks();
    const ngtcp2_path path = path_of(arrival.path);
    const ngtcp2_cid id = cid_of(our_id);
    Visit visit(*this, Visit::First{});
    ngtcp2_conn* library = nullptr;
    if (ngtcp2_conn_server_new(&library, &arrival.initial.scid, &id, &path, arrival.initial.version,
                               &calls, &its_settings, &its_parameters, &visit.memory(), this) != 0)
        return Error{ENOMEM, "quic connection"};
    visit.library() = library;
    return {};
}

Result<void> QuicConnection::connect(const Departure& departure) {
    self_ = departure.self;
    is_remembered_ = departure.is_remembered;
    peer_ = CompactAddress(departure.path.remote);
    ngtcp2_transport_params remembered{};
    may_be_early_ = decode_limits(departure.limits, remembered);
    tls_ = TlsSession::client(departure.tls, host_->crypto(),
                              {.host = departure.server_name,
                               .protocol = departure.protocol,
                               .ticket = departure.ticket,
                               .asks_early = may_be_early_});

    std::array<std::byte, 18> first_id;
    STARLING_ASSERT(gnutls_rnd(GNUTLS_RND_RANDOM, first_id.data(), first_id.size()) == 0);
    const ConnectionId our_id = new_id();
    ngtcp2_settings its_settings = settings();
    if (!departure.token.empty())
        set_token(its_settings, raw(departure.token.data()), departure.token.size(), false);
    const ngtcp2_transport_params its_parameters = parameters();
    const ngtcp2_callbacks calls = callbacks();
    const ngtcp2_path path = path_of(departure.path);
    const ngtcp2_cid server = cid_of(first_id), client = cid_of(our_id);
    Visit visit(*this, Visit::First{});
    ngtcp2_conn* library = nullptr;
    if (ngtcp2_conn_client_new(&library, &server, &client, &path, NGTCP2_PROTO_VER_V1, &calls,
                               &its_settings, &its_parameters, &visit.memory(), this) != 0)
        return Error{ENOMEM, "quic connection"};
    if (may_be_early_) ngtcp2_conn_set_early_remote_transport_params(library, &remembered);
    visit.library() = library;
    mark_dirty();
    return {};
}

ConnectionId QuicConnection::new_id() {
    std::byte salt;
    STARLING_ASSERT(gnutls_rnd(GNUTLS_RND_NONCE, &salt, 1) == 0);
    return host_->issue_id(self_, ids_issued_++, salt);
}

void QuicConnection::receive(const Datagram& datagram) {
    if (phase_ == Phase::Closing) return answer_while_closing();
    if (phase_ == Phase::Draining || is_gone()) return;

    const bool was_handshaking = phase_ == Phase::Handshake;
    int failure = 0;
    {
        Visit visit(*this);
        const ngtcp2_path path = path_of(datagram.path);
        const ngtcp2_pkt_info info{.ecn = datagram.ecn};
        failure = ngtcp2_conn_read_pkt(visit.library(), &path, &info, raw(datagram.bytes.data()),
                                       datagram.bytes.size(), host_->now());
    }
    silent_since_ = host_->now();
    may_have_room_ = true;
    if (was_handshaking && phase_ == Phase::Open) {
        host_->on_handshake_done(*this);
        if (failure == 0) on_handshake_end();
    }
    if (failure != 0) return fail(failure);
    mark_dirty();
}

// What has come early acts from here on.
void QuicConnection::on_handshake_end() {
    if (role_ == Role::Client) return open_early();
    StreamState* first = first_stream();
    if (!first) deadline_ = host_->now() + host_->options().handshake_timeout_s * kSecond;
    else if (first->is_waiting) present(*first);
    else tell(*first, true, false);  // who serves it may have waited for this
    if (is_let_in_) host_->on_let_in(*this);
}

// What a client says early under a new ticket acts at once, or not before its handshake is
// complete.
bool QuicConnection::may_act() const {
    return phase_ == Phase::Open || host_->options().early_data == EarlyData::Full;
}

void QuicConnection::expire() {
    if (phase_ == Phase::Closing || phase_ == Phase::Draining) return vanish({Cause::Dropped});
    if (is_gone()) return;
    if (wake_ends_ <= host_->now()) end_wake();
    if (deadline_ <= host_->now())
        return close(is_lingering_ ? CloseCode::Done : CloseCode::ControlStreamDown);
    const TimeNs silence = host_->options().user_timeout_ms * kMillisecond;
    if (phase_ == Phase::Open && !is_all_acknowledged() && silent_since_ + silence <= host_->now())
        return vanish({Cause::Silent});
    int failure = 0;
    if (expiry_ <= host_->now()) {
        Visit visit(*this);
        failure = ngtcp2_conn_handle_expiry(visit.library(), host_->now());
    }
    may_have_room_ = true;
    if (failure != 0) return fail(failure);
    mark_dirty();
}

void QuicConnection::flush() {
    if (phase_ != Phase::Handshake && phase_ != Phase::Open) return;
    int failure = 0;
    {
        Visit visit(*this);
        ngtcp2_conn* library = visit.library();
        return_credit(library);
        send_again(library, failure);
        send_endings(library);
        ngtcp2_ssize accepted = -1;
        while (failure == 0 &&
               send_one(library, -1, NGTCP2_WRITE_STREAM_FLAG_NONE, {}, accepted, failure)) {}
        if (failure == 0) {
            pace(library);
            begin_wake(library);
            if (std::exchange(may_have_room_, false)) wake_blocked(library);
        }
    }
    if (failure != 0) return fail(failure);
    if (wake_ == Wake::Yes && is_all_acknowledged()) end_wake();
    if (is_lingering_ && is_all_acknowledged()) close(CloseCode::Done);
}

// Before the handshake is complete the round trip is a guess, 333 ms, by which a first word would
// have to wait for 25 ms. The first window may go out at once (RFC 9002, section 7.7).
void QuicConnection::pace(ngtcp2_conn* library) {
    if (phase_ == Phase::Open) ngtcp2_conn_update_pkt_tx_time(library, host_->now());
}

TimeNs QuicConnection::expiry() const {
    const TimeNs own = std::min({expiry_, deadline_, wake_ends_});
    return stream_credit_ == 0 ? own : std::min(own, second_ends_);
}

bool QuicConnection::is_movable() const {
    if (role_ != Role::Server || phase_ != Phase::Open || tls_ || origin) return false;
    for (const StreamState* stream = streams_; stream; stream = stream->next)
        if (stream->id != 0 && !stream->is_waiting && !stream->is_dropped) return false;
    return true;
}

void QuicConnection::depart() {
    end_wake();
    host_->windows().take_out(place_);
    host_ = nullptr;
    self_ = {};
    armed_at = kNeverNs;
    is_dirty = false;
}

// What the first host still wanted to send leaves from here.
void QuicConnection::settle(ConnectionHost& host, Handle self) {
    STARLING_ASSERT(!host_);
    host_ = &host;
    self_ = self;
    host.windows().take_in(place_);
    may_have_room_ = true;
    mark_dirty();
}

// Writes one datagram. False when there was nothing to write, or no leave to, or a failure.
bool QuicConnection::send_one(ngtcp2_conn* library, std::int64_t stream, unsigned flags,
                              Bytes bytes, ngtcp2_ssize& accepted, int& failure) {
    DatagramSender& sender = host_->sender();
    const MutableBytes room = sender.room();
    ngtcp2_path_storage path;
    ngtcp2_path_storage_zero(&path);
    ngtcp2_pkt_info info{};
    const ngtcp2_vec piece{const_cast<std::uint8_t*>(raw(bytes.data())), bytes.size()};
    accepted = -1;
    const ngtcp2_ssize size = ngtcp2_conn_writev_stream(
        library, &path.path, &info, raw(room.data()), std::min(room.size(), kDatagramBytes),
        &accepted, flags, stream, &piece, bytes.empty() ? 0 : 1, host_->now());
    if (size < 0) failure = static_cast<int>(size);
    if (size <= 0) return false;
    sender.send(static_cast<std::size_t>(size), path_from(path.path),
                static_cast<std::uint8_t>(info.ecn), self_);
    return true;
}

void QuicConnection::after_visit(ngtcp2_conn* library) {
    host_->crypto().wipe_opened();
    if (!library) return;
    expiry_ = ngtcp2_conn_get_expiry(library);
    if (tls_) free_tls(library);
}

// A client that was offered a ticket keeps the session until it has come.
void QuicConnection::free_tls(ngtcp2_conn* library) {
    if (!is_confirmed_) return;
    if (role_ == Role::Client) {
        if (!tls_->has_ticket()) return;
        if (is_remembered_) keep_ticket(library);
    }
    tls_.reset();
}

void QuicConnection::keep_ticket(ngtcp2_conn* library) {
    souvenirs().ticket = tls_->ticket();
    if (tls_->permits_early())
        souvenirs().limits = encode_limits(*ngtcp2_conn_get_remote_transport_params(library));
}

QuicConnection::Souvenirs& QuicConnection::souvenirs() {
    if (!souvenirs_) souvenirs_ = std::make_unique<Souvenirs>();
    return *souvenirs_;
}

QuicConnection::Souvenirs QuicConnection::take_souvenirs() {
    const auto taken = std::move(souvenirs_);
    return taken ? std::move(*taken) : Souvenirs{};
}

void QuicConnection::fail(int error) {
    switch (error) {
        case NGTCP2_ERR_DRAINING: return drain();
        case NGTCP2_ERR_RETRY:
        case NGTCP2_ERR_DROP_CONN: return vanish({Cause::Dropped});
        case NGTCP2_ERR_IDLE_CLOSE: return vanish({Cause::IdleTimeout});
        case NGTCP2_ERR_HANDSHAKE_TIMEOUT: return vanish({Cause::HandshakeTimeout});
        case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
            failure_ = static_cast<std::uint16_t>(Fault::VersionRefused);
            break;
        default: break;
    }
    // Out of memory, or a callback of ours has failed: nothing can be said any more.
    if (ngtcp2_err_is_fatal(error)) return vanish({Cause::Dropped});
    CloseError close{};
    {
        Visit visit(*this);
        const std::uint8_t alert = ngtcp2_conn_get_tls_alert(visit.library());
        if (error == NGTCP2_ERR_CRYPTO && tls_)
            failure_ = static_cast<std::uint16_t>(tls_->fault(alert));
        if (error == NGTCP2_ERR_CRYPTO && alert != 0) set_alert_error(close, alert);
        else set_library_error(close, error);
    }
    say_goodbye(close);
}

void QuicConnection::close(CloseCode code) { close(static_cast<std::uint32_t>(code)); }

void QuicConnection::close(std::uint32_t code) {
    if (phase_ != Phase::Handshake && phase_ != Phase::Open) return;
    CloseError close{};
    set_application_error(close, code);
    say_goodbye(close);
}

void QuicConnection::say_goodbye(const CloseError& error) {
    auto farewell = std::make_unique<Farewell>();
    TimeNs wait = 0;
    {
        Visit visit(*this);
        std::array<std::uint8_t, kDatagramBytes> datagram;
        ngtcp2_path_storage path;
        ngtcp2_path_storage_zero(&path);
        ngtcp2_pkt_info info{};
        const ngtcp2_ssize size =
            ngtcp2_conn_write_connection_close(visit.library(), &path.path, &info, datagram.data(),
                                               datagram.size(), &error, host_->now());
        wait = kFarewellPtos * ngtcp2_conn_get_pto(visit.library());
        if (size > 0) {
            const auto* begin = reinterpret_cast<const std::byte*>(datagram.data());
            farewell->datagram.assign(begin, begin + size);
            farewell->path = path_from(path.path);
        }
    }
    close_code_ = error.error_code;
    vanish({is_application_error(error) ? Cause::Closed : Cause::Failed, close_code_});
    if (farewell->datagram.empty()) return;
    farewell_ = std::move(farewell);
    phase_ = Phase::Closing;
    expiry_ = host_->now() + wait;
    answer_while_closing();
    mark_dirty();
}

// To the first datagram that comes after it, then to every second, fourth and so on.
void QuicConnection::answer_while_closing() {
    const std::uint64_t heard = farewell_->heard++;
    if ((heard & (heard - 1)) != 0) return;
    DatagramSender& sender = host_->sender();
    std::ranges::copy(farewell_->datagram, sender.room().begin());
    sender.send(farewell_->datagram.size(), farewell_->path, NGTCP2_ECN_NOT_ECT, {});
}

// The peer has closed, or has lost all it knew of us.
void QuicConnection::drain() {
    TimeNs wait = 0;
    Cause cause = Cause::ForgottenByPeer;
    {
        Visit visit(*this);
        const CloseError error = received_close(visit.library());
        close_code_ = error.error_code;
        if (role_ == Role::Client && !was_reset_ && !is_application_error(error))
            failure_ = static_cast<std::uint16_t>(fault_of_close(error.error_code));
        if (!was_reset_)
            cause = is_application_error(error) ? Cause::ClosedByPeer : Cause::FailedByPeer;
        wait = kFarewellPtos * ngtcp2_conn_get_pto(visit.library());
    }
    vanish({cause, close_code_});
    phase_ = Phase::Draining;
    expiry_ = host_->now() + wait;
    mark_dirty();
}

// Frees all but this object.
void QuicConnection::vanish(const Ending& ending) {
    phase_ = Phase::Gone;
    end_wake();
    if (place_.is_bound()) {
        Visit visit(*this);
        host_->crypto().wipe_opened();
        ngtcp2_conn_del(visit.library());
        is_inside_ = false;
        host_->windows().release(place_);
    }
    tls_.reset();
    farewell_.reset();
    expiry_ = deadline_ = kNeverNs;
    stream_credit_ = 0;
    end_streams(ending);
    mark_dirty();
}

void QuicConnection::mark_dirty() {
    if (!is_dirty && host_) host_->on_dirty(*this);
}

Result<void> QuicConnection::migrate(const Path& path) {
    if (phase_ != Phase::Open) return Error{ENOTCONN, "migrate"};
    int failure = 0;
    {
        Visit visit(*this);
        const ngtcp2_path to = path_of(path);
        failure = ngtcp2_conn_initiate_immediate_migration(visit.library(), &to, host_->now());
    }
    mark_dirty();
    if (failure != 0) return Error{EAGAIN, "migrate"};
    return {};
}

Result<void> QuicConnection::update_keys() {
    if (phase_ != Phase::Open) return Error{ENOTCONN, "key update"};
    int failure = 0;
    {
        Visit visit(*this);
        failure = ngtcp2_conn_initiate_key_update(visit.library(), host_->now());
    }
    mark_dirty();
    if (failure != 0) return Error{EAGAIN, "key update"};
    return {};
}

void QuicConnection::offer_token(Bytes token) {
    if (phase_ != Phase::Open || role_ != Role::Server) return;
    {
        Visit visit(*this);
        ngtcp2_conn_submit_new_token(visit.library(), raw(token.data()), token.size());
    }
    mark_dirty();
}

}  // namespace starling::quic
