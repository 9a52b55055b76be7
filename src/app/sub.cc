// `starling sub`: subscribes, and prints the messages that come.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/client_command_line.h"
#include "app/client_program.h"
#include "app/commands.h"
#include "base/random.h"
#include "mqtt/topic.h"

namespace starling {
namespace {

constexpr int kTimedOut = 27;

const std::string& filter_of(const ClientSubscription& one) { return one.filter; }
const std::string& filter_of(const std::string& filter) { return filter; }

// A request to each stream for those of the filters that belong there.
template <typename Request>
std::vector<Request> spread(const Request& whole, std::uint16_t further) {
    std::vector<Request> parts;
    for (std::uint16_t stream = 0; stream <= further; ++stream) {
        Request part = whole;
        part.stream = stream;
        std::erase_if(part.filters, [=](const auto& one) {
            return stream_of(filter_of(one), further) != stream;
        });
        if (!part.filters.empty()) parts.push_back(std::move(part));
    }
    return parts;
}

// Owner: the main thread.
class SubProgram final : public ClientProgram {
public:
    SubProgram(ProgramCore& ground, SubArguments arguments);

    void on_message(const IncomingMessage& message) override;

protected:
    void start() override;
    void on_token(std::uint64_t token) override;

private:
    static constexpr std::uint64_t kTimeout = kOwnToken;

    void on_subscribed(std::span<const Reason> reasons);
    bool is_filtered_out(const IncomingMessage& message) const;
    bool is_printed(const IncomingMessage& message);
    void clear_retained(const IncomingMessage& message);
    void print(const IncomingMessage& message) const;
    std::optional<std::string> text(const IncomingMessage& message) const;
    std::optional<std::string> formatted(const IncomingMessage& message) const;
    void finish_when_cleared();

    const SubArguments arguments_;
    Random random_{secret_u64()};
    std::size_t unanswered_ = 0;  // requests to subscribe
    bool is_any_granted_ = false;
    std::uint32_t printed_ = 0;
    bool is_over_ = false;  // no further message counts
};

SubProgram::SubProgram(ProgramCore& ground, SubArguments arguments)
    : ClientProgram(ground, arguments),
      arguments_(std::move(arguments)) {
    if (arguments_.timeout_ms != 0)
        core().timers().arm(kTimeout, core().now() + arguments_.timeout_ms);
}

// The client keeps what it was asked for once, over all its connections.
void SubProgram::start() {
    const std::uint16_t further = arguments_.options.further_streams;
    for (SubscribeRequest& part : spread(arguments_.subscribe, further)) {
        ++unanswered_;
        const bool is_taken =
            client().subscribe(std::move(part), [this](auto reasons) { on_subscribed(reasons); });
        STARLING_ASSERT(is_taken);
    }
    for (UnsubscribeRequest& part : spread(arguments_.unsubscribe, further)) {
        const bool is_taken = client().unsubscribe(std::move(part));
        STARLING_ASSERT(is_taken);
    }
}

void SubProgram::on_subscribed(std::span<const Reason> reasons) {
    if (!std::all_of(reasons.begin(), reasons.end(), is_error)) is_any_granted_ = true;
    if (--unanswered_ != 0) return;
    if (!is_any_granted_) {
        complain("All subscription requests were denied.");
        return finish(static_cast<int>(reasons.front()));
    }
    if (arguments_.exits_when_subscribed) finish(0);
}

void SubProgram::on_token(std::uint64_t) {
    complain("Timed out");
    finish(kTimedOut);
}

void SubProgram::on_message(const IncomingMessage& message) {
    if (is_over_) return;
    if (arguments_.only_retained && !message.retain) return finish_when_cleared();
    if (is_filtered_out(message)) return;
    if (arguments_.clears_retained && message.retain) clear_retained(message);
    if (!is_printed(message)) return;
    print(message);
    if (++printed_ == arguments_.count) finish_when_cleared();
}

bool SubProgram::is_filtered_out(const IncomingMessage& message) const {
    const auto& filters = arguments_.filtered_out;
    return std::any_of(filters.begin(), filters.end(),
                       [&](const std::string& filter) { return matches(filter, message.topic); });
}

bool SubProgram::is_printed(const IncomingMessage& message) {
    if (arguments_.ignores_retained && message.retain) return false;
    return random_.below(100'000) < arguments_.printed_percent * 1'000;
}

// At QoS 1, so that it is known when the server has done so.
void SubProgram::clear_retained(const IncomingMessage& message) {
    const bool is_taken = client().publish({.topic = std::string(message.topic),
                                            .payload = {},
                                            .qos = Qos::AtLeastOnce,
                                            .retain = true,
                                            .properties = {}},
                                           [this](Reason) {
                                               if (is_over_) finish_when_cleared();
                                           });
    if (!is_taken)
        complain(fmt::format("Warning: {} is not cleared: the queue is full.", message.topic));
}

void SubProgram::finish_when_cleared() {
    is_over_ = true;
    if (client().unfinished() == 0) finish(0);
}

void SubProgram::print(const IncomingMessage& message) const {
    std::optional<std::string> line = text(message);
    if (!line) return;
    if (arguments_.ends_lines) *line += '\n';
    std::fwrite(line->data(), 1, line->size(), stdout);
    std::fflush(stdout);
}

// None when there is nothing to print: an empty payload alone is not even a line.
std::optional<std::string> SubProgram::text(const IncomingMessage& message) const {
    if (arguments_.format) return formatted(message);
    const std::string_view payload = as_text(message.payload);
    if (arguments_.prints_topic)
        return fmt::format("{} {}", message.topic, payload.empty() ? "(null)" : payload);
    if (payload.empty()) return {};
    return std::string(payload);
}

std::optional<std::string> SubProgram::formatted(const IncomingMessage& message) const {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    auto line = arguments_.format->text(message, now);
    if (!line)
        complain(
            fmt::format("Error: Message payload is not valid JSON on topic {}.", message.topic));
    return line;
}

}  // namespace

int sub_command(int argc, char** argv) {
    auto arguments = parse_sub(argc, argv);
    if (!arguments) return arguments.error();
    return run_program<SubProgram>(std::move(*arguments));
}

}  // namespace starling
