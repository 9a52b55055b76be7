// The store of the model test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "base/random.h"
#include "broker/ports/store.h"
#include "tests/sim/kept.h"

namespace starling {

// Commits end some turns later, several at a time, and sometimes none for long, as when a disk is
// full. Time does not pass meanwhile: a core that waits for its store is not at rest. Owner: the
// world, one for each core.
class SimStore final : public Store {
public:
    // With every fourth seed commits end at once.
    SimStore(Kept& kept, std::uint64_t seed)
        : kept_(kept),
          random_(seed),
          is_prompt_(seed % 4 == 0) {}

    bool add(std::string_view client_id, const change::Any& change) override {
        open_.push_back(kept_.begin(client_id, change));
        return true;
    }
    void commit(std::uint64_t commit) override {
        under_way_.push_back({commit, std::exchange(open_, {})});
        if (is_prompt_) return;
        if (random_.below(300) == 0) stuck_ = 50 + random_.below(150);
        else if (stuck_ == 0) stuck_ = random_.below(6);
    }
    void run(Listener& listener) override {
        if (under_way_.empty() || (stuck_ != 0 && --stuck_ != 0)) return;
        const auto most = static_cast<std::uint32_t>(under_way_.size());
        const std::size_t count = is_prompt_ ? most : 1 + random_.below(most);
        std::uint64_t last = 0;
        for (std::size_t i = 0; i < count; ++i) {
            last = under_way_.front().number;
            for (const Kept::Change& change : under_way_.front().changes) kept_.end(change);
            under_way_.pop_front();
        }
        listener.on_committed(last);
    }
    bool has_answers() const override { return !under_way_.empty(); }

private:
    struct Commit {
        std::uint64_t number;
        std::vector<Kept::Change> changes;
    };

    Kept& kept_;
    Random random_;
    const bool is_prompt_;
    std::vector<Kept::Change> open_;
    std::deque<Commit> under_way_;
    std::uint32_t stuck_ = 0;  // turns until the next may end
};

}  // namespace starling
