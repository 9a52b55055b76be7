#include "broker/outbox.h"

#include <array>

#include <gtest/gtest.h>

#include "base/random.h"

namespace starling {
namespace {

Ref<const Message> message(std::size_t size, char fill = 'x') {
    const std::string payload(size, fill);
    MessageParts parts;
    parts.topic = {"t"};
    parts.payload = as_bytes(payload);
    return Message::make(parts);
}

std::string gathered(Outbox& outbox, std::size_t pieces_max = 64) {
    std::vector<iovec> pieces(pieces_max);
    const std::size_t count = outbox.gather(pieces);
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
        text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
    return text;
}

TEST(Outbox, GivesWhatItWasGiven) {
    Outbox outbox;
    EXPECT_TRUE(outbox.empty());
    EXPECT_EQ(gathered(outbox), "");
    outbox.append(as_bytes("one"));
    outbox.append(as_bytes("two"));
    EXPECT_EQ(gathered(outbox), "onetwo");
    outbox.take(4);
    outbox.release(0);
    EXPECT_EQ(gathered(outbox), "wo");
    outbox.append(as_bytes("!"));
    outbox.take(3);
    outbox.release(0);
    EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, FillsOneSmallBlockAgainAndAgain) {
    Outbox outbox;
    const void* block = nullptr;
    for (int round = 0; round < 3; ++round) {
        outbox.append(as_bytes("some"));
        iovec piece;
        EXPECT_EQ(outbox.gather({&piece, 1}), 1u);
        EXPECT_TRUE(!block || piece.iov_base == block);
        block = piece.iov_base;
        outbox.take(3);
        outbox.release(0);
        EXPECT_EQ(gathered(outbox), "e");
        outbox.take(1);
        outbox.release(0);
        EXPECT_TRUE(outbox.empty());
    }
    const auto large = message(Outbox::kSharedFrom);
    outbox.append_payload(large);
    EXPECT_EQ(gathered(outbox).size(), Outbox::kSharedFrom);
    outbox.take(Outbox::kSharedFrom);
    outbox.release(0);
    EXPECT_TRUE(outbox.empty());
    EXPECT_EQ(gathered(outbox), "");
}

TEST(Outbox, KeepsWhatIsTakenUntilItIsReleased) {
    Outbox outbox;
    outbox.append(as_bytes("abcdef"));
    outbox.take(4);
    outbox.release(3);
    EXPECT_EQ(outbox.size(), 5u);
    EXPECT_EQ(outbox.untaken(), 2u);
    EXPECT_EQ(gathered(outbox), "ef");
    outbox.take(2);
    outbox.release(5);
    EXPECT_EQ(gathered(outbox), "");
    EXPECT_FALSE(outbox.empty());
    outbox.release(0);
    EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, SharesLargePayloadsOnly) {
    for (const std::size_t size : {Outbox::kSharedFrom - 1, Outbox::kSharedFrom}) {
        const auto shared = message(size);
        Outbox outbox;
        outbox.append(as_bytes("head"));
        outbox.append_payload(shared);
        outbox.append(as_bytes("next"));
        EXPECT_EQ(gathered(outbox), "head" + std::string(size, 'x') + "next");
        std::array<iovec, 8> pieces;
        const std::size_t count = outbox.gather(pieces);
        bool is_shared = false;
        for (std::size_t i = 0; i < count; ++i)
            is_shared |= pieces[i].iov_base == shared->payload().data();
        EXPECT_EQ(is_shared, size >= Outbox::kSharedFrom);
    }
}

TEST(Outbox, OutlivesTheMessagesOtherHolders) {
    Outbox outbox;
    outbox.append_payload(message(5'000, 'y'));
    outbox.append_payload(message(0));
    EXPECT_EQ(gathered(outbox), std::string(5'000, 'y'));
}

TEST(Outbox, AgreesWithAModel) {
    Random random(4);
    Outbox outbox;
    std::string model;      // what is not released
    std::size_t taken = 0;  // of it
    for (int step = 0; step < 20'000; ++step) {
        switch (random.below(4)) {
            case 0: {
                const std::string text(random.below(600), static_cast<char>('a' + step % 26));
                outbox.append(as_bytes(text));
                model += text;
                break;
            }
            case 1: {
                const std::size_t size = random.below(4'000);
                outbox.append_payload(message(size, static_cast<char>('A' + step % 26)));
                model.append(size, static_cast<char>('A' + step % 26));
                break;
            }
            case 2: {
                const std::string text = gathered(outbox, 1 + random.below(8));
                ASSERT_EQ(text, model.substr(taken, text.size()));
                ASSERT_EQ(text.empty(), taken == model.size());
                const std::size_t count = random.below(std::uint32_t(text.size() + 1));
                outbox.take(count);
                taken += count;
                break;
            }
            default: {
                const std::size_t kept = random.below(std::uint32_t(taken + 1));
                outbox.release(kept);
                model.erase(0, taken - kept);
                taken = kept;
            }
        }
        ASSERT_EQ(outbox.size(), model.size());
        ASSERT_EQ(outbox.untaken(), model.size() - taken);
        if (model.size() < 40'000) continue;  // drain now and then
        outbox.take(model.size() - taken);
        outbox.release(0);
        model.clear();
        taken = 0;
        ASSERT_TRUE(outbox.empty());
    }
}

TEST(Outbox, BytesHandedOutStayInPlace) {
    Outbox outbox;
    outbox.append(as_bytes("first"));
    std::array<iovec, 1> piece;
    outbox.gather(piece);
    outbox.take(5);
    outbox.release(5);  // the reader still points there
    for (int i = 0; i < 1'000; ++i) outbox.append(as_bytes("more and more"));
    EXPECT_EQ(std::string(static_cast<const char*>(piece[0].iov_base), 5), "first");
}

}  // namespace
}  // namespace starling
