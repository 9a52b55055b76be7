// What a message allocates on its way.
#include <vector>

#include <gtest/gtest.h>

#include "base/heap.h"
#include "broker/testing.h"

namespace starling {
namespace {

struct Packets {
    const char* connect;
    const char* subscribe;
    const char* publish;
};
constexpr Packets kV4 = {"10 [('MQTT') 04 02 0000 ()]", "82 [0001 ('a/b') 00]",
                         "30 [('a/b') '0123456789abcdef']"};
constexpr Packets kV5 = {"10 [('MQTT') 05 02 0000 [] ()]", "82 [0001 [] ('a/b') 00]",
                         "30 [('a/b') [] '0123456789abcdef']"};

// A publisher and a thousand subscribers, who have all had some messages.
class FanOutAllocations : public testing::Test {
protected:
    static constexpr std::size_t kSubscribers = 1'000;

    void begin(const Packets& packets) {
        for (std::size_t i = 0; i <= kSubscribers; ++i) {
            clients.push_back(rig.dial());
            rig.say(clients.back(), packets.connect);
            if (i != 0) rig.say(clients.back(), packets.subscribe);
        }
        for (int warm = 0; warm < 3; ++warm) publish(packets, 3);
    }

    // Allocations of the broker while so many messages arrive at once and are delivered.
    std::uint64_t publish(const Packets& packets, std::size_t messages) {
        for (const auto& client : clients) client->from_broker.clear();
        for (std::size_t i = 0; i < messages; ++i) rig.send(clients.front(), packets.publish);
        const std::uint64_t before = heap_blocks_of_thread();
        rig.turn();
        const std::uint64_t made = heap_blocks_of_thread() - before;
        for (std::size_t i = 1; i < clients.size(); ++i)
            EXPECT_FALSE(clients[i]->from_broker.empty());
        return made;
    }

    BrokerRig rig;
    std::vector<BrokerRig::Wire> clients;
};

// None once BlockCache is warm, where it keeps blocks.
TEST_F(FanOutAllocations, AreThoseOfTheMessageAlone) {
    begin(kV4);
    EXPECT_LE(publish(kV4, 1), 1u);
    EXPECT_LE(publish(kV4, 3), 3u);
}

TEST_F(FanOutAllocations, AreThoseOfTheMessageAloneInVersion5) {
    begin(kV5);
    EXPECT_LE(publish(kV5, 1), 1u);
    EXPECT_LE(publish(kV5, 3), 3u);
}

}  // namespace
}  // namespace starling
