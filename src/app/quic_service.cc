#include "app/quic_service.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <sys/mman.h>

#include <fmt/format.h>

#include "app/certificate.h"
#include "app/self_signed.h"
#include "base/log.h"
#include "transport/quic/window_cache.h"

namespace starling {
namespace {

// The windows of all listeners, which would fail one by one, are asked for once, and given back.
Result<void, std::string> check_address_space(const Options& options, CoreId cores) {
    const auto places =
        static_cast<std::uint64_t>(std::ranges::count_if(options.listen, &Endpoint::is_quic));
    const std::uint64_t bytes =
        places * cores * options.quic.windows * quic::WindowCache::kWindowBytes;
    void* range = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED)
        return fmt::format(
            "quic.windows is {}, which takes {} GiB of address space with {} addresses and {} "
            "cores: {}; set fewer, or permit more (ulimit -v, vm.overcommit_memory)",
            options.quic.windows, bytes >> 30, places, cores, std::strerror(errno));
    ::munmap(range, bytes);
    return {};
}

}  // namespace

Result<std::unique_ptr<QuicService>, std::string> QuicService::open(const Settings& settings,
                                                                    const DataFolder& folder,
                                                                    CoreId cores) {
    STARLING_CHECK(check_address_space(settings.options(), cores));
    const auto now_s = static_cast<std::uint64_t>(std::time(nullptr));
    STARLING_TRY(named, named_certificate(settings));
    quic::TlsFiles files;
    if (named) files = *named;
    else STARLING_SET(files, keep_self_signed(folder, now_s));
    files.client_authorities = settings.options().quic_files.client_authorities;

    STARLING_TRY(keys, quic::keep_keys(folder.path(), now_s));
    std::unique_ptr<QuicService> service(new QuicService(settings.options().quic, keys, files));
    STARLING_SET(service->tls_, quic::TlsContext::server(files, service->keys_));
    service->commons_ = std::make_unique<quic::QuicCommons>(service->options_, service->keys_,
                                                            *service->tls_, cores);
    log_info(fmt::format("{}certificate {}, SHA-256 {}", named ? "" : "self-signed ",
                         files.certificate, fingerprint(files.certificate)));
    return service;
}

void QuicService::reload() {
    if (const auto loaded = tls_->reload(files_); !loaded)
        return log_error(fmt::format("the certificate stays the old one: {}", loaded.error()));
    log_info(fmt::format("certificate {} was read again, SHA-256 {}", files_.certificate,
                         fingerprint(files_.certificate)));
}

}  // namespace starling
