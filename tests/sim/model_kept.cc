// What the stores must have kept: by the time that a client reads of it, and when all is quiet.
#include <algorithm>
#include <iterator>

#include "mqtt/topic.h"
#include "tests/sim/model.h"

namespace starling {
namespace {

// Whether the client may have seen it so.
bool is_same(const Outstanding& one, const KeptDelivery& kept) {
    const ModelDelivery& delivery = one.delivery;
    const bool has_id = kept.packet_id == (kept.qos == Qos::ExactlyOnce ? delivery.packet_id : 0);
    const bool is_state = kept.was_released ? one.has_pubrec : !one.was_released;
    return delivery.topic == kept.topic && delivery.payload == kept.payload &&
           delivery.qos == kept.qos && delivery.retain == kept.retain && has_id && is_state;
}

using Seen = std::list<Outstanding>::const_iterator;

// How many of those from `at` on the client has seen, if they are what it has not finished, in that
// order; nothing otherwise. Whether the broker has its last acknowledgements may be open.
std::optional<std::size_t> count_seen(const KeptSession& kept, std::size_t at, Seen next,
                                      Seen end) {
    if (next == end) return at;
    if (at < kept.deliveries.size() && is_same(*next, kept.deliveries[at]))
        if (const auto count = count_seen(kept, at + 1, std::next(next), end)) return count;
    return next->may_be_done ? count_seen(kept, at, std::next(next), end) : std::nullopt;
}

bool is_same(const ModelTerms& terms, const KeptTerms& kept) {
    return terms == ModelTerms{kept.qos, kept.no_local, kept.retain_as_published, kept.identifier};
}

bool is_of(const Expected& one, const KeptDelivery& kept) {
    return one.message().topic == kept.topic && one.message().payload == kept.payload;
}

std::string text_of(const KeptDelivery& one) {
    return one.topic + " '" + one.payload + "' qos " + std::to_string(static_cast<int>(one.qos)) +
           " id " + std::to_string(one.packet_id);
}

}  // namespace

// --- What an acknowledgement promises ------------------------------------------------------------

void Model::demand_kept(const std::string& note, const char* what) {
    if (kept_ && kept_->is_under_way(note))
        fail(std::string(what) + " came before this was kept: " + note);
}

// Copies of an earlier attempt may still be on their way, and what a departed member of a share
// group leaves to the others may come to them later.
void Model::acknowledged(const Publication& publication, PacketType type, std::uint16_t packet_id) {
    const ModelMessage& message = *publication.message;
    const char* name = type == PacketType::Pubrec ? "PUBREC" : "PUBACK";
    if (type == PacketType::Pubrec)
        demand_kept(Kept::note_of_id("received", client_id(message.publisher), packet_id), name);
    if (message.payload.empty() || message.was_again) return;
    std::vector<const char*> notes{"queued", "retained"};
    if (!is_concurrent_ && left_groups_.empty()) notes.push_back("queued for a group");
    for (const char* what : notes)
        demand_kept(Kept::note_of_message(what, message.topic, message.payload), name);
}

void Model::completed(int client, std::uint16_t packet_id) {
    demand_kept(Kept::note_of_id("forgotten", client_id(client), packet_id), "PUBCOMP");
}

void Model::demand_filter_kept(int client, const std::string& filter) {
    for (const char* what : {"subscribed", "unsubscribed"})
        demand_kept(Kept::note_of_filter(what, client_id(client), filter), "SUBACK");
}

const KeptSession* Model::kept_of(const ModelSession& session) const {
    return kept_ && session.expiry_s != 0 ? kept_->find(client_id(session.client)) : nullptr;
}

// Its identifier is kept before the client sees it.
void Model::check_sent_kept(const ModelSession& session, const ModelDelivery& delivery) {
    if (delivery.qos != Qos::ExactlyOnce || !kept_ || session.expiry_s == 0) return;
    const KeptSession* kept = kept_of(session);
    const auto is_it = [&](const KeptDelivery& one) {
        return one.packet_id == delivery.packet_id && one.payload == delivery.payload &&
               one.topic == delivery.topic;
    };
    if (!kept || std::none_of(kept->deliveries.begin(), kept->deliveries.end(), is_it))
        fail("sent before its identifier was kept: " + delivery.text());
}

void Model::check_released_kept(const ModelSession& session, std::uint16_t packet_id) {
    const KeptSession* kept = kept_of(session);
    if (!kept) return;
    for (const KeptDelivery& one : kept->deliveries)
        if (one.packet_id == packet_id && !one.was_released)
            fail("PUBREL before it was kept for " + text_of(one));
}

// --- When all is quiet ---------------------------------------------------------------------------

void Model::settle_kept() {
    if (!kept_ || trace_.has_failed()) return;
    if (!kept_->fault().empty())
        return fail("the store was told what cannot be: " + kept_->fault());
    if (is_stopping_) return;  // who has left is not counted any more
    if (!kept_->is_settled()) return fail("all is quiet, and commits are under way");
    for (const ModelSession& session : sessions_) {
        const std::string id = client_id(session.client);
        const KeptSession* kept = kept_->find(id);
        const bool is_to_last = session.exists && session.expiry_s != 0;
        if (is_to_last != (kept != nullptr))
            return fail("the store has " + std::string(kept ? "a" : "no") + " session of " + id);
        if (!kept) continue;
        if (kept->expiry_s != session.expiry_s || kept->is_connected != session.is_connected)
            return fail("the store knows other terms of " + id);
        if (kept->will_topic != (session.will ? session.will->message->topic : ""))
            return fail("the store has another will of " + id);
        check_kept_subscriptions(session, *kept);
        check_kept_deliveries(session, *kept);
    }
    check_kept_retained();
}

void Model::check_kept_subscriptions(const ModelSession& session, const KeptSession& kept) {
    const auto fail_of = [&](const char* what, const std::string& filter) {
        fail("the store has " + std::string(what) + " of " + client_id(session.client) + " to " +
             filter);
    };
    for (const auto& [filter, states] : session.subscriptions)
        if (must_exist(states) && kept.subscriptions.count(filter) == 0)
            return fail_of("no subscription", filter);
    for (const auto& [filter, terms] : kept.subscriptions) {
        const auto states = session.subscriptions.find(filter);
        if (states == session.subscriptions.end() || !may_exist(states->second))
            return fail_of("a subscription", filter);
        const KeptTerms& its = terms;
        if (std::none_of(states->second.begin(), states->second.end(),
                         [&](const auto& one) { return one && is_same(*one, its); }))
            return fail_of("other terms", filter);
    }
}

// Those that the client has seen come first, in their order; then what has not come to it.
void Model::check_kept_deliveries(const ModelSession& session, const KeptSession& kept) {
    const auto seen = count_seen(kept, 0, session.outstanding.begin(), session.outstanding.end());
    if (seen) return check_kept_waiting(session, std::span(kept.deliveries).subspan(*seen));
    std::string all;
    for (const Outstanding& one : session.outstanding) all += "\n    " + one.delivery.text();
    all += "\n  it has";
    for (const KeptDelivery& one : kept.deliveries) all += "\n    " + text_of(one);
    fail("the store does not have what " + client_id(session.client) + " has not finished:" + all);
}

void Model::check_kept_waiting(const ModelSession& session, std::span<const KeptDelivery> waiting) {
    const std::string who = client_id(session.client);
    std::map<ModelSession::Line, std::uint64_t> last;
    for (const KeptDelivery& one : waiting) {
        if (!may_wait(session, one))
            return fail("the store has for " + who + " what nothing explains: " + text_of(one));
        const ModelMessage* message = find_message(one.payload);
        const bool has_place =
            message && !message->is_will && !message->was_again && !one.retain && !one.is_shared;
        if (!has_place) continue;
        std::uint64_t& before = last[{message->publisher, message->topic, one.qos}];
        if (message->number < before)
            fail("the store has for " + who + " in another order: " + text_of(one));
        before = message->number;
    }
    for (const Expected& one : session.expected)
        if (must_wait(session, one) &&
            std::none_of(waiting.begin(), waiting.end(),
                         [&](const KeptDelivery& kept) { return is_of(one, kept); }))
            fail("the store has not for " + who + ": " + one.message().topic + " '" +
                 one.message().payload + "'");
}

// Whether it is certain, and no other looks the same.
bool Model::must_wait(const ModelSession& session, const Expected& one) const {
    const ModelMessage& message = one.message();
    const bool is_distinct =
        !message.payload.empty() && !message.was_again &&
        std::none_of(session.outstanding.begin(), session.outstanding.end(),
                     [&](const auto& other) { return other.delivery.payload == message.payload; });
    return is_distinct && !one.is_received && one.is_certain() && !message.is_expired(now_) &&
           one.lowest_qos() != Qos::AtMostOnce;
}

// Whether it may be on its way to the client. Where a share group's message waits is the broker's
// affair.
bool Model::may_wait(const ModelSession& session, const KeptDelivery& kept) const {
    if (kept.is_shared || session.alike.count(kept.topic) != 0) return true;
    const ModelMessage* message = find_message(kept.payload);
    if (message && (message->was_again || message->is_expired(now_))) return true;
    const auto is_expected = [&](const Expected& one) {
        return is_of(one, kept) && (!one.is_received || one.may_be_replay);
    };
    const auto is_replayed = [&](const ExpectedReplay& one) {
        return kept.retain && matches(one.filter, kept.topic);
    };
    return std::any_of(session.expected.begin(), session.expected.end(), is_expected) ||
           std::any_of(session.replays.begin(), session.replays.end(), is_replayed);
}

// What has expired is gone without a word.
void Model::check_kept_retained() {
    const auto payload_of = [&](const std::string& topic) {
        const auto at = kept_->retained().find(topic);
        const ModelMessage* message =
            at == kept_->retained().end() ? nullptr : find_message(at->second);
        return message && !message->is_expired(now_) ? message->payload : std::string();
    };
    for (const auto& [topic, retained] : retained_) {
        const auto is_it = [&, payload = payload_of(topic)](const ModelMessage* one) {
            return payload == (one && !one->is_expired(now_) ? one->payload : std::string());
        };
        if (std::none_of(retained.may_be.begin(), retained.may_be.end(), is_it))
            fail("the store has '" + payload_of(topic) + "' retained for " + topic);
    }
    for (const auto& [topic, payload] : kept_->retained())
        if (retained_.count(topic) == 0) fail("the store has a retained message for " + topic);
}

void Model::check_kept_received(int client, const std::set<std::uint16_t>& may,
                                const std::set<std::uint16_t>& must) {
    if (!kept_) return;
    const KeptSession* kept = kept_of(session(client));
    if (!kept) return;
    const std::set<std::uint16_t>& received = kept->received;
    if (!std::includes(may.begin(), may.end(), received.begin(), received.end()))
        fail("the store has a QoS 2 identifier of nothing of " + client_id(client));
    if (!std::includes(received.begin(), received.end(), must.begin(), must.end()))
        fail("the store has lost a QoS 2 identifier of " + client_id(client));
}

// Everybody has acknowledged everything.
void Model::finish_kept() {
    if (!kept_) return;
    for (const auto& [id, session] : kept_->sessions())
        if (!session.deliveries.empty() || !session.received.empty())
            fail("to the end the store has something under way of " + id);
}

}  // namespace starling
