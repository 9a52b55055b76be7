// The public header's promises, kept by the sessions behind it.
#include <algorithm>
#include <utility>

#include "client/client.h"
#include "client/host.h"
#include "client/session.h"
#include "mqtt/topic.h"
#include "transport/quic/dialer.h"
#include "transport/tcp.h"

namespace starling {
namespace {

constexpr std::size_t kTextBytesMax = 65'535;

bool is_sendable(const ClientSubscription& subscription) {
    return is_topic_filter(subscription.filter) && subscription.filter.size() <= kTextBytesMax;
}

bool has_stream(const ClientSession& session, std::uint16_t stream) {
    return stream <= session.options().further_streams;
}

}  // namespace

// --- The loop ------------------------------------------------------------------------------------

// Owner: the loop's core.
struct ClientLoop::State {
    State(Core& core, OffloadPool& pool, std::uint64_t seed, Dial dial)
        : host(core, pool, seed, std::move(dial)) {
        host.on_resolved = [this](Handle handle, Resolver::Addresses addresses) {
            if (auto* session = sessions.find(handle)) session->on_resolved(std::move(addresses));
        };
    }

    ClientSession* start(ClientOptions options, ClientListener& listener) {
        STARLING_ASSERT(options.further_streams <= kFurtherStreamsMax);
        const Handle handle = sessions.emplace(host, std::move(options), listener);
        STARLING_ASSERT(handle.index < StreamToken::kClientsMax);
        ClientSession* session = sessions.find(handle);
        session->set_handle(handle);
        return session;
    }

    ClientHost host;
    Slab<ClientSession> sessions;
};

Result<std::unique_ptr<Stream>> dial_tcp(const std::string& address, const ClientOptions& options) {
    return tcp_connect(address, options.port);
}

Dial dial_quic(quic::QuicDialer& dialer) {
    return [&dialer](const std::string& address, const ClientOptions& options) {
        return dialer.dial(address, options.port, options.host);
    };
}

ClientLoop::ClientLoop(Core& core, OffloadPool& resolvers, std::uint64_t seed, Dial dial)
    : state_(std::make_unique<State>(core, resolvers, seed, std::move(dial))) {}

ClientLoop::~ClientLoop() = default;

Core& ClientLoop::core() { return state_->host.core; }

// Those whose reading was cut off last turn come last: they had theirs.
void ClientLoop::read(std::span<const Readiness> ready) {
    const std::vector<StreamToken> unread = std::exchange(state_->host.unread, {});
    for (const Readiness& one : ready) {
        const StreamToken token = StreamToken::unpack(one.token);
        if (auto* session = state_->sessions.find(token.client))
            session->on_ready(token.stream, one);
    }
    for (const StreamToken& token : unread)
        if (auto* session = state_->sessions.find(token.client)) session->read(token.stream);
}

void ClientLoop::mail() { state_->host.resolver.run(); }

void ClientLoop::timer(std::uint64_t token) {
    if (auto* session = state_->sessions.find(Handle::unpack(token))) session->on_timer();
}

void ClientLoop::write() {
    for (const Handle handle : std::exchange(state_->host.dirty, {}))
        if (auto* session = state_->sessions.find(handle)) session->write();
}

void ClientLoop::reap() {
    state_->host.dropped.clear();
    for (const Handle handle : std::exchange(state_->host.abandoned, {}))
        state_->sessions.erase(handle);
}

bool ClientLoop::has_work() const {
    return !state_->host.unread.empty() || !state_->host.dirty.empty() ||
           !state_->host.abandoned.empty() || !state_->host.dropped.empty();
}

bool ClientLoop::has_mail() const { return state_->host.resolver.has_any(); }

// --- The client ----------------------------------------------------------------------------------

Client::Client(ClientLoop& loop, ClientOptions options, ClientListener& listener)
    : session_(loop.state().start(std::move(options), listener)) {}

Client::Client(Client&& other) noexcept : session_(std::exchange(other.session_, nullptr)) {}

Client& Client::operator=(Client&& other) noexcept {
    std::swap(session_, other.session_);
    return *this;
}

Client::~Client() {
    if (session_) session_->abandon();
}

void Client::connect() { session_->connect(); }

void Client::disconnect(Reason reason, const PropertyWriter& properties) {
    session_->disconnect(reason, properties);
}

bool Client::is_connected() const { return session_->is_connected(); }

const std::string& Client::client_id() const { return session_->options().client_id; }

bool Client::publish(OutgoingMessage message, PublishDone done) {
    STARLING_ASSERT(is_topic_name(message.topic) && message.topic.size() <= kTextBytesMax);
    STARLING_ASSERT(has_stream(*session_, message.stream));
    return session_->publish(std::move(message), std::move(done));
}

bool Client::publish_now(const MessageView& message, PublishDone done) {
    STARLING_ASSERT(has_stream(*session_, message.stream));
    return session_->publish_now(message, std::move(done));
}

std::size_t Client::unfinished() const { return session_->unfinished(); }

bool Client::subscribe(SubscribeRequest request, RequestDone done) {
    STARLING_ASSERT(!request.filters.empty());
    STARLING_ASSERT(std::all_of(request.filters.begin(), request.filters.end(), is_sendable));
    STARLING_ASSERT(has_stream(*session_, request.stream));
    const std::uint16_t stream = request.stream;
    return session_->request(stream, {.content = std::move(request), .done = std::move(done)});
}

bool Client::unsubscribe(UnsubscribeRequest request, RequestDone done) {
    SubscribeRequest content{.filters = {}, .properties = std::move(request.properties)};
    for (std::string& filter : request.filters)
        content.filters.push_back({.filter = std::move(filter)});
    STARLING_ASSERT(!content.filters.empty());
    STARLING_ASSERT(std::all_of(content.filters.begin(), content.filters.end(), is_sendable));
    STARLING_ASSERT(has_stream(*session_, request.stream));
    return session_->request(
        request.stream,
        {.type = PacketType::Unsubscribe, .content = std::move(content), .done = std::move(done)});
}

void Client::on(std::string filter, MessageHandler handler) {
    session_->dispatch().set(filter, std::move(handler));
}

void Client::off(std::string_view filter) { session_->dispatch().remove(filter); }

}  // namespace starling
