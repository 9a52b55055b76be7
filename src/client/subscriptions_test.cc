#include "client/subscriptions.h"

#include <gtest/gtest.h>

namespace starling {
namespace {

class SubscriptionsTest : public testing::Test {
protected:
    void ask(PacketType type, std::vector<std::string> filters) {
        ClientSubscriptions::Request request{.type = type, .content = {}};
        for (auto& filter : filters) request.content.filters.push_back({.filter = filter});
        ASSERT_TRUE(subscriptions.push(std::move(request), 10));
    }

    // Everything that is sent now: "+" or "-", the filters, the id.
    std::string sent() {
        std::string text;
        while (auto* request = subscriptions.next()) {
            text += request->type == PacketType::Subscribe ? '+' : '-';
            for (const auto& one : request->content.filters) text += one.filter;
            subscriptions.await_answer(*request, ++id);
            text += std::to_string(id) + ' ';
        }
        return text;
    }
    bool answer(PacketType type, std::uint16_t packet_id, std::vector<Reason> reasons) {
        return subscriptions.take_answer(type, {packet_id, std::move(reasons)}).has_value();
    }

    ClientSubscriptions subscriptions;
    std::uint16_t id = 0;
};

constexpr auto kSubscribe = PacketType::Subscribe;
constexpr auto kUnsubscribe = PacketType::Unsubscribe;

TEST_F(SubscriptionsTest, SendsAgainWhatTheServerHasLost) {
    ask(kSubscribe, {"a", "b"});
    EXPECT_EQ(sent(), "+ab1 ");
    EXPECT_TRUE(answer(PacketType::Suback, 1, {Reason::Success, Reason::NotAuthorized}));
    subscriptions.on_connection_lost();
    EXPECT_EQ(sent(), "");
    subscriptions.on_session_lost();
    EXPECT_EQ(sent(), "+a2 ");  // the refused one is not asked for again
}

TEST_F(SubscriptionsTest, SendsAgainWhatWasNotAnswered) {
    ask(kSubscribe, {"a"});
    EXPECT_EQ(sent(), "+a1 ");
    EXPECT_EQ(subscriptions.unused_from(1), 0);
    subscriptions.on_connection_lost();
    EXPECT_NE(subscriptions.unused_from(1), 0);
    EXPECT_EQ(sent(), "+a2 ");
    EXPECT_FALSE(answer(PacketType::Unsuback, 2, {}));
    EXPECT_FALSE(answer(PacketType::Suback, 1, {Reason::Success}));
    EXPECT_TRUE(answer(PacketType::Suback, 2, {Reason::Success}));
}

TEST_F(SubscriptionsTest, ALaterRequestReplacesAnEarlierOne) {
    ask(kSubscribe, {"a", "b"});
    ask(kSubscribe, {"a"});
    EXPECT_EQ(sent(), "+ab1 +a2 ");
    answer(PacketType::Suback, 1, {Reason::Success, Reason::Success});
    answer(PacketType::Suback, 2, {Reason::Success});
    subscriptions.on_session_lost();
    EXPECT_EQ(sent(), "+b3 +a4 ");
}

TEST_F(SubscriptionsTest, AnUnsubscribeIsForgottenWithWhatItEnded) {
    ask(kSubscribe, {"a"});
    ask(kUnsubscribe, {"a"});
    EXPECT_EQ(sent(), "+a1 -a2 ");
    answer(PacketType::Suback, 1, {Reason::Success});
    answer(PacketType::Unsuback, 2, {});
    subscriptions.on_session_lost();
    EXPECT_EQ(sent(), "");
}

TEST_F(SubscriptionsTest, RefusesBeyondItsBound) {
    EXPECT_TRUE(subscriptions.push({}, 1));
    EXPECT_FALSE(subscriptions.push({}, 1));
}

}  // namespace
}  // namespace starling
