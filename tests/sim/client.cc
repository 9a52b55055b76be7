#include "tests/sim/client.h"

#include <algorithm>

#include "mqtt/append.h"

namespace starling {
namespace {

const char* type_name(PacketType type) {
    switch (type) {
        case PacketType::Puback: return "PUBACK";
        case PacketType::Pubrec: return "PUBREC";
        case PacketType::Pubrel: return "PUBREL";
        case PacketType::Pubcomp: return "PUBCOMP";
        default: return "packet";
    }
}

std::string text_of(const ModelMessage& message) {
    return message.topic + " '" + message.payload + "' qos " +
           std::to_string(static_cast<int>(message.qos)) + (message.retain ? " retain" : "");
}

std::string text_of(const SimSubscribe& one) {
    return " " + one.filter + " qos " + std::to_string(static_cast<int>(one.terms.qos)) +
           (one.terms.no_local ? " no-local" : "") +
           (one.terms.retain_as_published ? " as-published" : "") + " handling " +
           std::to_string(one.retain_handling) + " id " + std::to_string(one.terms.identifier);
}

}  // namespace

SimClient::SimClient(World& world, Model& model, Trace& trace, int number, Version version)
    : world_(world),
      model_(model),
      trace_(trace),
      number_(number),
      version_(version),
      id_(client_id(number)) {}

bool SimClient::is_asking(const std::string& filter) const {
    return std::any_of(requests_.begin(), requests_.end(), [&](const auto& entry) {
        const auto& filters = entry.second.filters;
        return std::any_of(filters.begin(), filters.end(),
                           [&](const SimSubscribe& one) { return one.filter == filter; });
    });
}

// --- What it does --------------------------------------------------------------------------------

void SimClient::connect(const SimConnect& terms) {
    say(std::string("CONNECT") + (terms.clean_start ? " clean" : "") + " expiry " +
        std::to_string(terms.expiry_s) + " receive-maximum " +
        std::to_string(terms.receive_maximum) + (terms.will ? " will " : "") +
        (terms.will
             ? text_of(*terms.will->message) + " delay " + std::to_string(terms.will->delay_s)
             : ""));
    if (wire_) end_connection();
    wire_ = world_.dial();
    is_welcome_ = false;
    expiry_s_ = terms.expiry_s;
    aliases_.assign(terms.topic_alias_maximum, "");

    Connect packet;
    packet.version = version_;
    packet.clean_start = terms.clean_start;
    packet.client_id = id_;
    PropertyWriter properties;
    if (terms.expiry_s != 0) properties.add_u32(Property::SessionExpiryInterval, terms.expiry_s);
    if (terms.receive_maximum != 65535)
        properties.add_u16(Property::ReceiveMaximum, terms.receive_maximum);
    if (terms.topic_alias_maximum != 0)
        properties.add_u16(Property::TopicAliasMaximum, terms.topic_alias_maximum);
    PropertyWriter will_properties;
    if (terms.will) {
        const ModelMessage& message = *terms.will->message;
        packet.will =
            WillPacket{message.qos, message.retain, message.topic, as_bytes(message.payload), {}};
        if (terms.will->delay_s != 0)
            will_properties.add_u32(Property::WillDelayInterval, terms.will->delay_s);
        if (message.expiry_s != 0)
            will_properties.add_u32(Property::MessageExpiryInterval, message.expiry_s);
    }
    ByteVector bytes;
    encode_connect(bytes, packet, properties, will_properties);
    send(bytes);

    const bool is_v5 = version_ == Version::V5;
    const std::uint32_t expiry_s =
        is_v5 ? terms.expiry_s : (terms.clean_start ? 0 : limits::kSessionExpiryS);
    expects_present_ =
        model_.connect(number_, {version_, terms.clean_start, expiry_s,
                                 is_v5 ? terms.receive_maximum : std::uint16_t{65535}, terms.will});
    life_ = model_.session(number_).life;
}

// Ours, or the broker's by now: what it had not confirmed is in doubt.
void SimClient::end_connection() {
    doubt_unanswered();
    ended_.push_back({std::move(wire_), std::exchange(unread_, {}), life_, aliases_, is_stalled_});
    is_welcome_ = false;
    is_stalled_ = false;
    awaited_.clear();
    unanswered_.clear();
    requests_.clear();
}

void SimClient::doubt_unanswered() {
    for (Publication* one : unconfirmed_) Model::doubt(one);
    for (const Flow& one : flows_)
        if (!one.has_pubrec) Model::doubt(one.publication);
}

void SimClient::subscribe(const std::vector<SimSubscribe>& filters) {
    Subscribe packet;
    packet.packet_id = next_packet_id();
    packet.subscription_identifier = filters.front().terms.identifier;
    std::string what = "SUBSCRIBE";
    for (const SimSubscribe& one : filters) {
        what += text_of(one);
        packet.filters.push_back({one.filter, one.terms.qos, one.terms.no_local,
                                  one.terms.retain_as_published,
                                  static_cast<std::uint8_t>(one.retain_handling)});
    }
    say(what);
    ByteVector bytes;
    encode_subscribe(bytes, version_, packet);
    send(bytes);
    for (const SimSubscribe& one : filters)
        model_.subscribe(number_, one.filter, one.terms, one.retain_handling);
    requests_[packet.packet_id] = {filters, false, {}};
}

void SimClient::unsubscribe(const std::string& filter) {
    say("UNSUBSCRIBE " + filter);
    Unsubscribe packet;
    packet.packet_id = next_packet_id();
    packet.filters.push_back(filter);
    ByteVector bytes;
    encode_unsubscribe(bytes, version_, packet);
    send(bytes);
    requests_[packet.packet_id] = {{{filter, {}, 0}}, true, model_.unsubscribe(number_, filter)};
}

void SimClient::publish(ModelMessage message) {
    message.publisher = number_;
    const ModelMessage* kept = model_.compose(std::move(message));
    say("PUBLISH " + text_of(*kept));
    Publication* publication = model_.publish(kept, false);
    if (kept->qos == Qos::AtMostOnce) {
        unconfirmed_.push_back(publication);
        return send_publish(*kept, 0, false);
    }
    const std::uint16_t packet_id = next_packet_id();
    flows_.push_back({packet_id, publication, false});
    send_publish(*kept, packet_id, false);
}

void SimClient::send_publish(const ModelMessage& message, std::uint16_t packet_id, bool dup) {
    PublishHead head;
    head.version = version_;
    head.qos = message.qos;
    head.dup = dup;
    head.retain = message.retain;
    head.packet_id = packet_id;
    head.topic = message.topic;
    head.forwarded = message.forwarded;
    head.payload_size = message.payload.size();
    if (message.expiry_s != 0) head.expiry_interval_s = message.expiry_s;
    ByteVector bytes(publish_size(head).head);
    write_publish_head(head, bytes.data());
    append_bytes(bytes, as_bytes(message.payload));
    send(bytes);
    if (packet_id == 0) return;
    const bool is_exact = message.qos == Qos::ExactlyOnce;
    awaited_.push_back({is_exact ? PacketType::Pubrec : PacketType::Puback, packet_id});
}

void SimClient::acknowledge(std::size_t most) {
    for (; most > 0 && !unanswered_.empty(); --most) {
        send_answer(unanswered_.front());
        unanswered_.pop_front();
    }
}

void SimClient::send_answer(const Answer& answer) {
    say(std::string(type_name(answer.type)) + " " + std::to_string(answer.packet_id));
    ByteVector bytes;
    encode_ack(bytes, version_, answer.type, answer.packet_id, Reason::Success);
    send(bytes);
    if (answer.type != PacketType::Pubrel)
        model_.acknowledge(number_, answer.type, answer.packet_id);
}

void SimClient::stall(bool is_stalled) {
    say(is_stalled ? "stops reading" : "reads on");
    is_stalled_ = is_stalled;
    wire_->stall(is_stalled);
    model_.stall(number_, is_stalled);
}

void SimClient::disconnect(Reason reason, std::optional<std::uint32_t> expiry_s) {
    say(std::string("DISCONNECT ") + reason_name(reason) +
        (expiry_s ? " expiry " + std::to_string(*expiry_s) : ""));
    PropertyWriter properties;
    if (expiry_s) properties.add_u32(Property::SessionExpiryInterval, *expiry_s);
    ByteVector bytes;
    encode_disconnect(bytes, version_, reason, properties);
    send(bytes);
    model_.disconnect(number_, reason != Reason::Success, expiry_s);
    wire_->cut(0);
    end_connection();
}

void SimClient::hang_up(std::size_t lost) {
    say("hangs up" +
        (lost != 0 ? ", and " + std::to_string(lost) + " bytes are lost" : std::string()));
    model_.lose(number_);
    wire_->cut(lost);
    end_connection();
}

std::uint16_t SimClient::next_packet_id() {
    const auto is_used = [&](std::uint16_t id) {
        return requests_.count(id) != 0 ||
               std::any_of(flows_.begin(), flows_.end(),
                           [&](const Flow& one) { return one.packet_id == id; });
    };
    do ++last_packet_id_;
    while (last_packet_id_ == 0 || is_used(last_packet_id_));
    return last_packet_id_;
}

void SimClient::knock(const std::string& will_topic) {
    say("CONNECT " + (will_topic.empty() ? std::string("of an intruder") : "will " + will_topic));
    Connect packet;
    packet.version = version_;
    packet.client_id = id_;
    if (will_topic.empty()) packet.user_name = Rules::kIntruder;
    else packet.will = WillPacket{Qos::AtLeastOnce, true, will_topic, as_bytes("refused"), {}};
    ByteVector bytes;
    encode_connect(bytes, packet, {}, {});
    knocks_.push_back({world_.dial(), {}});
    knocks_.back().wire->send(bytes);
}

// --- What it gets --------------------------------------------------------------------------------

bool SimClient::read() {
    bool has_read = false;
    for (Ended& one : ended_) {
        const ByteVector fresh = one.wire->take();
        has_read = has_read || !fresh.empty();
        append_bytes(one.unread, fresh);
        read_last_words(one);
    }
    for (Knock& one : knocks_) append_bytes(one.unread, one.wire->take());
    if (!wire_ || awaits_last_words()) return has_read;
    const ByteVector fresh = wire_->take();
    append_bytes(unread_, fresh);
    std::size_t used = 0;
    while (!trace_.has_failed()) {
        const auto frame = next_frame(Bytes(unread_).subspan(used), kPacketBytesMax);
        if (!frame) fail(std::string("malformed: ") + frame.error().text);
        if (!frame || frame->size == 0) break;
        on_frame(*frame);
        used += frame->size;
    }
    unread_.erase(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(used));
    if (!is_lazy_) acknowledge(unanswered_.size());
    return has_read || !fresh.empty();
}

// They come before what the new connection brings: the broker ends the old one first.
bool SimClient::awaits_last_words() const {
    return std::any_of(ended_.begin(), ended_.end(),
                       [](const Ended& one) { return !one.was_stalled && !one.wire->is_over(); });
}

// The client hears them no more, but the model learns what the broker has sent.
void SimClient::read_last_words(Ended& ended) {
    const ModelArrival at{number_, ended.life, false};
    std::size_t used = 0;
    for (;;) {
        const auto frame = next_frame(Bytes(ended.unread).subspan(used), kPacketBytesMax);
        if (!frame) fail(std::string("malformed: ") + frame.error().text);
        if (!frame || frame->size == 0) break;
        used += frame->size;
        if (frame->type == PacketType::Publish) {
            const auto delivery = delivery_of(*frame, ended.aliases);
            if (!delivery) break;
            say("(gone) < " + delivery->text());
            model_.deliver(at, *delivery);
        } else if (frame->type == PacketType::Pubrel) {
            const auto ack = decode_ack(*frame, version_);
            if (!ack) return fail("malformed PUBREL");
            model_.release(at, ack->packet_id);
        }
    }
    ended.unread.erase(ended.unread.begin(),
                       ended.unread.begin() + static_cast<std::ptrdiff_t>(used));
}

void SimClient::on_frame(const Frame& frame) {
    if (!is_welcome_ && frame.type != PacketType::Connack) return fail("a packet before CONNACK");
    if (is_dismissed_) return fail("a packet after DISCONNECT");
    switch (frame.type) {
        case PacketType::Connack: return on_connack(frame);
        case PacketType::Publish: return on_publish(frame);
        case PacketType::Puback:
        case PacketType::Pubrec:
        case PacketType::Pubrel:
        case PacketType::Pubcomp: return on_ack(frame);
        case PacketType::Suback:
        case PacketType::Unsuback: return on_suback(frame);
        case PacketType::Disconnect: return on_disconnect(frame);
        default: return fail("a packet that nobody asked for");
    }
}

void SimClient::on_connack(const Frame& frame) {
    const auto connack = decode_connack(frame, version_);
    if (!connack || is_welcome_ || connack->reason != Reason::Success) return fail("a bad CONNACK");
    say(std::string("< CONNACK") + (connack->session_present ? " present" : ""));
    if (connack->session_present != expects_present_)
        return fail("[MQTT-3.2.2-2] session present is " +
                    std::to_string(connack->session_present));
    is_welcome_ = true;
    if (expects_present_) return resume();
    flows_.clear();
    subscribed_.clear();
}

// What the broker has not confirmed is sent again, in order [MQTT-4.4.0-1].
void SimClient::resume() {
    for (Flow& one : flows_) {
        if (one.has_pubrec) {
            send_answer({PacketType::Pubrel, one.packet_id});
            continue;
        }
        const ModelMessage& message = *one.publication->message;
        say("PUBLISH again " + text_of(message));
        one.publication = model_.publish(&message, true);
        send_publish(message, one.packet_id, true);
    }
}

std::optional<ModelDelivery> SimClient::delivery_of(const Frame& frame,
                                                    std::vector<std::string>& aliases) {
    const auto publish = decode_publish(frame, version_, Sender::Server);
    if (!publish) {
        fail(std::string("malformed PUBLISH: ") + publish.error().text);
        return std::nullopt;
    }
    ModelDelivery delivery;
    delivery.qos = publish->qos;
    delivery.dup = publish->dup;
    delivery.retain = publish->retain;
    delivery.packet_id = publish->packet_id;
    delivery.expiry_interval_s = publish->expiry_interval_s;
    delivery.topic = publish->topic;
    delivery.payload = as_text(publish->payload);
    if (publish->topic_alias > aliases.size()) fail("[MQTT-3.1.2-26] an alias above the maximum");
    else if (publish->topic_alias != 0) {
        std::string& known = aliases[publish->topic_alias - 1u];
        if (!delivery.topic.empty()) known = delivery.topic;
        delivery.topic = known;
    }
    for_each_property(publish->properties, [&](Property property, Bytes field) {
        if (property != Property::SubscriptionIdentifier) return;
        Reader reader(field.subspan(1));
        if (const auto id = reader.varint()) delivery.ids.push_back(*id);
    });
    std::sort(delivery.ids.begin(), delivery.ids.end());
    delivery.forwarded.resize(publish->properties.size());
    delivery.forwarded.resize(copy_forwarded(publish->properties, delivery.forwarded.data()));
    return delivery;
}

void SimClient::on_publish(const Frame& frame) {
    const auto delivery = delivery_of(frame, aliases_);
    if (!delivery) return;
    say("< " + delivery->text());
    model_.deliver(arrival(), *delivery);
    if (delivery->qos == Qos::AtLeastOnce)
        unanswered_.push_back({PacketType::Puback, delivery->packet_id});
    if (delivery->qos == Qos::ExactlyOnce)
        unanswered_.push_back({PacketType::Pubrec, delivery->packet_id});
}

void SimClient::on_ack(const Frame& frame) {
    const auto ack = decode_ack(frame, version_);
    if (!ack) return fail("a malformed acknowledgement");
    say(std::string("< ") + type_name(frame.type) + " " + std::to_string(ack->packet_id));
    if (frame.type == PacketType::Pubrel) {
        model_.release(arrival(), ack->packet_id);
        unanswered_.push_back({PacketType::Pubcomp, ack->packet_id});
        return;
    }
    const auto flow = std::find_if(flows_.begin(), flows_.end(), [&](const Flow& one) {
        return one.packet_id == ack->packet_id;
    });
    if (flow == flows_.end()) return fail("an acknowledgement of what was not sent");
    if (frame.type == PacketType::Pubcomp) {
        if (!flow->has_pubrec) return fail("PUBCOMP before PUBREL");
        model_.completed(number_, ack->packet_id);
        flows_.erase(flow);
        return;
    }
    if (awaited_.empty() || awaited_.front().type != frame.type ||
        awaited_.front().packet_id != ack->packet_id)
        return fail("acknowledgements out of order");
    awaited_.pop_front();
    if (version_ == Version::V5) model_.answered(*flow->publication, ack->reason);
    model_.acknowledged(*flow->publication, frame.type, ack->packet_id);
    if (frame.type == PacketType::Puback) {
        flows_.erase(flow);
        return;
    }
    if (is_error(ack->reason)) return void(flows_.erase(flow));
    flow->has_pubrec = true;
    unanswered_.push_back({PacketType::Pubrel, ack->packet_id});
}

void SimClient::on_suback(const Frame& frame) {
    const auto suback = decode_suback(frame, version_);
    if (!suback) return fail("a malformed SUBACK or UNSUBACK");
    const auto at = requests_.find(suback->packet_id);
    const bool is_unsubscribe = frame.type == PacketType::Unsuback;
    if (at == requests_.end() || at->second.is_unsubscribe != is_unsubscribe)
        return fail("SUBACK or UNSUBACK that nobody asked for");
    const Request request = at->second;
    requests_.erase(at);
    if (is_unsubscribe) {
        const std::string& filter = request.filters.front().filter;
        say("< UNSUBACK " + filter);
        model_.demand_filter_kept(number_, filter);
        subscribed_.erase(filter);
        const bool has_reason = version_ == Version::V5;
        return model_.unsubscribed(number_, filter, request.before,
                                   has_reason ? suback->reasons.at(0) : Reason::Success);
    }
    if (suback->reasons.size() != request.filters.size()) return fail("SUBACK of another length");
    for (std::size_t i = 0; i < request.filters.size(); ++i) {
        const SimSubscribe& one = request.filters[i];
        say("< SUBACK " + one.filter);
        model_.demand_filter_kept(number_, one.filter);
        if (!model_.rules().may_subscribe(id_, one.filter)) {
            if (!is_error(suback->reasons[i])) return fail("SUBACK grants what is not allowed");
            continue;
        }
        if (suback->reasons[i] != static_cast<Reason>(one.terms.qos))
            return fail("SUBACK grants another QoS than was asked for");
        subscribed_.insert(one.filter);
        model_.subscribed(number_, one.filter, one.terms);
    }
}

// Only end() knows whether there was a reason for it.
void SimClient::on_disconnect(const Frame& frame) {
    const auto disconnect = decode_disconnect(frame, version_, Sender::Server);
    if (!disconnect || disconnect->reason != Reason::ServerShuttingDown)
        return fail("a DISCONNECT from the broker");
    say("< DISCONNECT");
    is_dismissed_ = true;
}

void SimClient::settle() {
    ended_.clear();
    unconfirmed_.clear();
    settle_knocks();
    settle_kept();
    if (!wire_ || is_stalled_) return;
    if (wire_->is_over() || is_dismissed_) return fail("the broker closed the connection");
    if (!is_welcome_) return fail("no CONNACK came");
    if (!requests_.empty()) return fail("no SUBACK or UNSUBACK came");
    if (!awaited_.empty()) return fail("no PUBACK or PUBREC came");
    for (const Flow& one : flows_)
        if (one.has_pubrec && unanswered_.empty()) return fail("no PUBCOMP came");
}

// Between PUBREC and PUBREL the broker knows the identifier for certain.
void SimClient::settle_kept() {
    std::set<std::uint16_t> may;
    std::set<std::uint16_t> must;
    for (const Flow& one : flows_) {
        may.insert(one.packet_id);
        const bool has_said =
            std::none_of(unanswered_.begin(), unanswered_.end(), [&](const Answer& answer) {
                return answer.type == PacketType::Pubrel && answer.packet_id == one.packet_id;
            });
        if (one.has_pubrec && !has_said) must.insert(one.packet_id);
    }
    model_.check_kept_received(number_, may, must);
}

void SimClient::settle_knocks() {
    for (const Knock& one : knocks_) {
        const auto frame = next_frame(one.unread, kPacketBytesMax);
        if (!frame || frame->type != PacketType::Connack || frame->size != one.unread.size())
            return fail("a refusal is one CONNACK and nothing else");
        const auto connack = decode_connack(*frame, version_);
        if (!connack || connack->reason != Reason::NotAuthorized || connack->session_present)
            return fail("a CONNACK that does not refuse");
        if (!one.wire->is_over()) return fail("whom the broker refuses, it is to send away");
    }
    knocks_.clear();
}

void SimClient::end() {
    if (!wire_->is_over()) fail("the broker has stopped without closing the connection");
    if (is_dismissed_ != (version_ == Version::V5)) fail("DISCONNECT is for version 5 and for all");
    doubt_unanswered();
    wire_->cut(0);
    wire_.reset();
}

}  // namespace starling
