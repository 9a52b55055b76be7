#include "base/replay_register.h"

#include <algorithm>

namespace starling {

ReplayRegister::ReplayRegister(std::size_t entries, std::uint32_t lifetime_s, const HashKey& key)
    : count_(std::max<std::size_t>(1, (entries + kLine - 1) / kLine)),
      lifetime_s_(lifetime_s),
      key_(key),
      lines_(std::make_unique<Line[]>(count_)) {}

// Two cores that bring the same at once may have found different places free, if one of them has
// a later clock. Each has written before it looks again, so at least one sees the other's.
ReplayRegister::Verdict ReplayRegister::record(std::string_view what, std::uint32_t now_s) {
    const std::uint64_t hash = keyed_hash(key_, what);
    Line& line = lines_[(hash >> 32) % count_];
    const auto mark = static_cast<std::uint32_t>(hash);
    if (holds(line, nullptr, mark, now_s)) return Verdict::Seen;
    const std::uint64_t entry = std::uint64_t{now_s + lifetime_s_} << 32 | mark;
    const Entry* place = take_place(line, entry, now_s);
    if (!place) return Verdict::Full;
    return holds(line, place, mark, now_s) ? Verdict::Seen : Verdict::New;
}

bool ReplayRegister::holds(const Line& line, const Entry* but, std::uint32_t mark,
                           std::uint32_t now_s) {
    return std::ranges::any_of(line.entries, [&](const Entry& one) {
        const std::uint64_t entry = one.load();
        return &one != but && ends(entry) > now_s && static_cast<std::uint32_t>(entry) == mark;
    });
}

// The first that is free. Who loses one to another core tries the next.
ReplayRegister::Entry* ReplayRegister::take_place(Line& line, std::uint64_t entry,
                                                  std::uint32_t now_s) {
    for (Entry& place : line.entries) {
        std::uint64_t old = place.load();
        if (ends(old) <= now_s && place.compare_exchange_strong(old, entry)) return &place;
    }
    return nullptr;
}

}  // namespace starling
