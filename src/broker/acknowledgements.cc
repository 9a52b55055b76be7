// PUBACK, PUBREC, PUBREL and PUBCOMP from a client (MQTT 5.0, section 4.3).
#include <algorithm>

#include "broker/broker.h"

namespace starling {

void Broker::on_acknowledgement(Handle handle, Connection& connection, const Frame& frame) {
    const auto ack = decode_ack(frame, connection.version);
    if (!ack) return fail(handle, connection, ack.error());
    if (frame.type == PacketType::Pubrel) return on_pubrel(handle, connection, *ack);
    std::uint32_t position = 0;
    Handle sender = connection.session;
    const Inflight* entry = sessions_[sender.index].find_inflight(ack->packet_id, position);
    if (!entry) {
        sender = find_sender(sender, ack->packet_id);
        entry = sessions_[sender.index].find_inflight(ack->packet_id, position);
    }
    Session& session = sessions_[sender.index];
    switch (frame.type) {
        case PacketType::Puback:
            if (entry && entry->awaits != Inflight::Awaits::Puback)
                return fail(handle, connection, protocol_error("PUBACK for a QoS 2 message"));
            if (entry) finish_inflight(session, position);
            break;
        case PacketType::Pubrec:
            if (entry && entry->awaits == Inflight::Awaits::Puback)
                return fail(handle, connection, protocol_error("PUBREC for a QoS 1 message"));
            on_pubrec(handle, connection, sender, *ack);
            break;
        default:
            if (entry && entry->awaits == Inflight::Awaits::Pubcomp)
                finish_inflight(session, position);
            break;
    }
    if (session.has_kin()) pump_channels(sender.index);
    else pump(session);
    session.rest_if_idle();
}

// `sender` is the session whose delivery it is; the answer leaves where the PUBREC came.
void Broker::on_pubrec(Handle handle, Connection& connection, Handle sender, const Ack& ack) {
    Session& session = sessions_[sender.index];
    std::uint32_t position = 0;
    Inflight* entry = session.find_inflight(ack.packet_id, position);
    if (is_error(ack.reason)) {  // the message is done [MQTT-4.4.0-2]
        if (entry) finish_inflight(session, position);
        return;
    }
    if (entry && entry->awaits == Inflight::Awaits::Pubrec) {
        session.traffic->bytes -= entry->delivery.message->size();
        entry->delivery = {};
        entry->awaits = Inflight::Awaits::Pubcomp;
        entry->commit = keep_before_sending(session, sender, change::Released{position});
    }
    if (entry && !commits_.has_ended(entry->commit)) {
        // Sent again, in a way: pump() says PUBREL once the message is known to be released.
        if (entry->is_current) --session.traffic->current;
        entry->is_current = false;
        return;
    }
    acknowledge(handle, connection, PacketType::Pubrel, ack.packet_id,
                entry ? Reason::Success : Reason::PacketIdentifierNotFound);
}

void Broker::on_pubrel(Handle handle, Connection& connection, const Ack& ack) {
    const bool was_known = forget_received(connection.session.index, ack.packet_id);
    // Behind the PUBRECs that are owed: some clients do not wait for theirs.
    PendingAck owed;
    owed.packet_id = ack.packet_id;
    owed.type = PacketType::Pubcomp;
    owed.reason = was_known ? Reason::Success : Reason::PacketIdentifierNotFound;
    owed.commit = commit_so_far(sessions_[client_of(connection.session.index)]);
    owe(handle, connection, owed);
}

// The delivery is done with, one way or the other; its place in the window is free.
void Broker::finish_inflight(Session& session, std::uint32_t position) {
    SessionTraffic& traffic = *session.traffic;
    keep(session, change::Finished{position});
    const Inflight done = traffic.inflight.remove(position);
    if (done.delivery.message) traffic.bytes -= done.delivery.message->size();
    if (done.is_current) --traffic.current;
}

}  // namespace starling
