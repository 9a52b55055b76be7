#include "client/backoff.h"

#include <algorithm>

namespace starling {

std::optional<TimeMs> Backoff::next(const ReconnectOptions& options, Random& random) {
    ++failures_;
    if (!options.is_enabled) return {};
    if (options.attempts_max != 0 && failures_ >= options.attempts_max) return {};

    const std::uint32_t doublings = std::min(failures_ - 1, 20u);
    const TimeMs wait = std::min(options.wait_ms_min << doublings, options.wait_ms_max);
    return wait - random.below(static_cast<std::uint32_t>(wait / 2 + 1));
}

bool is_worth_retrying(const Disconnection& disconnection) {
    if (disconnection.ending == Ending::Requested) return false;
    if (disconnection.ending == Ending::TooFewStreams) return false;
    switch (disconnection.reason) {
        case Reason::UnsupportedProtocolVersion:
        case Reason::ClientIdentifierNotValid:
        case Reason::BadUserNameOrPassword:
        case Reason::NotAuthorized:
        case Reason::Banned:
        case Reason::BadAuthenticationMethod:
        case Reason::SessionTakenOver:
        case Reason::TopicNameInvalid:
        case Reason::PacketTooLarge:
        case Reason::PayloadFormatInvalid:
        case Reason::RetainNotSupported:
        case Reason::QosNotSupported:
        case Reason::UseAnotherServer:
        case Reason::ServerMoved: return false;
        default: return true;
    }
}

}  // namespace starling
