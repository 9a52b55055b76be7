// A broker of several cores, and clients whose home a test can choose.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "broker/testing.h"

namespace starling {

// Two bytes as wire() reads them.
inline std::string hex16(unsigned value) {
    const std::array<std::byte, 2> bytes{std::byte(value >> 8), std::byte(value & 0xFF)};
    return BrokerRig::hex(Bytes(bytes));
}

// A PUBLISH of version 3.1.1, as wire() reads it.
inline std::string publish3(unsigned qos, bool retain, unsigned packet_id, const std::string& topic,
                            const std::string& payload) {
    const std::string id = qos == 0 ? "" : hex16(packet_id);
    return std::string("3") + "0123456789"[qos * 2 + (retain ? 1 : 0)] + " [('" + topic + "') " +
           id + " '" + payload + "']";
}

// Owner: the test.
class CoresRig : public BrokerRig {
public:
    explicit CoresRig(Shape shape, const BrokerOptions& options = quiet(),
                      const std::vector<Store*>& stores = {})
        : BrokerRig(options, shape, nullptr, stores),
          cores_(shape.cores) {}

    CoreId cores() const { return cores_; }

    // A name that begins with `text` and has that home. `text` may be the start of a share group's.
    std::string name_at(CoreId home, const std::string& text) {
        for (int i = 0;; ++i)
            if (const std::string name = text + std::to_string(i); commons().home_of(name) == home)
                return name;
    }

    // A client of that home has arrived anywhere and is welcome: version 3.1.1 with a clean
    // session, or version 5 with a clean start and these properties.
    Wire connect(CoreId home, const std::string& id, const std::string& keep_alive = "0000") {
        const Wire wire = dial();
        EXPECT_EQ(say(wire, "10 [('MQTT') 04 02 " + keep_alive + " ('" + name_at(home, id) + "')]"),
                  "20020000");
        return wire;
    }
    Wire connect5(CoreId home, const std::string& id, const std::string& properties = "") {
        const Wire wire = dial();
        const std::string heard = say(wire, connect5("02", home, id, properties));
        EXPECT_TRUE(heard.starts_with("20") && heard.substr(4, 4) == "0000") << heard;
        return wire;
    }
    // A version 5 client of that home is back; what follows CONNACK has yet to be heard.
    Wire resume5(CoreId home, const std::string& id, const std::string& properties) {
        const Wire wire = dial();
        send(wire, connect5("00", home, id, properties));
        turn();
        EXPECT_EQ(hex(wire->from_broker).substr(4, 4), "0100") << "Session Present";
        return wire;
    }

    void subscribe(const Wire& wire, const std::string& filter, const std::string& qos = "00") {
        EXPECT_EQ(say(wire, "82 [0001 ('" + filter + "') " + qos + "]"), hex("90 03 0001 " + qos));
    }
    void subscribe5(const Wire& wire, const std::string& filter, const std::string& qos = "00") {
        EXPECT_EQ(say(wire, "82 [0001 [] ('" + filter + "') " + qos + "]"),
                  hex("90 04 0001 00 " + qos));
    }

    // What a client hears next, as soon as any order of turns lets it.
    std::string hear_next(const Wire& wire) {
        for (int turns = 0; wire->from_broker.empty() && turns < 1'000; ++turns) turn_some(1);
        return heard(wire);
    }

    void turn_all() {
        for (CoreId core = 0; core < cores_; ++core) turn_core(core);
    }

private:
    std::string connect5(const char* flags, CoreId home, const std::string& id,
                         const std::string& properties) {
        return "10 [('MQTT') 05 " + std::string(flags) + " 0000 [" + properties + "] ('" +
               name_at(home, id) + "')]";
    }

    const CoreId cores_;
};

// A client that acknowledges what it gets and remembers it. Owner: the test.
struct TestClient {
    BrokerRig::Wire wire;
    Version version = Version::V4;
    std::vector<std::string> received{};  // "topic payload", in order
    std::vector<std::string> acks{};      // PUBACK and PUBREC behind their fixed header, in order

    // Takes in what the broker has written since, and answers it.
    void read(BrokerRig& rig) {
        const ByteVector bytes = std::exchange(wire->from_broker, {});
        for (Bytes rest = bytes; !rest.empty();) {
            const auto frame = next_frame(rest, kPacketBytesMax);
            ASSERT_TRUE(frame && frame->size != 0);
            take(rig, *frame);
            rest = rest.subspan(frame->size);
        }
    }

private:
    void take(BrokerRig& rig, const Frame& frame) {
        switch (frame.type) {
            case PacketType::Publish: return take_publish(rig, frame);
            case PacketType::Pubrel: return answer(rig, "70 02", id_of(frame));
            case PacketType::Pubrec: answer(rig, "62 02", id_of(frame)); [[fallthrough]];
            case PacketType::Puback: acks.push_back(BrokerRig::hex(frame.body)); return;
            default: return;
        }
    }
    void take_publish(BrokerRig& rig, const Frame& frame) {
        const auto publish = decode_publish(frame, version, Sender::Server);
        ASSERT_TRUE(publish);
        received.push_back(std::string(publish->topic) + ' ' +
                           std::string(as_text(publish->payload)));
        if (publish->qos == Qos::AtLeastOnce) answer(rig, "40 02", publish->packet_id);
        if (publish->qos == Qos::ExactlyOnce) answer(rig, "50 02", publish->packet_id);
    }
    void answer(BrokerRig& rig, const std::string& head, std::uint16_t packet_id) {
        rig.send(wire, head + hex16(packet_id));
    }
    std::uint16_t id_of(const Frame& frame) const { return decode_ack(frame, version)->packet_id; }
};

// All clients read and answer until nothing is left to say.
inline void settle(BrokerRig& rig, std::vector<TestClient>& clients) {
    const auto is_heard = [](const TestClient& one) { return one.wire->from_broker.empty(); };
    do {
        for (TestClient& one : clients) one.read(rig);
        rig.turn();
    } while (!std::all_of(clients.begin(), clients.end(), is_heard));
}

// Every number of cores with several orders of turns.
inline std::vector<BrokerRig::Shape> shapes() {
    std::vector<BrokerRig::Shape> all;
    for (CoreId cores = 2; cores <= 4; ++cores)
        for (std::uint64_t seed = 1; seed <= 3; ++seed) all.push_back({cores, seed});
    return all;
}

// For SCOPED_TRACE.
inline std::string to_string(BrokerRig::Shape shape) {
    return std::to_string(shape.cores) + " cores, seed " + std::to_string(shape.seed);
}

}  // namespace starling
