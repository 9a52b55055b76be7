// What the QUIC listeners of all cores have in common.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "app/data_folder.h"
#include "app/quic_figures.h"
#include "base/handle.h"
#include "config/settings.h"
#include "transport/quic/commons.h"

namespace starling {

// Keys, certificate and figures. Owner: the process; outlives its listeners.
class QuicService {
public:
    // `folder` has the keys, and the certificate where the operator has named none. The error says
    // what is wrong with a file, or that so many cores would need too much address space.
    static Result<std::unique_ptr<QuicService>, std::string> open(const Settings& settings,
                                                                  const DataFolder& folder,
                                                                  CoreId cores);
    QuicService(const QuicService&) = delete;
    QuicService& operator=(const QuicService&) = delete;

    quic::QuicCommons& commons() { return *commons_; }
    QuicFigures& figures() { return figures_; }

    // Reads the certificate again, for the handshakes that begin from now on. One that is no good
    // is logged, and the old one stays. Blocks; any thread, one at a time.
    void reload();

    // Replaces the keys if they are old, and drops what nobody needs of older ones: in the folder
    // first, then for all cores. When they cannot be written, the log says why, and the old ones go
    // on. Blocks; any thread, one at a time.
    void look_at_keys(std::uint64_t now_s);

private:
    QuicService(const quic::QuicOptions& options, const quic::TlsFiles& files, std::string folder,
                std::uint64_t now_s)
        : options_(options),
          files_(files),
          folder_(std::move(folder)) {
        keys_used_at_s_.fill(now_s);
    }
    quic::KeyPlaces keys_in_use(const quic::QuicKeys& keys, std::uint64_t now_s);
    bool replace_keys(const quic::QuicKeys& now, const quic::QuicKeys& next);

    const quic::QuicOptions options_;
    const quic::TlsFiles files_;
    const std::string folder_;
    std::array<std::uint64_t, limits::kQuicKeySets> keys_used_at_s_;  // or when this began
    std::uint64_t keys_wait_s_ = 0;  // when they could not be replaced: until then
    std::unique_ptr<quic::TlsContext> tls_;
    std::unique_ptr<quic::QuicCommons> commons_;
    QuicFigures figures_;
};

}  // namespace starling
