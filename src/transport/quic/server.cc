#include "transport/quic/server.h"

#include <algorithm>
#include <array>

#include "base/random.h"
#include "transport/quic/initial_check.h"
#include "transport/quic/library_types.h"

namespace starling::quic {
namespace {

// RFC 9000, section 14.1: what is shorter opens no connection and deserves no answer.
constexpr std::size_t kInitialDatagramMin = 1200;

// Bytes of a stateless reset: fewer give it away, and more are of no use.
constexpr std::size_t kResetBytesMin = 21;
constexpr std::size_t kResetBytesMax = 42;

constexpr std::uint32_t kVersions[] = {NGTCP2_PROTO_VER_V1};

template <typename T>
T random_value() {
    T value;
    gnutls_rnd(GNUTLS_RND_NONCE, &value, sizeof value);
    return value;
}

}  // namespace

QuicServer::QuicServer(const Setup& setup)
    : QuicEndpoint(setup),
      tokens_(setup.keys),
      gate_({.used = setup.used_tickets, .now = now_, .counters = counters_}),
      hash_key_{secret_u64(), secret_u64()},
      core_(setup.core),
      cores_(setup.cores),
      mailroom_(setup.mailroom),
      listener_(setup.listener),
      sources_(options_.half_open_per_network, options_.unlimited_sources, hash_key_) {
    STARLING_ASSERT(options_.early_data != EarlyData::Full || setup.used_tickets);
    if (mailroom_) mailroom_->add(listener_, *this);
}

QuicServer::~QuicServer() {
    destroy_all();
    if (mailroom_) mailroom_->remove(listener_);
    while (StreamState* stream = take_stream()) delete stream;
}

void QuicServer::receive_from_network(const Datagram& datagram) {
    const CoreId owner = steer(datagram.bytes, cores_);
    if (owner == core_ || !mailroom_) return receive(datagram);
    counters_.add(QuicCount::Strays);
    forward({.core = owner, .handle = {}}, datagram);
}

void QuicServer::receive_unknown(const Datagram& datagram, const ngtcp2_version_cid& header) {
    const Bytes id(reinterpret_cast<const std::byte*>(header.dcid), header.dcidlen);
    const bool is_long = (datagram.bytes[0] & std::byte{0x80}) != std::byte{0};
    if (!is_long) return reset_stateless(datagram, id);
    if (header.version != NGTCP2_PROTO_VER_V1) return negotiate_version(datagram, header);

    const auto found = arriving_.find(keyed_hash(hash_key_, as_text(id)));
    if (found != arriving_.end()) return find(found->second.connection)->receive(datagram);

    ngtcp2_pkt_hd initial;
    const int wrong = ngtcp2_accept(&initial, raw(datagram.bytes.data()), datagram.bytes.size());
    if (wrong == NGTCP2_ERR_RETRY) return forward_early(datagram, id);
    if (wrong != 0 || datagram.bytes.size() < kInitialDatagramMin)
        return counters_.add(QuicCount::Malformed);
    arrive(datagram, initial);
}

void QuicServer::negotiate_version(const Datagram& datagram, const ngtcp2_version_cid& header) {
    // Version 0 is such an answer itself.
    if (header.version == 0 || datagram.bytes.size() < kInitialDatagramMin)
        return counters_.add(QuicCount::Malformed);
    counters_.add(QuicCount::VersionsNegotiated);
    const MutableBytes room = sender().room();
    reply(datagram,
          ngtcp2_pkt_write_version_negotiation(
              raw(room.data()), room.size(), random_value<std::uint8_t>(), header.scid,
              header.scidlen, header.dcid, header.dcidlen, kVersions, std::size(kVersions)));
}

// Only for ids that were ours, so that nobody can have us send to others. The answer is shorter
// than what caused it: two servers cannot keep each other busy.
void QuicServer::reset_stateless(const Datagram& datagram, Bytes id) {
    if (ids().read(id).origin == ConnectionIds::Origin::Foreign ||
        datagram.bytes.size() <= kResetBytesMin)
        return counters_.add(QuicCount::Malformed);
    if (!may_reset()) return counters_.add(QuicCount::ResetsWithheld);
    counters_.add(QuicCount::ResetsSent);

    const ResetToken token = ids().reset_token(id);
    const auto noise = random_value<std::array<std::uint8_t, kResetBytesMax>>();
    const std::size_t size = std::min(datagram.bytes.size() - 1, kResetBytesMax);
    const MutableBytes room = sender().room();
    reply(datagram, ngtcp2_pkt_write_stateless_reset(raw(room.data()), size, raw(token.data()),
                                                     noise.data(), size - token.size()));
}

bool QuicServer::may_reset() {
    const std::uint64_t second = now() / kSecond;
    if (second != std::exchange(resets_second_, second)) resets_in_second_ = 0;
    return resets_in_second_++ < options().resets_per_second;
}

void QuicServer::arrive(const Datagram& datagram, const ngtcp2_pkt_hd& initial) {
    if (is_shut_) return refuse(datagram, initial, NGTCP2_CONNECTION_REFUSED);
    const Bytes token = view(initial.token);
    if (!token.empty()) {
        const auto meaning = tokens_.read(token, datagram.path.remote, view(initial.dcid), wall_s_);
        if (meaning)
            return begins_here(*meaning) ? admit(datagram, initial, &*meaning)
                                         : send_home(*meaning, datagram, view(initial.dcid));
        // Damaged on its way: the client sends it again, and its handshake is not over. RFC 9000,
        // section 8.1.2, wants a refusal for what is "otherwise valid".
        if (!is_whole_initial(datagram.bytes, crypto().ciphers()))
            return counters_.add(QuicCount::Malformed);
        counters_.add(QuicCount::TokensRefused);
        // The client will not take a second Retry. Any other token is as good as none.
        if (AddressTokens::claims_retry(token))
            return refuse(datagram, initial, NGTCP2_INVALID_TOKEN);
    }
    if (half_open() >= retry_from()) return send_retry(datagram, initial);
    admit(datagram, initial, nullptr);
}

// Half of the windows are for those who are through.
std::uint32_t QuicServer::retry_from() const {
    return std::min(options_.retry_from, (options_.windows + 1) / 2);
}

// Costs us nothing to remember: what the client shows again says it all.
void QuicServer::send_retry(const Datagram& datagram, const ngtcp2_pkt_hd& initial) {
    const auto noise = random_value<std::array<std::uint32_t, 2>>();
    // Generation 0 is nobody's.
    const ConnectionId id =
        ids().issue({.index = noise[0], .generation = 0}, static_cast<std::uint16_t>(noise[1]),
                    static_cast<std::byte>(noise[1] >> 16));
    const ByteVector token =
        tokens_.for_retry(datagram.path.remote, view(initial.dcid), id, wall_s_);
    ngtcp2_cid our_id;
    ngtcp2_cid_init(&our_id, raw(id.data()), id.size());
    counters_.add(QuicCount::RetriesSent);
    reply(datagram, crypto().write_retry(sender().room(), initial, our_id, token));
}

void QuicServer::refuse(const Datagram& datagram, const ngtcp2_pkt_hd& initial,
                        std::uint64_t code) {
    reply(datagram, crypto().write_refusal(sender().room(), initial, code));
}

void QuicServer::admit(const Datagram& datagram, const ngtcp2_pkt_hd& initial,
                       const AddressTokens::Meaning* token) {
    const bool is_after_retry = token && token->is_retry;
    const SourceLimits::Claim claim = sources_.claim(datagram.path.remote, is_after_retry);
    const SourceLimits::Verdict verdict = sources_.judge(claim);
    if (verdict == SourceLimits::Verdict::Refuse)
        return counters_.add(QuicCount::RefusedPerNetwork);
    if (half_open() >= options().half_open) return counters_.add(QuicCount::RefusedHalfOpen);
    if (size() >= options().connections) return counters_.add(QuicCount::RefusedConnections);
    if (verdict == SourceLimits::Verdict::Prove) return send_retry(datagram, initial);

    const Handle handle =
        add(std::make_unique<QuicConnection>(*this, QuicConnection::Role::Server));
    QuicConnection& connection = *find(handle);
    const auto accepted =
        connection.accept({.self = handle,
                           .initial = initial,
                           .first_id = is_after_retry ? Bytes(token->first_id) : view(initial.dcid),
                           .is_after_retry = is_after_retry,
                           .is_proven = token != nullptr,
                           .path = datagram.path,
                           .tls = tls_});
    if (!accepted) {
        erase(handle);
        return counters_.add(QuicCount::HandshakesFailed);
    }
    connection.table_key = keyed_hash(hash_key_, as_text(view(initial.dcid)));
    arriving_.emplace(connection.table_key, Arriving{handle, claim});
    sources_.enter(claim);
    connection.receive(datagram);
}

void QuicServer::forget_first_id(QuicConnection& connection) {
    if (connection.table_key == 0) return;
    const auto arriving = arriving_.find(connection.table_key);
    sources_.leave(arriving->second.claim);
    arriving_.erase(arriving);
    connection.table_key = 0;
}

void QuicServer::on_handshake_done(QuicConnection& connection) {
    counters_.add(QuicCount::Handshakes);
    if (connection.is_resumed()) counters_.add(QuicCount::Resumptions);
    count_early(connection);
    forget_first_id(connection);
}

void QuicServer::on_ended(QuicConnection& connection) {
    if (connection.origin) tell_of_end(connection.origin);
    if (connection.table_key == 0) return;
    counters_.add(QuicCount::HandshakesFailed);
    forget_first_id(connection);
}

void QuicServer::on_stream_opened(StreamState& stream) {
    ++opened_ever_;
    opened_.push(&stream);
}

StreamState* QuicServer::take_stream() { return opened_.empty() ? nullptr : opened_.pop(); }

void QuicServer::offer_token(QuicConnection& connection, std::uint16_t slot) {
    connection.offer_token(tokens_.for_next_time(connection.peer(), slot, wall_s_));
}

void QuicServer::reply(const Datagram& to, ngtcp2_ssize size) {
    if (size <= 0) return;
    sender().send(static_cast<std::size_t>(size), to.path, 0, {});
}

}  // namespace starling::quic
