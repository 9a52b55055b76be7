// What a client has from its loop.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/handle.h"
#include "base/random.h"
#include "client/client.h"
#include "client/link.h"
#include "client/resolver.h"

namespace starling {

// A stream of a client, as its readiness is reported: the client's handle, with the number of the
// stream in the highest bits of the index. Timers are those of the first.
struct StreamToken {
    static constexpr std::uint32_t kIndexBits = 24;
    static constexpr std::uint32_t kClientsMax = 1u << kIndexBits;

    Handle client;
    std::uint16_t stream = 0;

    std::uint64_t packed() const {
        return Handle{client.index | std::uint32_t{stream} << kIndexBits, client.generation}
            .packed();
    }
    static StreamToken unpack(std::uint64_t value) {
        const Handle both = Handle::unpack(value);
        return {{both.index % kClientsMax, both.generation},
                static_cast<std::uint16_t>(both.index >> kIndexBits)};
    }
};
static_assert(kFurtherStreamsMax <= UINT32_MAX >> StreamToken::kIndexBits);

// What the clients of one core share. Owner: their core.
struct ClientHost {
    static constexpr std::size_t kScratchBytes = 65'536;

    ClientHost(Core& its_core, OffloadPool& pool, std::uint64_t seed, Dial its_dial)
        : core(its_core),
          dial(std::move(its_dial)),
          random(seed),
          scratch(kScratchBytes),
          resolver(pool, core.waker()) {}

    Core& core;
    Dial dial;
    Random random;
    ByteVector scratch;  // what a client reads into

    std::vector<StreamToken> unread;  // those whose reading a budget cut off
    std::vector<Handle> dirty;        // clients to write at the end of the turn
    std::vector<Handle> abandoned;    // to be reaped, and likewise the links
    std::vector<std::unique_ptr<ClientLink>> dropped;

    // Tells a client, if there still is one, what its host name stands for.
    std::function<void(Handle, Resolver::Addresses)> on_resolved;
    Resolver resolver;
};

}  // namespace starling
