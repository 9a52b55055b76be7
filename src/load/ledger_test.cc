#include "load/ledger.h"

#include <string>

#include <gtest/gtest.h>

namespace starling {
namespace {

// 'n' new and in order, 's' new after a gap, 'l' late, 'd' duplicated.
char kind(const SequenceLedger::Arrival& arrival) {
    if (!arrival.is_new) return 'd';
    if (!arrival.is_in_order) return 'l';
    return arrival.skipped == 0 ? 'n' : 's';
}

TEST(SequenceLedger, TellsWhatEachArrivalIsAndWhatIsMissing) {
    using Ranges = std::vector<SequenceRange>;
    struct Case {
        const char* what;
        std::vector<std::uint32_t> arrivals;
        const char* kinds;
        std::uint32_t end;  // of the flow
        Ranges missing;
    };
    static const Case cases[] = {
        {"all in order", {0, 1, 2}, "nnn", 3, {}},
        {"nothing was sent", {}, "", 0, {}},
        {"nothing came", {}, "", 4, {{0, 4}}},
        {"the last ones are lost", {0, 1}, "nn", 4, {{2, 4}}},
        {"the first one is lost", {1, 2}, "sn", 3, {{0, 1}}},
        {"one comes twice", {0, 1, 1, 0}, "nndd", 2, {}},
        {"a gap stays", {0, 3, 4}, "nsn", 5, {{1, 3}}},
        {"a gap is filled", {0, 2, 1}, "nsl", 3, {}},
        {"a gap is filled twice", {0, 2, 1, 1}, "nsld", 3, {}},
        {"filled from its start", {3, 0}, "sl", 4, {{1, 3}}},
        {"filled from its end", {3, 2}, "sl", 4, {{0, 2}}},
        {"split in the middle", {4, 2}, "sl", 5, {{0, 2}, {3, 4}}},
        {"split and filled", {4, 2, 3, 0, 1}, "sllll", 5, {}},
        {"several gaps", {1, 3, 5, 0}, "sssl", 7, {{2, 3}, {4, 5}, {6, 7}}},
        {"the second of two gaps", {1, 3, 2}, "ssl", 4, {{0, 1}}},
        {"more came than was sent", {0, 1, 2}, "nnn", 2, {}},
    };
    for (const Case& c : cases) {
        SequenceLedger ledger;
        std::string kinds;
        for (const std::uint32_t sequence : c.arrivals) kinds += kind(ledger.take(sequence));
        EXPECT_EQ(kinds, c.kinds) << c.what;
        EXPECT_EQ(ledger.missing_ranges(c.end), c.missing) << c.what;
        std::uint64_t missing = 0;
        for (const SequenceRange range : c.missing) missing += range.end - range.first;
        EXPECT_EQ(ledger.missing(c.end), missing) << c.what;
    }
}

TEST(SequenceLedger, SaysHowManyWereSkipped) {
    SequenceLedger ledger;
    EXPECT_EQ(ledger.take(4).skipped, 4u);
    EXPECT_EQ(ledger.take(5).skipped, 0u);
    EXPECT_EQ(ledger.take(2).skipped, 0u);
}

TEST(SequenceLedger, MayBeginAnywhere) {
    SequenceLedger ledger(1'000);
    EXPECT_EQ(kind(ledger.take(1'000)), 'n');
    EXPECT_EQ(ledger.missing(1'001), 0u);
}

TEST(SequenceLedger, GivesUpTheOldestGapBeyondItsBound) {
    SequenceLedger ledger;
    constexpr auto kGaps = static_cast<std::uint32_t>(SequenceLedger::kGapsMax) + 1;
    for (std::uint32_t gap = 0; gap < kGaps; ++gap) ledger.take(gap * 2 + 1);
    EXPECT_EQ(ledger.missing(kGaps * 2), kGaps) << "it is lost all the same";
    EXPECT_EQ(ledger.missing_ranges(kGaps * 2).size(), SequenceLedger::kGapsMax);
    EXPECT_EQ(kind(ledger.take(0)), 'd');
    EXPECT_EQ(kind(ledger.take(2)), 'l');
}

}  // namespace
}  // namespace starling
