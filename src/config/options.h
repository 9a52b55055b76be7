// Everything that an operator can decide, under one name each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "broker/options.h"
#include "transport/address_block.h"
#include "transport/listener.h"
#include "transport/quic/options.h"
#include "transport/tcp.h"

namespace starling {

struct LogOptions {
    LogLevel level = LogLevel::Info;
    LogFormat format = LogFormat::Text;
};

struct RuntimeOptions {
    std::uint16_t cores = 0;  // 0: one for each CPU that the process may use
    std::string data_dir;     // "": nowhere; see Settings::place_data()
};

// What a configuration amounts to. Immutable once the broker runs. Owner: any core.
struct Options {
    std::vector<Endpoint> listen = {{"127.0.0.1", 1883},
                                    {"::1", 1883},
                                    {"127.0.0.1", kQuicPort, Endpoint::Scheme::Quic},
                                    {"::1", kQuicPort, Endpoint::Scheme::Quic}};
    RuntimeOptions runtime;
    TcpOptions tcp;
    quic::TlsFiles quic_files;
    quic::QuicOptions quic;
    LogOptions log;
    BrokerOptions broker;

    bool has_quic() const { return std::ranges::any_of(listen, &Endpoint::is_quic); }
};

// One name. Owner: any core (immutable).
struct Option {
    enum class Kind : std::uint8_t { Number, Switch, Choice, Path, Endpoints, Blocks };

    Kind kind;
    const char* name;  // section.key
    const char* unit;  // of a number
    std::uint64_t minimum, maximum;
    std::span<const char* const> words;  // of a choice
    const char* help;
    const char* at_bound;  // of a limit: what happens there; else nullptr
    std::uint64_t (*get)(const Options&);
    void (*set)(Options&, std::uint64_t);
    std::string& (*path)(Options&);                  // of a path, which has neither get nor set
    std::vector<AddressBlock>& (*blocks)(Options&);  // of blocks of addresses, likewise

    // A value as a TOML file has it.
    std::string text(const Options& options) const;

    // What a value may be: "1 to 65535", "true or false".
    std::string range() const;

    // Understands `text` as the environment and the command line give it. An error says what a
    // value may be, and leaves `options` as they were.
    Result<void, std::string> parse(Options& options, std::string_view text) const;
};

// The table: every option, by section.
std::span<const Option> all_options();

// nullptr when there is none.
const Option* find_option(std::string_view name);

// The option whose name is the fewest edits away.
const Option& nearest_option(std::string_view name);

// The name of the environment variable: STARLING_LIMITS_CONNECTIONS.
std::string variable_of(const Option& option);

}  // namespace starling
