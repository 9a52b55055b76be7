#include "broker/interest.h"

#include "base/assert.h"
#include "base/sabotage.h"

namespace starling {

// --- Exact filters -------------------------------------------------------------------------------

void ExactInterest::add(std::uint64_t fingerprint, CoreId core) {
    if ((size_ + 1) * 8 > slots_.size() * 7) resize(slots_.empty() ? 8 : slots_.size() * 2);
    place(entry(fingerprint, core));
    ++size_;
}

void ExactInterest::remove(std::uint64_t fingerprint, CoreId core) {
    STARLING_ASSERT(size_ != 0);
    std::size_t gap = home(entry(fingerprint, core));
    while (slots_[gap] != entry(fingerprint, core)) {
        STARLING_ASSERT(slots_[gap] != kEmpty);
        gap = (gap + 1) & mask();
    }
    // Later entries of the run move back, so that no search meets a hole (Knuth 6.4, algorithm R).
    for (std::size_t at = (gap + 1) & mask(); slots_[at] != kEmpty; at = (at + 1) & mask()) {
        if (((at - home(slots_[at])) & mask()) < ((at - gap) & mask())) continue;
        slots_[gap] = slots_[at];
        gap = at;
    }
    slots_[gap] = kEmpty;
    --size_;
    if (slots_.size() > 64 && size_ * 4 < slots_.size()) resize(slots_.size() / 2);
}

void ExactInterest::find(std::uint64_t fingerprint, CoreSet& into) const {
    if (size_ == 0) return;
    for (std::size_t at = home(fingerprint << 16); slots_[at] != kEmpty; at = (at + 1) & mask())
        if (slots_[at] >> 16 == fingerprint && (into.empty() || !STARLING_SABOTAGED(FindOneCore)))
            into.add(static_cast<CoreId>(slots_[at] & 0xFFFF));
}

void ExactInterest::place(std::uint64_t fresh) {
    std::size_t at = home(fresh);
    while (slots_[at] != kEmpty) at = (at + 1) & mask();
    slots_[at] = fresh;
}

void ExactInterest::resize(std::size_t count) {
    std::vector<std::uint64_t> old(count, kEmpty);
    old.swap(slots_);
    for (const std::uint64_t one : old)
        if (one != kEmpty) place(one);
}

// --- All ----------------------------------------------------------------------------------------

void Interest::apply(CoreId core, const InterestChange& change) {
    if (!change.wildcard.empty()) apply_wildcard(core, change);
    else if (change.is_wanted) exact_.add(change.fingerprint, core);
    else exact_.remove(change.fingerprint, core);
}

void Interest::apply_wildcard(CoreId core, const InterestChange& change) {
    std::uint32_t place = tree_.find(change.wildcard);
    if (change.is_wanted) {
        if (place == TopicTree::kNone) {
            place = wildcards_.emplace().index;
            tree_.insert(change.wildcard, place);
        }
        wildcards_[place].cores.add(core);
        return;
    }
    STARLING_ASSERT(place != TopicTree::kNone);
    wildcards_[place].cores.remove(core);
    if (!wildcards_[place].cores.empty()) return;
    tree_.erase(change.wildcard);
    wildcards_.erase(wildcards_.handle(place));
}

CoreSet Interest::cores_for(const Hashed& topic) const {
    CoreSet cores;
    exact_.find(fingerprints_.of(topic.hash), cores);
    if (!STARLING_SABOTAGED(ForgetRemoteWildcards))
        tree_.match(topic.text,
                    [&](std::uint32_t wildcard) { cores.add(wildcards_[wildcard].cores); });
    return cores;
}

}  // namespace starling
