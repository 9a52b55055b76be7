#include "app/client_program.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <sys/signalfd.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "app/client_trace.h"
#include "base/random.h"
#include "transport/fault.h"

namespace starling {
namespace {

// How the program ends when its client has.
struct Verdict {
    int status;
    std::string text;
};

// Below version 5: the return code that stands for the reason, and its meaning.
Verdict refusal(Reason reason) {
    static constexpr const char* kTexts[] = {"unacceptable protocol version", "identifier rejected",
                                             "broker unavailable", "bad user name or password",
                                             "not authorised"};
    const int code = reason == Reason::UnsupportedProtocolVersion ? 1
                     : reason == Reason::ClientIdentifierNotValid ? 2
                     : reason == Reason::ServerUnavailable        ? 3
                     : reason == Reason::BadUserNameOrPassword    ? 4
                                                                  : 5;
    return {code, fmt::format("Connection error: Connection Refused: {}.", kTexts[code - 1])};
}

// "not authorized" as "Not authorized", and what the server says beyond it.
std::string sentence(const Disconnection& why) {
    std::string text = reason_name(why.reason);
    if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return why.text.empty() ? text : fmt::format("{} ({})", text, why.text);
}

// Why a server could not be reached, and what could be done.
std::string reproach(int error, const std::string& host) {
    switch (static_cast<Fault>(error)) {
        case Fault::OtherName:
            return fmt::format("the server's certificate is not for {}; --insecure trusts it so",
                               host);
        case Fault::UnknownAuthority:
        case Fault::Untrusted:
            return error_text(error) + "; --cafile FILE says whom to trust, --insecure: anybody";
        case Fault::Expired:
        case Fault::NotYetValid: return error_text(error) + "; --insecure trusts it so";
        case Fault::CertificateRequired: return error_text(error) + ": --cert and --key";
        default: return error_text(error);
    }
}

Verdict verdict(const Disconnection& why, const ClientOptions& options) {
    const int reason = static_cast<int>(why.reason);
    switch (why.ending) {
        case Ending::Requested: return {0, ""};
        case Ending::Unresolved: return {1, "Unable to connect (Lookup error.)."};
        case Ending::Unreachable: return {1, "Error: " + reproach(why.error, options.host)};
        case Ending::Refused:
            if (options.version != Version::V5) return refusal(why.reason);
            return {reason, "Connection error: " + sentence(why)};
        case Ending::Disconnected: return {reason, "Disconnected: " + sentence(why)};
        case Ending::Lost: return {7, "Error: The connection was lost."};
        case Ending::TooFewStreams:
            return {1,
                    fmt::format("Error: The server allows fewer than {} streams beside the first.",
                                options.further_streams)};
        case Ending::PingUnanswered: return {19, "Error: The server does not answer."};
        case Ending::ProtocolViolation: return {1, "Error: " + sentence(why)};
    }
    return {1, ""};
}

}  // namespace

SignalWatch::SignalWatch() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGINT);
    ::sigaddset(&signals, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    descriptor_ = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

SignalWatch::~SignalWatch() { ::close(descriptor_); }

int fail_to_start(const Error& error) {
    fmt::print(stderr, "Error: {}: {}\n", error.text, std::strerror(error.code));
    return 1;
}

int fail_to_start(const std::string& text) {
    fmt::print(stderr, "Error: {}\n", text);
    return 1;
}

ClientProgram::ClientProgram(ProgramCore& ground, const ClientArguments& arguments)
    : ClientLoop(ground.core, ground.resolvers, secret_u64(),
                 ground.quic ? ground.quic->dial() : dial_tcp),
      signals_(ground.signals),
      quic_(ground.quic.get()),
      arguments_(arguments),
      client_(*this, arguments.options, *this) {}

int ClientProgram::run() {
    const auto watched = core().poller().add(signals_.descriptor(), kSignalToken);
    if (!watched) return fail_to_start(watched.error());
    client_.connect();
    core().run(*this);
    return status_;
}

void ClientProgram::read(std::span<const Readiness> ready) {
    for (const Readiness& one : ready) {
        if (one.token == kSignalToken) finish(0);
        else if (one.token < kApplicationTokens) on_token(one.token);
    }
    ClientLoop::read(ready);
}

void ClientProgram::timer(std::uint64_t token) {
    if (token < kApplicationTokens) on_token(token);
    else ClientLoop::timer(token);
}

void ClientProgram::on_connected(const ConnectAnswer&) {
    if (quic_) quic_->note_handshake();
    if (!std::exchange(has_started_, true)) start();
}

// A first connection that fails is not tried again: whoever typed the command sees why.
void ClientProgram::on_disconnected(const Disconnection& why) {
    if (!is_finishing_) {
        if (why.retry_in_ms && has_started_) return;
        const auto [status, text] = verdict(why, arguments_.options);
        status_ = status;
        complain(text);
    }
    core().stop();
}

void ClientProgram::on_packet(PacketDirection direction, std::uint16_t stream, Bytes packet) {
    if (arguments_.prints_packets)
        print_packet(client_.client_id(), direction, stream, packet, arguments_.options.version);
}

void ClientProgram::finish(int status) {
    if (std::exchange(is_finishing_, true)) return;
    status_ = status;
    client_.disconnect(Reason::Success, arguments_.disconnect_properties);
}

void ClientProgram::complain(std::string_view text) const {
    if (!arguments_.is_quiet && !text.empty()) fmt::print(stderr, "{}\n", text);
}

}  // namespace starling
