#include "app/quic_service.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <sys/mman.h>

#include <fmt/format.h>

#include "app/certificate.h"
#include "app/self_signed.h"
#include "base/limits.h"
#include "base/log.h"
#include "transport/quic/key_file.h"
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
    std::unique_ptr<QuicService> service(
        new QuicService(settings.options().quic, files, folder.path(), now_s));
    STARLING_SET(service->tls_, quic::TlsContext::server(files, keys));
    service->commons_ =
        std::make_unique<quic::QuicCommons>(service->options_, keys, *service->tls_, cores);
    service->look_at_keys(now_s);
    log_info(fmt::format("{}certificate {}, SHA-256 {}", named ? "" : "self-signed ",
                         files.certificate, fingerprint(files.certificate)));
    return service;
}

void QuicService::look_at_keys(std::uint64_t now_s) {
    // What is wrong is told of once in a while. A clock that is set back does not make that long.
    if (now_s < keys_wait_s_ && keys_wait_s_ - now_s <= limits::kQuicKeysRetryS) return;
    const Ref<const quic::SharedKeys> shared = commons_->keys.get();
    const quic::KeyTerms terms{.period_s = std::uint64_t{options_.keys_days} * 86'400};
    const auto next = shared->keys.renewed(now_s, terms, keys_in_use(shared->keys, now_s));
    if (next && replace_keys(shared->keys, *next)) return;
    if (!next && !shared->keys.are_due(now_s, terms)) return;
    if (!next)
        log_warning(fmt::format(
            "the QUIC keys stay the old ones: connections live under each of the last {} sets",
            shared->keys.sets.size()));
    keys_wait_s_ = now_s + limits::kQuicKeysRetryS;
}

// Clients may not know yet that their connection is over, which a new start ends as well: those of
// keys that were in use within a day are told, as long as nothing else needs the place. A clock
// that is set back begins the day anew.
quic::KeyPlaces QuicService::keys_in_use(const quic::QuicKeys& keys, std::uint64_t now_s) {
    quic::KeyPlaces places = figures_.keys_in_use();
    const bool has_room = keys.sets.size() + 1 < limits::kQuicKeySets;
    for (std::size_t place = 0; place < places.size(); ++place) {
        std::uint64_t& last = keys_used_at_s_[place];
        if (places[place] || now_s < last) last = now_s;
        if (has_room && now_s - last <= limits::kQuicKeysOfBeforeS) places.set(place);
    }
    return places;
}

bool QuicService::replace_keys(const quic::QuicKeys& now, const quic::QuicKeys& next) {
    if (const auto written = quic::write_keys(folder_, next); !written) {
        log_error("the QUIC keys stay the old ones: " + written.error());
        return false;
    }
    tls_->set_keys(next);
    commons_->keys.set(make_counted<quic::SharedKeys>(next));
    const bool are_fresh = next.newest().ids != now.newest().ids;
    log_info(fmt::format("{}; sets that are known: {}",
                         are_fresh ? "the QUIC keys were replaced" : "old QUIC keys were dropped",
                         next.sets.size()));
    return true;
}

void QuicService::reload() {
    if (const auto loaded = tls_->reload(files_); !loaded)
        return log_error(fmt::format("the certificate stays the old one: {}", loaded.error()));
    log_info(fmt::format("certificate {} was read again, SHA-256 {}", files_.certificate,
                         fingerprint(files_.certificate)));
}

}  // namespace starling
