// The end, over all cores, in steps.
#include "broker/broker.h"

namespace starling {

void Broker::stop() {
    commons_.stop_begun.raise();
    for (CoreId core = 0; core < commons_.cores(); ++core)
        if (core != core_.id()) commons_.lanes.wake(core);
    if (stopping_ == Stopping::No) begin_stop();
}

// Nobody is listened to any more. Wills go out while everybody is still there to receive them.
void Broker::begin_stop() {
    stopping_ = Stopping::Settling;
    stop_at_ = core_.now() + options_.shutdown_timeout_s * TimeMs{1000};
    core_.timers().arm(token(TokenKind::Accept, {}), stop_at_);  // wakes the core for is_stopped()
    entrances_.clear();
    connections_.for_each([&](Handle handle, Connection& connection) {
        if (connection.state == Connection::State::AwaitsConnect) return drop(handle, connection);
        if (connection.state != Connection::State::Connected) return;
        Session& session = sessions_[connection.session.index];
        const bool is_will_due =
            session.will && (session.will->delay_s == 0 || session.expiry_s == 0);
        if (is_will_due) publish_will(connection.session, session);
    });
}

// Cores part when none has anything left to say to another, or when it has taken too long.
void Broker::go_on_stopping() {
    if (stopping_ != Stopping::Settling) return;
    const bool is_done = !wants_credit() && fan_outs_.empty() && pulls_.empty() &&
                         replaying_.empty() && answers_.empty() && !announcer_.can_begin() &&
                         !member_changes_.can_begin() && commits_.backlog() == 0;
    commons_.quiescence.report(core_.id(), mailbox_.sent(), mailbox_.received(), is_done);
    if (commons_.quiescence.has_come(last_look_)) commons_.mail_settled.raise();
    if (commons_.mail_settled.is_up() || core_.now() >= stop_at_) send_everybody_away();
}

void Broker::send_everybody_away() {
    stopping_ = Stopping::Flushing;
    connections_.for_each([&](Handle handle, Connection& connection) {
        if (connection.is_channel && connection.state == Connection::State::Connected)
            finish_channel(handle, connection);
    });
    connections_.for_each([&](Handle handle, Connection& connection) {
        if (connection.state == Connection::State::Connected)
            disconnect(handle, connection, Reason::ServerShuttingDown);
    });
}

bool Broker::is_stopped() const {
    const bool is_done = connections_.size() == 0 && commits_.backlog() == 0;
    return stopping_ == Stopping::Flushing && (is_done || core_.now() >= stop_at_);
}

}  // namespace starling
