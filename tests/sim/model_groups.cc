// Share groups: each message to one member. Who it waits at is the broker's affair, so the model
// remembers only that it waits, and whether it may be lost by now.
#include <algorithm>

#include "mqtt/topic.h"
#include "tests/sim/model.h"

namespace starling {
namespace {

// The states of the session's subscription to that group, if there are any.
const MayBe* states_in(const ModelSession& session, const std::string& group) {
    const auto at = session.subscriptions.find(group);
    return session.exists && at != session.subscriptions.end() ? &at->second : nullptr;
}

bool is_always_qos0(const MayBe& states, Qos qos) {
    return std::all_of(states.begin(), states.end(), [&](const auto& terms) {
        return !terms || lower(terms->qos, qos) == Qos::AtMostOnce;
    });
}

bool is_never_qos0(const MayBe& states, Qos qos) {
    return std::none_of(states.begin(), states.end(), [&](const auto& terms) {
        return terms && lower(terms->qos, qos) == Qos::AtMostOnce;
    });
}

// Whether it can be kept there, or sent at once where that is all there is.
bool is_able(const ModelSession& session, const MayBe& states, Qos qos) {
    return must_exist(states) &&
           (is_never_qos0(states, qos) || (session.is_reading() && !session.is_shaken));
}

}  // namespace

void Model::offer_to_groups(Publication& publication) {
    const ModelMessage& message = *publication.message;
    std::set<std::string>& groups = publication.groups;
    for (const ModelSession& session : sessions_)
        for (const auto& [filter, states] : session.subscriptions)
            if (is_shared_filter(filter) && may_exist(states) &&
                matches(split_share(filter)->filter, message.topic))
                groups.insert(filter);
    for (const std::string& group : groups) {
        const bool has_able = has_able_member(group, message.qos);
        if (has_able) ++publication.receivers;
        ++publication.receivers_most;
        expect_shared(publication, group, !has_able);
    }
}

// A QoS 2 message that is published again is one with the first.
void Model::expect_shared(const Publication& publication, const std::string& group,
                          bool is_optional) {
    const ModelMessage& message = *publication.message;
    if (publication.is_again && message.qos == Qos::ExactlyOnce) {
        if (served_groups_.count({message.number, group}) != 0) return;
        for (auto& [id, one] : shared_)
            if (one.publication->message == &message && one.group == group)
                return void(one.is_optional = true);
    }
    SharedExpected one;
    one.publication = &publication;
    one.group = group;
    one.is_optional = is_optional || left_groups_.count(group) != 0 || publication.is_again;
    one.may_be_dup = left_groups_.count(group) != 0;
    one.is_due = !is_concurrent_ && can_take_at_once(group, message.qos, kMessagesAtOnce);
    shared_.emplace(++last_shared_, one);
}

// What is under way may meet the new member as the group's first.
void Model::member_joins(const std::string& group) {
    for (Publication* publication : under_way_) {
        if (!matches(split_share(group)->filter, publication->message->topic)) continue;
        if (publication->groups.insert(group).second) expect_shared(*publication, group, true);
    }
}

// What waits may have waited there: it goes to others, if there are any who can have it.
void Model::member_left(const ModelSession& session, const std::string& group) {
    left_groups_.insert(group);
    const bool is_unclear = is_concurrent_ || session.is_stalled;
    for (auto& [id, one] : shared_) {
        if (one.group != group) continue;
        // A group without members is gone; one of the same name later is another.
        if (is_unclear || !has_member(group)) one.is_optional = true;
        if (is_unclear) one.may_be_dup = true;
        if (one.state != SharedExpected::State::Waiting) continue;
        if (!has_able_member(group, one.publication->message->qos)) one.is_optional = true;
    }
}

// Of a session that has ended, what was in flight: QoS 1 goes to others, QoS 2 must not
// [MQTT-4.8.2-4] [MQTT-4.8.2-5].
void Model::return_shared(ModelSession& session) {
    for (const Outstanding& entry : session.outstanding) {
        const auto at = shared_.find(entry.shared);
        if (at == shared_.end()) continue;
        SharedExpected& one = at->second;
        one.state = SharedExpected::State::Waiting;
        if (is_concurrent_) one.may_be_dup = true;
        if (entry.has_finished || is_concurrent_ ||
            !has_able_member(one.group, one.publication->message->qos))
            one.is_optional = true;
        one.is_due = !is_concurrent_ && can_take_at_once(one.group, one.publication->message->qos,
                                                         session.outstanding.size());
        if (entry.delivery.qos == Qos::ExactlyOnce) shared_.erase(at);
    }
}

bool Model::has_able_member(const std::string& group, Qos qos) const {
    return std::any_of(sessions_.begin(), sessions_.end(), [&](const ModelSession& session) {
        const MayBe* states = states_in(session, group);
        return states && is_able(session, *states, qos);
    });
}

bool Model::has_member(const std::string& group) const {
    return std::any_of(sessions_.begin(), sessions_.end(), [&](const ModelSession& session) {
        const MayBe* states = states_in(session, group);
        return states && may_exist(*states);
    });
}

// Whether one can, and nobody else might have it to whom it does not come in this step. Up to
// `count` messages come to the group at a time. Where there is a store, a member looks busy while
// an identifier of QoS 2 is on its way there: the message may come to one who is absent.
bool Model::can_take_at_once(const std::string& group, Qos qos, std::size_t count) const {
    if (has_stores_) return false;
    const std::size_t others = 4 * count;  // what the same messages may bring to the member first
    bool can = false;
    for (const ModelSession& session : sessions_) {
        const MayBe* states = states_in(session, group);
        if (!states || !may_exist(*states)) continue;
        if (session.is_stalled) return false;
        const bool has_room =
            session.outstanding.size() + others <= session.window && session.expected.empty();
        can = can || (must_exist(*states) && session.is_connected && !session.is_shaken &&
                      (has_room || is_always_qos0(*states, qos)));
    }
    return can;
}

}  // namespace starling
