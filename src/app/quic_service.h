// What the QUIC listeners of all cores have in common.
#pragma once

#include <memory>
#include <string>

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

private:
    QuicService(const quic::QuicOptions& options, const quic::QuicKeys& keys,
                const quic::TlsFiles& files)
        : options_(options),
          keys_(keys),
          files_(files) {}

    const quic::QuicOptions options_;
    const quic::QuicKeys keys_;
    const quic::TlsFiles files_;
    std::unique_ptr<quic::TlsContext> tls_;
    std::unique_ptr<quic::QuicCommons> commons_;
    QuicFigures figures_;
};

}  // namespace starling
