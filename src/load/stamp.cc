#include "load/stamp.h"

#include <bit>
#include <cstring>

#include "base/assert.h"
#include "base/hash.h"

namespace starling {
namespace {

constexpr std::uint64_t kDueMask = (std::uint64_t{1} << 48) - 1;

// In the order of the network. One instruction, where byte by byte would be thirty.
std::uint64_t swapped(std::uint64_t value) {
    return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
}

std::uint64_t load_u64(const std::byte* at) {
    std::uint64_t value;
    std::memcpy(&value, at, sizeof value);
    return swapped(value);
}

std::byte* store_u64(std::byte* at, std::uint64_t value) {
    value = swapped(value);
    std::memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

// Chance makes a stamp of other bytes once in 65,536 times.
std::uint64_t check(std::uint64_t due, std::uint64_t name) { return mix(due ^ mix(name)) >> 48; }

}  // namespace

void write_stamp(const Stamp& stamp, std::byte* at) {
    STARLING_ASSERT(stamp.flow < kFlowsMax);
    const std::uint64_t due = stamp.due_ns & kDueMask;
    const std::uint64_t name =
        std::uint64_t{stamp.run} << 56 | std::uint64_t{stamp.flow} << 32 | stamp.sequence;
    store_u64(store_u64(at, check(due, name) << 48 | due), name);
}

std::optional<Stamp> read_stamp(Bytes payload) {
    if (payload.size() < kStampBytes) return {};
    const std::uint64_t first = load_u64(payload.data());
    const std::uint64_t name = load_u64(payload.data() + 8);
    const std::uint64_t due = first & kDueMask;
    if (first >> 48 != check(due, name)) return {};
    return Stamp{.run = static_cast<std::uint8_t>(name >> 56),
                 .flow = static_cast<std::uint32_t>(name >> 32) & (kFlowsMax - 1),
                 .sequence = static_cast<std::uint32_t>(name),
                 .due_ns = due};
}

std::uint64_t age_ns(std::uint64_t due_ns, std::uint64_t now_ns) {
    const std::uint64_t age = (now_ns - due_ns) & kDueMask;
    return age > kDueMask / 2 ? 0 : age;
}

}  // namespace starling
