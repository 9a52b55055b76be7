// A store that keeps nothing.
#pragma once

#include "broker/ports/store.h"

namespace starling {

// All state is in the broker's memory and ends with the process, so nobody waits for anything.
// Owner: one core.
class MemoryStore final : public Store {
public:
    bool add(std::string_view, const change::Any&) override { return false; }
    void commit(std::uint64_t) override {}
};

}  // namespace starling
