#include "transport/quic/quic_keys.h"

#include <algorithm>
#include <gnutls/crypto.h>

#include "base/assert.h"

namespace starling::quic {
namespace {

// Of eight places one is the newest set's and at most five are in their overlap: two are left for
// those that old connections need.
constexpr std::uint64_t kPeriodsOfOverlap = 4;
static_assert(limits::kQuicKeySets >= kPeriodsOfOverlap + 4);

void fill(void* at, std::size_t size) {
    STARLING_ASSERT(gnutls_rnd(GNUTLS_RND_KEY, at, size) == 0);
}

// False also when the clock was set back meanwhile.
bool is_older(std::uint64_t time_s, std::uint64_t age_s, std::uint64_t now_s) {
    return now_s > time_s && now_s - time_s > age_s;
}

}  // namespace

KeySet KeySet::random(std::uint64_t made_at_s, std::uint8_t place) {
    KeySet set;
    fill(set.ids.data(), set.ids.size());
    fill(set.resets.data(), set.resets.size());
    fill(set.tokens.data(), set.tokens.size());
    fill(set.tickets.data(), set.tickets.size());
    set.made_at_s = made_at_s;
    set.place = place;
    return set;
}

std::uint64_t KeyTerms::overlap_s() const {
    return period_s == 0 ? kOverlapMaxS : std::min(kOverlapMaxS, kPeriodsOfOverlap * period_s);
}

QuicKeys QuicKeys::random(std::uint64_t now_s) {
    QuicKeys keys{.sets = {KeySet::random(now_s, 0)}};
    fill(&keys.epoch, sizeof keys.epoch);
    return keys;
}

bool QuicKeys::are_due(std::uint64_t now_s, const KeyTerms& terms) const {
    return terms.period_s != 0 && is_older(newest().made_at_s, terms.period_s, now_s);
}

std::optional<QuicKeys> QuicKeys::renewed(std::uint64_t now_s, const KeyTerms& terms,
                                          KeyPlaces in_use) const {
    QuicKeys next = *this;
    bool has_changed = false;
    for (std::size_t set = next.sets.size() - 1; set != 0; --set)
        has_changed |= next.retire(set, now_s, terms, in_use);
    const auto place = next.free_place();
    if (are_due(now_s, terms) && place) {
        next.sets.insert(next.sets.begin(), KeySet::random(now_s, *place));
        has_changed = true;
    }
    if (!has_changed) return {};
    return next;
}

// An older set goes, or as much of it as nobody needs. It was replaced when the next was made.
bool QuicKeys::retire(std::size_t set, std::uint64_t now_s, const KeyTerms& terms,
                      KeyPlaces in_use) {
    KeySet& old = sets[set];
    if (!is_older(sets[set - 1].made_at_s, terms.overlap_s(), now_s)) return false;
    if (!in_use[old.place]) {
        sets.erase(sets.begin() + static_cast<std::ptrdiff_t>(set));
        return true;
    }
    if (!old.opens_tokens()) return false;
    old.tokens = {};
    old.tickets = {};
    return true;
}

std::optional<std::uint8_t> QuicKeys::free_place() const {
    for (std::uint8_t place = 0; place < limits::kQuicKeySets; ++place)
        if (std::ranges::find(sets, place, &KeySet::place) == sets.end()) return place;
    return {};
}

}  // namespace starling::quic
