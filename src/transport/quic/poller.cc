#include "transport/quic/poller.h"

#include <algorithm>
#include <ctime>

#include "base/assert.h"

namespace starling::quic {
namespace {

std::uint64_t clock_ns(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * kSecond +
           static_cast<std::uint64_t>(now.tv_nsec);
}

TimeNs now_ns() { return kTimeStart + clock_ns(CLOCK_MONOTONIC); }

}  // namespace

QuicPoller::~QuicPoller() = default;

Result<void> QuicPoller::add(QuicEndpoint& endpoint, UdpSocket& socket) {
    STARLING_CHECK(sockets_->add(socket.descriptor(), kFirstToken - members_.size()));
    members_.push_back({.endpoint = &endpoint, .socket = &socket});
    tell_time();
    return {};
}

// The places stay, as tokens name them.
void QuicPoller::remove(QuicEndpoint& endpoint) {
    const auto member = std::ranges::find(members_, &endpoint, &Member::endpoint);
    STARLING_ASSERT(member != members_.end());
    finish(*member);
    sockets_->remove(member->socket->descriptor());
    *member = {};
}

void QuicPoller::watch(QuicServer& server, std::uint64_t token) {
    const auto member = std::ranges::find(members_, &server, &Member::endpoint);
    STARLING_ASSERT(member != members_.end());
    member->server = &server;
    member->token = token;
}

Result<void> QuicPoller::add(int descriptor, std::uint64_t token) {
    STARLING_ASSERT(token <= kFirstToken - members_.size());
    return sockets_->add(descriptor, token);
}

void QuicPoller::remove(int descriptor) { sockets_->remove(descriptor); }

std::span<const Readiness> QuicPoller::wait(TimeMs timeout_ms) {
    for (Member& member : members_) finish(member);
    if (mailroom_) mailroom_->post();

    reports_.clear();
    for (const Readiness& ready : sockets_->wait(timeout(timeout_ms))) {
        const std::uint64_t place = kFirstToken - ready.token;
        if (place < members_.size()) members_[place].has_unread = true;
        else reports_.push_back(ready);
    }
    tell_time();
    adopt_keys();
    if (mailroom_) read_mail();
    const bool is_tight = commons_ && commons_->memory && commons_->memory->is_tight();
    for (Member& member : members_) {
        if (!member.endpoint) continue;
        if (is_tight) member.endpoint->save_memory();
        read(member);
        member.endpoint->expire();
        member.endpoint->take_news(reports_);
        if (member.server && member.server->opened() != member.seen) {
            member.seen = member.server->opened();
            reports_.push_back({.token = member.token, .readable = true});
        }
    }
    if (mailroom_) mailroom_->post();
    return reports_;
}

void QuicPoller::finish(Member& member) {
    if (!member.endpoint) return;
    member.endpoint->flush();
    member.socket->flush();
}

TimeMs QuicPoller::timeout(TimeMs wanted_ms) const {
    if (mailroom_ && mailroom_->has_mail()) return 0;
    const TimeNs now = now_ns();
    TimeMs timeout_ms = wanted_ms;
    for (const Member& member : members_) {
        if (!member.endpoint) continue;
        if (member.has_unread || member.endpoint->has_news()) return 0;
        const TimeNs due = member.endpoint->next_expiry();
        if (due == kNeverNs) continue;
        timeout_ms = std::min(timeout_ms, due <= now ? 0 : (due - now - 1) / kMillisecond + 1);
    }
    return timeout_ms;
}

void QuicPoller::tell_time() {
    const TimeNs now = now_ns();
    const std::uint64_t wall_s = clock_ns(CLOCK_REALTIME) / kSecond;
    for (const Member& member : members_)
        if (member.endpoint) member.endpoint->set_time(now, wall_s);
}

// Before anything is read: whoever shows what another core has sealed with new keys is known.
void QuicPoller::adopt_keys() {
    if (!commons_ || commons_->keys.version() == keys_version_) return;
    keys_version_ = commons_->keys.version();
    const Ref<const SharedKeys> shared = commons_->keys.get();
    mailroom_->for_each([&](QuicServer& server) { server.adopt(shared->keys); });
}

// What was forwarded is received before what comes directly: it has been on its way for longer.
void QuicPoller::read_mail() {
    mailroom_->drain([](QuicServer& server, CoreId from, const Envelope& envelope) {
        server.receive_mail(from, envelope);
    });
    mailroom_->for_each([](QuicServer& server) { server.forget_lost(); });
}

// A socket tells only once that there is something: it is read until there is no more.
void QuicPoller::read(Member& member) {
    int count = 0;
    const auto visit = [&](const Datagram& datagram) {
        ++count;
        member.endpoint->receive_from_network(datagram);
    };
    while (member.has_unread && count < kDatagrams)
        member.has_unread = member.socket->receive(visit);
    if (member.has_unread) member.endpoint->count(QuicCount::TurnsCut);
}

}  // namespace starling::quic
