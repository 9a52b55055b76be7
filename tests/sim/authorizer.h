// The authorizer of the model test.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/random.h"
#include "broker/ports/authorizer.h"
#include "tests/sim/rules.h"

namespace starling {

// Answers by the rules; some answers come late and in another order. Owner: the world.
class SimAuthorizer final : public Authorizer {
public:
    // With every fourth seed some questions are answered later.
    SimAuthorizer(const Rules& rules, std::uint64_t seed)
        : rules_(rules),
          random_(seed),
          percent_(seed % 4 == 0 ? 30 : 0) {}

    Verdict ask(const Question& question) override {
        const Verdict verdict{.kind = is_allowed(question) ? Verdict::Kind::Allowed
                                                           : Verdict::Kind::Denied};
        if (random_.below(100) >= percent_) return verdict;
        open_.emplace_back(question.id, verdict);
        return {.kind = Verdict::Kind::Later};
    }
    void run(Listener& listener) override {
        if (open_.empty() || random_.below(2) == 0) return;
        std::swap(open_[random_.below(static_cast<std::uint32_t>(open_.size()))], open_.back());
        const auto [question, verdict] = open_.back();
        open_.pop_back();
        listener.on_verdict(question, verdict);
    }
    bool has_answers() const override { return !open_.empty(); }

private:
    bool is_allowed(const Question& question) const {
        switch (question.action) {
            case Question::Action::Connect: return question.username != Rules::kIntruder;
            case Question::Action::Publish:
                return rules_.may_publish(question.client_id, question.topic);
            case Question::Action::Subscribe: break;
        }
        return rules_.may_subscribe(question.client_id, question.topic);
    }

    const Rules rules_;
    Random random_;
    const unsigned percent_;
    std::vector<std::pair<std::uint64_t, Verdict>> open_;
};

}  // namespace starling
