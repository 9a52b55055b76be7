// `starling pub`: publishes a message, or the lines of the standard input.
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "app/client_command_line.h"
#include "app/client_program.h"
#include "app/commands.h"
#include "app/pub_lines.h"

namespace starling {
namespace {

// Owner: the main thread.
class PubProgram final : public ClientProgram {
public:
    PubProgram(ProgramCore& ground, PubArguments arguments)
        : ClientProgram(ground, with_reconnect(arguments)),
          arguments_(std::move(arguments)),
          left_(arguments_.repeat) {}

    void mail() override;
    bool has_work() const override { return wants_lines_ || ClientLoop::has_work(); }

protected:
    void start() override;
    void on_token(std::uint64_t token) override;

private:
    enum Token : std::uint64_t { kRepeat = kOwnToken, kInput };

    // A stream of lines is worth another connection; one message tells its fate.
    static ClientArguments with_reconnect(PubArguments& arguments) {
        arguments.options.reconnect.is_enabled = arguments.reads_lines;
        return arguments;
    }

    [[nodiscard]] bool publish(OutgoingMessage message);
    [[nodiscard]] bool publish_line();
    void publish_message();
    void publish_lines();
    bool take_line();
    void on_published(Reason reason);

    const PubArguments arguments_;
    std::uint32_t left_;  // messages to be published yet
    int status_ = 0;

    LineReader lines_{STDIN_FILENO};
    std::string line_;
    bool has_line_ = false;     // which the queue had no room for
    bool wants_lines_ = false;  // look for some in this turn
    bool has_all_lines_ = false;
};

void PubProgram::start() {
    if (!arguments_.reads_lines) return publish_message();
    wants_lines_ = true;
    // A file cannot be watched: it never makes anybody wait.
    (void)core().poller().add(STDIN_FILENO, kInput);
}

void PubProgram::on_token(std::uint64_t token) {
    if (token == kRepeat) publish_message();
    else wants_lines_ = true;
}

bool PubProgram::publish(OutgoingMessage message) {
    return client().publish(std::move(message), [this](Reason reason) { on_published(reason); });
}

void PubProgram::publish_message() {
    if (!publish(arguments_.message)) finish(1);
}

void PubProgram::mail() {
    ClientLoop::mail();
    if (std::exchange(wants_lines_, false)) publish_lines();
}

// Until none has come, or the queue is full: then each message that leaves it asks again.
void PubProgram::publish_lines() {
    while (has_line_ || take_line()) {
        has_line_ = !publish_line();
        if (has_line_) return;
    }
    if (has_all_lines_ && client().unfinished() == 0) finish(status_);
}

// A line that names no topic is left out, and said so.
bool PubProgram::publish_line() {
    OutgoingMessage message = arguments_.message;
    std::string_view text = line_;
    if (arguments_.has_line_topics) {
        auto parted = part_line(line_);
        if (!parted) {
            complain("Error: " + parted.error());
            status_ = 1;
            return true;
        }
        message.topic = parted->topic;
        message.stream = stream_of(message.topic, arguments_.options.further_streams);
        text = parted->text;
    }
    const Bytes payload = as_bytes(text);
    message.payload.assign(payload.begin(), payload.end());
    return publish(std::move(message));
}

bool PubProgram::take_line() {
    switch (lines_.next(line_)) {
        case LineReader::Answer::Line: return true;
        case LineReader::Answer::Later: return false;
        case LineReader::Answer::TooLong:
            complain("Error: A line is too long for a message.");
            status_ = 1;
            [[fallthrough]];
        case LineReader::Answer::End: has_all_lines_ = true; return false;
    }
    return false;
}

// What the server does not take is not the program's failure; what cannot be sent is.
void PubProgram::on_published(Reason reason) {
    if (is_error(reason)) {
        complain(fmt::format("Warning: Publish failed: {}.", reason_name(reason)));
        if (!may_carry(PacketType::Puback, Sender::Server, reason)) status_ = 1;
    }
    if (arguments_.reads_lines) wants_lines_ = has_line_ || has_all_lines_;
    else if (--left_ == 0) finish(status_);
    else if (arguments_.repeat_delay_ms == 0) publish_message();
    else core().timers().arm(kRepeat, core().now() + arguments_.repeat_delay_ms);
}

}  // namespace

int pub_command(int argc, char** argv) {
    auto arguments = parse_pub(argc, argv);
    if (!arguments) return arguments.error();
    return run_program<PubProgram>(std::move(*arguments));
}

}  // namespace starling
