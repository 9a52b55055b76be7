// From a host name to addresses, without waiting for the answer.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/slab.h"
#include "reactor/offload.h"

namespace starling {

bool is_numeric_address(const std::string& host);

// The system's resolver on the threads of a pool. Owner: one core.
class Resolver {
public:
    // Numeric addresses in the order in which to try them: at least one. An error's code is
    // getaddrinfo()'s.
    using Addresses = Result<std::vector<std::string>>;
    using Done = std::function<void(Addresses)>;

    Resolver(OffloadPool& pool, Waker& waker) : pool_(pool), completions_(waker) {}

    // Calls done() from a later run(). False when the pool is full: nothing was taken.
    [[nodiscard]] bool resolve(const std::string& host, Done done);

    void run() { completions_.run(); }
    bool has_any() const { return completions_.has_any(); }

private:
    // Written by the pool's thread, then read by the core.
    struct Query {
        std::string host;
        std::vector<std::string> addresses;
        int error = 0;

        void work();
        Addresses answer();
    };

    OffloadPool& pool_;
    Slab<Query, 16> queries_;
    Completions completions_;  // waits for the threads, so that the queries outlive their work
};

}  // namespace starling
