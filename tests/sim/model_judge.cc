// What clients receive: whether something that they did explains it.
#include <algorithm>
#include <charconv>

#include "mqtt/topic.h"
#include "tests/sim/model.h"

namespace starling {
namespace {

// The identifiers of a delivery that one subscription explains.
std::vector<std::uint32_t> ids_of(const ModelSession& session, const ModelTerms& terms) {
    if (session.version != Version::V5 || terms.identifier == 0) return {};
    return {terms.identifier};
}

}  // namespace

void Model::deliver(const ModelArrival& at, const ModelDelivery& delivery) {
    ModelSession& session = session_of(at.client);
    if (at.life != session.life || !session.exists) return;
    ++deliveries_;
    if (at.is_current) check_sent_kept(session, delivery);
    const bool has_id = delivery.qos != Qos::AtMostOnce;
    if (has_id && take_again(session, delivery, at.is_current)) return;

    Outstanding entry;
    entry.delivery = delivery;
    entry.is_current = at.is_current;
    if (!take_shared(session, delivery, entry) && !take_live(session, delivery, false) &&
        !take_replay(session, delivery) && !take_live(session, delivery, true) &&
        !retake_live(session, delivery))
        fail("client " + std::to_string(at.client) + " got what nothing explains");
    if (!has_id) return;
    session.outstanding.push_back(entry);
    check_window(session);
}

// --- What was in flight --------------------------------------------------------------------------

// False when it is not a repetition.
bool Model::take_again(ModelSession& session, const ModelDelivery& delivery, bool is_current) {
    const auto entry = std::find_if(
        session.outstanding.begin(), session.outstanding.end(),
        [&](const Outstanding& one) { return one.delivery.packet_id == delivery.packet_id; });
    if (entry == session.outstanding.end()) {
        if (is_current) check_resend_order(session, nullptr);
        return false;
    }
    if (!delivery.dup && entry->has_finished) {
        if (entry->shared != 0) shared_.erase(entry->shared);
        session.outstanding.erase(entry);
        return false;
    }
    if (!delivery.dup) {
        fail("a packet identifier that is in use");
        return true;
    }
    if (entry->is_current) fail("sent again on the same connection");
    const ModelDelivery& first = entry->delivery;
    if (first.payload != delivery.payload || first.topic != delivery.topic ||
        first.qos != delivery.qos || first.ids != delivery.ids || first.retain != delivery.retain)
        fail("sent again with other contents: it was " + first.text());
    if (entry->was_released) fail("sent again although PUBREC had come");
    if (!is_current) return true;
    check_resend_order(session, &*entry);
    entry->is_current = true;
    entry->has_pubrec = entry->has_finished = entry->may_be_done = false;
    check_window(session);
    return true;
}

// What was in flight comes first, in the order of sending [MQTT-4.6.0-1].
void Model::check_resend_order(const ModelSession& session, const Outstanding* upto) {
    for (const Outstanding& one : session.outstanding) {
        if (&one == upto) return;
        if (!one.is_current && !one.may_be_done)
            return fail("before " + one.delivery.text() + " was sent again");
    }
}

void Model::release(const ModelArrival& at, std::uint16_t packet_id) {
    ModelSession& session = session_of(at.client);
    if (at.life != session.life || !session.exists) return;
    for (Outstanding& one : session.outstanding) {
        if (one.delivery.packet_id != packet_id) continue;
        if (!one.has_pubrec) fail("PUBREL before PUBREC");
        if (!at.is_current) return;
        check_released_kept(session, packet_id);
        if (!one.is_current) check_resend_order(session, &one);
        one.is_current = true;
        one.has_finished = one.may_be_done = false;
        return;
    }
    fail("PUBREL for a packet identifier that is not in use");
}

void Model::check_window(const ModelSession& session) {
    const auto unacknowledged =
        std::count_if(session.outstanding.begin(), session.outstanding.end(),
                      [](const auto& one) { return one.is_current && !one.has_finished; });
    if (unacknowledged > session.receive_maximum) fail("[MQTT-3.3.4-9] above the receive maximum");
}

// --- What is new ---------------------------------------------------------------------------------

bool Model::take_shared(ModelSession& session, const ModelDelivery& delivery, Outstanding& entry) {
    const auto rank = [&](const SharedExpected& one) {
        return (one.may_be_dup == delivery.dup ? 2 : 0) + (one.is_optional ? 0 : 1);
    };
    auto found = shared_.end();
    for (auto at = shared_.begin(); at != shared_.end(); ++at) {
        if (!fits_shared(session, delivery, at->second)) continue;
        if (found == shared_.end() || rank(at->second) > rank(found->second)) found = at;
    }
    if (found == shared_.end()) return false;
    SharedExpected& one = found->second;
    const ModelMessage& message = *one.publication->message;
    check_content(session, delivery, message);
    check_fresh(session, delivery, message, one.may_be_dup);
    one.state = SharedExpected::State::Taken;
    one.is_due = false;
    served_groups_.insert({message.number, one.group});
    if (delivery.qos == Qos::AtMostOnce) shared_.erase(found);
    else entry.shared = found->first;
    return true;
}

// Whether it is that group's message to that member, under any terms it has had.
bool Model::fits_shared(ModelSession& session, const ModelDelivery& delivery,
                        const SharedExpected& one) const {
    const ModelMessage& message = *one.publication->message;
    if (one.state != SharedExpected::State::Waiting || message.topic != delivery.topic ||
        message.payload != delivery.payload)
        return false;
    // What was in flight unseen comes to who has left the group, too: sent before or, where there
    // is a store, only given its identifier.
    const auto states = session.subscriptions.find(one.group);
    const bool is_member = states != session.subscriptions.end() && may_exist(states->second);
    const bool may_be_in_flight =
        one.may_be_dup && (delivery.dup || (has_stores_ && delivery.qos != Qos::AtMostOnce));
    if (!is_member && !may_be_in_flight) return false;
    const auto& past = session.past_terms[one.group];
    return std::any_of(past.begin(), past.end(), [&](const ModelTerms& terms) {
        return delivery.qos == lower(message.qos, terms.qos) &&
               delivery.retain == (terms.retain_as_published && message.retain) &&
               delivery.ids == ids_of(session, terms);
    });
}

bool Model::take_live(ModelSession& session, const ModelDelivery& delivery, bool is_last_resort) {
    Expected* found = find_expected(session, delivery);
    if (!found && is_last_resort) found = find_attempt(session, delivery);
    if (!found)
        return is_last_resort && delivery.payload.empty() &&
               session.alike.count(delivery.topic) != 0;
    found->is_received = true;
    found->received_as = delivery;
    check_content(session, delivery, found->message());
    check_fresh(session, delivery, found->message(), found->may_be_dup);
    // In some order of things it may be a retained copy that looks the same.
    const auto explains = [&](const ExpectedReplay& one) {
        return fits_replay(session, delivery, one, found->message());
    };
    found->may_be_replay =
        delivery.retain && std::any_of(session.replays.begin(), session.replays.end(), explains);
    check_order(session, delivery, found->message(), found->may_be_replay);
    return true;
}

// Of several attempts at a message (and of messages without payload, which are all alike) the one
// that fits DUP, then one that must come, then one that can look no other way.
Expected* Model::find_expected(ModelSession& session, const ModelDelivery& delivery) {
    const auto rank = [&](const Expected& one) {
        return (one.may_be_dup == delivery.dup ? 4 : 0) + (one.is_certain() ? 2 : 0) +
               (one.lowest_qos() == one.highest_qos() ? 1 : 0);
    };
    Expected* found = nullptr;
    for (Expected& one : session.expected) {
        if (one.is_received || one.message().topic != delivery.topic ||
            one.message().payload != delivery.payload || !one.fits(delivery, session.version))
            continue;
        if (!found || rank(one) > rank(*found)) found = &one;
    }
    return found;
}

// Which of several attempts it was may come out only with the last, when another has been taken for
// it: then any that is left will do.
Expected* Model::find_attempt(ModelSession& session, const ModelDelivery& delivery) {
    for (Expected& one : session.expected)
        if (!one.is_received && one.message().was_again && !delivery.payload.empty() &&
            one.message().payload == delivery.payload)
            return &one;
    return nullptr;
}

// What was taken for the live message may have been a retained copy that looked the same: from its
// topic's home it may come earlier than the message from its publisher's core.
bool Model::retake_live(ModelSession& session, const ModelDelivery& delivery) {
    for (Expected& one : session.expected) {
        if (!one.is_received || !one.may_be_replay || one.message().topic != delivery.topic ||
            one.message().payload != delivery.payload || !one.fits(delivery, session.version))
            continue;
        for (ExpectedReplay& replay : session.replays)
            if (fits_replay(session, one.received_as, replay, one.message()) &&
                replay.served.insert(delivery.topic).second)
                break;
        one.may_be_replay = false;
        check_content(session, delivery, one.message());
        return true;
    }
    return false;
}

// A replay that asks for what still holds comes before one that may bring it.
bool Model::take_replay(ModelSession& session, const ModelDelivery& delivery) {
    const ModelMessage* message = find_message(delivery.payload);
    if (!delivery.retain || !message || message->topic != delivery.topic) return false;
    ModelRetained& retained = retained_[delivery.topic];
    ExpectedReplay* found = nullptr;
    bool is_clear = retained.news.empty();
    for (ExpectedReplay& one : session.replays) {
        if (one.served.count(delivery.topic) != 0 || !fits_replay(session, delivery, one, *message))
            continue;
        const auto is_current = [&](const ExpectedReplay& it) {
            return it.is_certain && retained.changed < it.since;
        };
        if (!found || (is_current(one) && !is_current(*found))) found = &one;
        is_clear = is_clear && retained.changed < one.since;
    }
    if (!found) return false;
    found->served.insert(delivery.topic);
    check_content(session, delivery, *message);
    check_fresh(session, delivery, *message, !found->is_certain);
    check_order(session, delivery, *message, true);
    if (is_clear) retained.settle_on(message);
    return true;
}

bool Model::fits_replay(const ModelSession& session, const ModelDelivery& delivery,
                        const ExpectedReplay& replay, const ModelMessage& message) const {
    return matches(replay.filter, delivery.topic) && may_be_retained(message, replay.since) &&
           delivery.qos == lower(message.qos, replay.terms.qos) &&
           delivery.ids == ids_of(session, replay.terms);
}

bool Model::may_be_retained(const ModelMessage& message, unsigned since) const {
    const auto at = retained_.find(message.topic);
    if (at == retained_.end()) return false;
    const ModelRetained& retained = at->second;
    if (std::count(retained.may_be.begin(), retained.may_be.end(), &message) != 0) return true;
    for (const Publication* one : retained.news)
        if (one->message == &message) return true;
    const auto gone = retained.gone.find(&message);
    return gone != retained.gone.end() && gone->second >= since;
}

const ModelMessage* Model::find_message(const std::string& payload) const {
    std::uint64_t number = 0;
    if (!payload.starts_with('m')) return nullptr;
    const char* end = payload.data() + payload.size();
    std::from_chars(payload.data() + 1, end, number);
    return number == 0 || number > messages_.size() ? nullptr : &messages_[number - 1];
}

void Model::check_content(const ModelSession& session, const ModelDelivery& delivery,
                          const ModelMessage& message) {
    if (session.version != Version::V5) return;
    if (delivery.forwarded != message.forwarded) fail("other properties than were sent");
    const bool has_expiry = delivery.expiry_interval_s != kNoMessageExpiry;
    if (has_expiry != (message.expires_at != kNever)) return fail("message expiry lost or made up");
    if (!has_expiry) return;
    const TimeMs left = message.is_expired(now_) ? 0 : message.expires_at - now_;
    if ((delivery.expiry_interval_s < left / 1000 && !message.has_loose_expiry()) ||
        (delivery.expiry_interval_s > (left + 999) / 1000 && !session.was_stalled))
        fail("[MQTT-3.3.2-6] another expiry interval than what is left");
}

void Model::check_fresh(const ModelSession& session, const ModelDelivery& delivery,
                        const ModelMessage& message, bool may_be_dup) {
    if (delivery.dup && !may_be_dup && !message.was_again)
        fail("[MQTT-3.3.1-3] DUP on what was never sent");
    if (message.is_expired(now_) && !delivery.dup && !session.was_stalled)
        fail("[MQTT-3.3.2-5] client " + std::to_string(session.client) +
             " got a message that had expired");
}

// First times only: who publishes again for want of an answer may be heard again.
void Model::check_order(ModelSession& session, const ModelDelivery& delivery,
                        const ModelMessage& message, bool is_replay) {
    const bool is_first = session.seen.insert(message.number).second;
    if (message.is_will || message.was_again || message.payload.empty()) return;
    const ModelSession::Line line{message.publisher, message.topic, delivery.qos};
    std::uint64_t& last = session.last[line];
    std::uint64_t& last_retained = session.last_retained[line];
    if (!is_replay && is_first) {
        if (message.number < last) fail("[MQTT-4.6.0-5] after m" + std::to_string(last));
        last = message.number;
    }
    if (!message.retain || !(is_first || is_replay)) return;
    if (message.number < last_retained)
        fail("older than the retained m" + std::to_string(last_retained) + " that came before");
    last_retained = std::max(last_retained, message.number);
}

}  // namespace starling
