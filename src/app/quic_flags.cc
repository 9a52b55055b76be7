#include "app/quic_flags.h"

#include <cstdlib>
#include <utility>

#include "base/private_file.h"
#include "transport/socket.h"

namespace starling {
namespace {

UsageError wrong(std::string text) { return {std::move(text)}; }

// The first flag that asks for TLS, or null.
const char* tls_flag(const QuicFlags& flags) {
    if (flags.authority_file) return "--cafile";
    if (flags.authority_folder) return "--capath";
    if (flags.certificate_file) return "--cert";
    if (flags.key_file) return "--key";
    return flags.is_insecure ? "--insecure" : nullptr;
}

bool is_this_machine(const std::string& host) {
    const auto address = SocketAddress::parse(host, 0);
    return address ? address->is_loopback() : host == "localhost";
}

// Only what this user, and nobody else, could have put there.
std::string own_certificate() {
    std::string text;
    const bool is_good =
        read_own_file(own_certificate_file(), Others::MayRead, text).ok();
    return is_good ? text : "";
}

}  // namespace

Result<std::optional<quic::ClientTrust>, UsageError> understand(const QuicFlags& flags,
                                                                const std::string& host) {
    using Trust = std::optional<quic::ClientTrust>;
    if (!flags.is_quic) {
        const char* flag = tls_flag(flags);
        if (flag) return not_in_this_build(std::string(flag) + " without --quic");
        return Trust();
    }
    if ((flags.authority_file || flags.authority_folder) && flags.is_insecure)
        return wrong("--insecure trusts anybody: --cafile and --capath mean nothing beside it.");
    if (flags.certificate_file.has_value() != flags.key_file.has_value())
        return wrong("--cert and --key are needed together.");

    quic::ClientTrust trust;
    trust.authority_file = flags.authority_file.value_or("");
    trust.authority_folder = flags.authority_folder.value_or("");
    trust.certificate_file = flags.certificate_file.value_or("");
    trust.key_file = flags.key_file.value_or("");
    trust.is_anybody_trusted = flags.is_insecure;
    if (!trust.names_authorities() && !flags.is_insecure && is_this_machine(host))
        trust.known_certificate = own_certificate();
    return Trust(std::move(trust));
}

std::string own_certificate_file() {
    constexpr const char* kName = "/starling/self-signed.crt";
    // Only an absolute path counts, says the specification of these folders.
    const char* state = std::getenv("XDG_STATE_HOME");
    if (state && state[0] == '/') return std::string(state) + kName;
    const char* home = std::getenv("HOME");
    return home ? std::string(home) + "/.local/state" + kName : "";
}

}  // namespace starling
