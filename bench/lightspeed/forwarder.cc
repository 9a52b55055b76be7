#include "bench/lightspeed/forwarder.h"

#include <algorithm>
#include <array>

namespace starling {
namespace {

constexpr std::uint8_t kConnack = 0x20;
constexpr std::uint8_t kPuback = 0x40;
constexpr std::uint8_t kPubrec = 0x50;
constexpr std::uint8_t kPubrel = 0x62;
constexpr std::uint8_t kPubcomp = 0x70;
constexpr std::uint8_t kSuback = 0x90;
constexpr std::uint8_t kPingresp = 0xD0;

constexpr std::uint8_t kVersion5 = 5;

}  // namespace

bool Forwarder::on_publish(Connection& from, const Packet& packet) {
    if (!has_text_at(packet.body, 0)) return false;
    const std::string_view name = text_at(packet.body, 0);
    if (packet.qos() != 0) {
        const std::uint8_t first_byte = packet.qos() == 1 ? kPuback : kPubrec;
        if (!answer_ack(from, first_byte, packet.body.subspan(2 + name.size()))) return false;
    }
    const Topic* topic = topics_.find(name);
    if (topic != run_topic_ || run_.data() + run_.size() != packet.whole.data()) {
        end_run();
        run_topic_ = topic;
        run_ = packet.whole.first(0);
    }
    run_ = {run_.data(), run_.size() + packet.whole.size()};
    return true;
}

void Forwarder::end_run() {
    if (!run_topic_) return;
    for (Connection* subscriber : run_topic_->subscribers) push(*subscriber, run_);
    run_topic_ = nullptr;
}

bool Forwarder::on_other(Connection& from, const Packet& packet) {
    end_run();
    switch (packet.type()) {
        case PacketType::Pubrec: return answer_ack(from, kPubrel, packet.body);
        case PacketType::Pubrel: return answer_ack(from, kPubcomp, packet.body);
        case PacketType::Puback:
        case PacketType::Pubcomp: return true;
        case PacketType::Connect: return on_connect(from, packet.body);
        case PacketType::Subscribe: return on_subscribe(from, packet.body);
        case PacketType::Pingreq: {
            answer(from, std::array<std::uint8_t, 2>{kPingresp, 0});
            return true;
        }
        case PacketType::Publish: break;  // not here
    }
    return false;
}

bool Forwarder::on_connect(Connection& from, Bytes body) {
    if (!has_text_at(body, 0)) return false;
    const std::size_t version_at = 2 + number_at(body, 0);
    if (version_at == body.size()) return false;
    from.is_v5 = body[version_at] == kVersion5;
    if (from.is_v5) answer(from, std::array<std::uint8_t, 5>{kConnack, 3});
    else answer(from, std::array<std::uint8_t, 4>{kConnack, 2});
    return true;
}

// Grants what is asked for.
bool Forwarder::on_subscribe(Connection& from, Bytes body) {
    std::size_t at = 2;
    if (from.is_v5) {
        if (body.size() < 3 || body[2] > 127) return false;  // nobody sends so many properties
        at += 1u + body[2];
    }
    std::vector<std::uint8_t> suback(from.is_v5 ? 3 : 2);
    if (body.size() < at) return false;
    std::copy_n(body.begin(), 2, suback.begin());  // the packet identifier
    for (; has_text_at(body, at) && at + 2 + number_at(body, at) < body.size(); ++at) {
        const std::string_view filter = text_at(body, at);
        at += 2 + filter.size();
        topics_.subscribe(filter, from);
        suback.push_back(body[at] & 3);
    }
    if (at != body.size()) return false;
    answer_suback(from, suback);
    return true;
}

void Forwarder::answer_suback(Connection& to, Bytes body) {
    std::vector<std::uint8_t> suback{kSuback};
    std::size_t size = body.size();
    for (; size > 127; size >>= 7) suback.push_back(static_cast<std::uint8_t>(size | 128));
    suback.push_back(static_cast<std::uint8_t>(size));
    suback.insert(suback.end(), body.begin(), body.end());
    answer(to, suback);
}

bool Forwarder::answer_ack(Connection& to, std::uint8_t first_byte, Bytes packet_id) {
    if (packet_id.size() < 2) return false;
    std::uint8_t* const at = answers_.get() + answer_bytes_;
    at[0] = first_byte;
    at[1] = 2;
    at[2] = packet_id[0];
    at[3] = packet_id[1];
    push_answer(to, 4);
    return true;
}

void Forwarder::answer(Connection& to, Bytes bytes) {
    std::copy(bytes.begin(), bytes.end(), answers_.get() + answer_bytes_);
    push_answer(to, bytes.size());
}

// So many bytes have been written where the answers end.
void Forwarder::push_answer(Connection& to, std::size_t size) {
    push(to, {answers_.get() + answer_bytes_, size});
    answer_bytes_ += size;
}

void Forwarder::push(Connection& to, Bytes bytes) {
    if (!to.is_listed) {
        to.is_listed = true;
        listed_.push_back(&to);
    }
    to.push(bytes);
}

}  // namespace starling
