#include "transport/quic/source_limits.h"

#include <algorithm>

#include "base/assert.h"

namespace starling::quic {
namespace {

constexpr AddressBlock::Bits kNetworkBits{.v4 = 24, .v6 = 48};

}  // namespace

SourceLimits::SourceLimits(std::uint32_t handshakes_max, const std::vector<AddressBlock>& unlimited,
                           const HashKey& key)
    : handshakes_max_(handshakes_max),
      unlimited_(unlimited),
      counts_(0, Hash{key}) {}

SourceLimits::Claim SourceLimits::claim(const SocketAddress& source, bool has_answered) const {
    const auto holds = [&](const AddressBlock& block) { return block.contains(source); };
    if (std::ranges::any_of(unlimited_, holds)) return {{}, has_answered};
    return {AddressBlock::around(source, kNetworkBits), has_answered};
}

SourceLimits::Verdict SourceLimits::judge(const Claim& claim) const {
    if (!claim.network) return Verdict::Admit;
    const auto found = counts_.find(*claim.network);
    const Counts counts = found == counts_.end() ? Counts{} : found->second;
    if (counts.handshakes >= handshakes_max_) return Verdict::Refuse;
    if (!claim.has_answered && counts.unanswered >= handshakes_max_ / 2) return Verdict::Prove;
    return Verdict::Admit;
}

void SourceLimits::enter(const Claim& claim) {
    if (!claim.network) return;
    Counts& counts = counts_[*claim.network];
    ++counts.handshakes;
    if (!claim.has_answered) ++counts.unanswered;
}

void SourceLimits::leave(const Claim& claim) {
    if (!claim.network) return;
    const auto found = counts_.find(*claim.network);
    STARLING_ASSERT(found != counts_.end());
    Counts& counts = found->second;
    if (!claim.has_answered) --counts.unanswered;
    if (--counts.handshakes == 0) counts_.erase(found);
}

}  // namespace starling::quic
