// A store in the hands of a test.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/delivery.h"
#include "broker/ports/store.h"
#include "broker/session.h"
#include "broker/subscription_table.h"

namespace starling {

// A change in a line: "session kept 100", "queued t 'a' QoS 1", "finished 0".
inline std::string text_of(const change::Any& change) {
    using namespace change;
    struct Line {
        static std::string message(const Message& one) {
            return std::string(one.topic()) + " '" + std::string(as_text(one.payload())) + "'";
        }
        static std::string at(const char* what, std::uint32_t number) {
            return what + std::to_string(number);
        }

        std::string operator()(const SessionKept& one) { return at("session kept ", one.expiry_s); }
        std::string operator()(const SessionLeft&) { return "session left"; }
        std::string operator()(const SessionEnded&) { return "session ended"; }
        std::string operator()(const WillSet& one) {
            return one.will ? "will " + one.will->topic : "no will";
        }
        std::string operator()(const Subscribed& one) {
            return "subscribed " + std::string(one.filter) +
                   at(" QoS ", static_cast<std::uint32_t>(one.terms.qos));
        }
        std::string operator()(const Unsubscribed& one) {
            return "unsubscribed " + std::string(one.filter);
        }
        std::string operator()(const Queued& one) {
            return "queued " + message(*one.delivery.message) +
                   at(" QoS ", static_cast<std::uint32_t>(one.delivery.qos));
        }
        std::string operator()(const Sent& one) {
            return at("sent ", one.position) + at(" as ", one.packet_id);
        }
        std::string operator()(const Released& one) { return at("released ", one.position); }
        std::string operator()(const Finished& one) { return at("finished ", one.position); }
        std::string operator()(const Received& one) { return at("received ", one.packet_id); }
        std::string operator()(const Forgotten& one) { return at("forgotten ", one.packet_id); }
        std::string operator()(const Retained& one) { return "retained " + message(one.message); }
    };
    return std::visit(Line(), change);
}

// Remembers what it was told as text; a commit ends at once or when the test says so. Owner: the
// test.
class HeldStore final : public Store {
public:
    // From now on commits end only with release().
    void hold() { is_held_ = true; }
    void release() {
        is_held_ = false;
        ended_ = last_;
    }

    // The commit that began last; and this one ends with all before it.
    std::uint64_t last() const { return last_; }
    void end(std::uint64_t commit) { ended_ = commit; }

    // What it was told since the last time.
    std::vector<std::string> heard() { return std::exchange(changes_, {}); }
    std::size_t uncommitted() const { return uncommitted_; }

    bool add(std::string_view client_id, const change::Any& change) override {
        const std::string who = client_id.empty() ? "" : std::string(client_id) + ": ";
        changes_.push_back(who + text_of(change));
        ++uncommitted_;
        return true;
    }
    void commit(std::uint64_t commit) override {
        last_ = commit;
        if (!is_held_) ended_ = last_;
    }
    void run(Listener& listener) override {
        if (told_ == ended_) return;
        told_ = ended_;
        uncommitted_ = 0;
        listener.on_committed(told_);
    }
    bool has_answers() const override { return told_ != ended_; }

private:
    std::vector<std::string> changes_;
    std::size_t uncommitted_ = 0;  // since the last commit that ended
    std::uint64_t last_ = 0;
    std::uint64_t ended_ = 0;
    std::uint64_t told_ = 0;
    bool is_held_ = false;
};

}  // namespace starling
