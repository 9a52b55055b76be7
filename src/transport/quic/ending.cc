#include "transport/quic/ending.h"

#include <iterator>

#include <fmt/format.h>

namespace starling::quic {
namespace {

using Cause = Ending::Cause;

// RFC 9000, section 20.1, from 0 on.
constexpr const char* kErrors[] = {"closed without an error",
                                   "internal error",
                                   "connection refused",
                                   "flow control broken",
                                   "too many streams",
                                   "frame for a stream that cannot have it",
                                   "stream of two lengths",
                                   "frame malformed",
                                   "transport parameters malformed",
                                   "too many connection ids",
                                   "protocol violated",
                                   "address token refused",
                                   "closed by the application",
                                   "too many handshake bytes",
                                   "keys changed too early",
                                   "keys used up",
                                   "no viable path"};

// The alert of TLS is the last byte of these.
constexpr std::uint64_t kAlerts = 0x100, kAlertsEnd = 0x200;

std::string error_text(std::uint64_t code) {
    if (code < std::size(kErrors)) return fmt::format("{} (QUIC error {:#x})", kErrors[code], code);
    if (code >= kAlerts && code < kAlertsEnd)
        return fmt::format("TLS alert {} (QUIC error {:#x})", code - kAlerts, code);
    return fmt::format("QUIC error {:#x}", code);
}

}  // namespace

StreamEnd stream_end_of(const Ending& ending) {
    switch (ending.cause) {
        case Cause::Closed:
        case Cause::ClosedByPeer: return ending.code == 0 ? StreamEnd::Finished : StreamEnd::Reset;
        case Cause::Silent:
        case Cause::IdleTimeout:
        case Cause::HandshakeTimeout: return StreamEnd::TimedOut;
        case Cause::Failed:
        case Cause::FailedByPeer:
        case Cause::ForgottenByPeer:
        case Cause::Dropped: break;
    }
    return StreamEnd::Reset;
}

std::string text_of(const Ending& ending) {
    switch (ending.cause) {
        case Cause::Closed: return fmt::format("closed with code {}", ending.code);
        case Cause::Failed: return error_text(ending.code);
        case Cause::ClosedByPeer:
            return fmt::format("closed by the peer with code {}", ending.code);
        case Cause::FailedByPeer: return "given up by the peer: " + error_text(ending.code);
        case Cause::ForgottenByPeer: return "forgotten by the peer: stateless reset";
        case Cause::Silent: return "the peer is silent and owes acknowledgements";
        case Cause::IdleTimeout: return "idle timeout";
        case Cause::HandshakeTimeout: return "handshake timeout";
        case Cause::Dropped: break;
    }
    return "dropped without a word";
}

}  // namespace starling::quic
