#include "app/serve.h"

#include <cstring>
#include <ctime>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "app/data_folder.h"
#include "app/housekeeper.h"
#include "app/listeners.h"
#include "app/notify.h"
#include "app/quic_service.h"
#include "app/seat.h"
#include "app/signals.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"
#include "base/version.h"
#include "reactor/cpus.h"

namespace starling {
namespace {

// What lies in the file system. Either is null when nobody needs it.
struct Ground {
    std::unique_ptr<DataFolder> data;
    std::unique_ptr<QuicService> quic;
};

Result<Ground, std::string> open_ground(const Settings& settings, CoreId cores) {
    Ground ground;
    const bool has_quic = settings.options().has_quic();
    if (has_quic || !settings.is_default("data_dir"))
        STARLING_SET(ground.data, DataFolder::open(settings.options().runtime.data_dir));
    if (has_quic) STARLING_SET(ground.quic, QuicService::open(settings, *ground.data, cores));
    return ground;
}

Result<Seats, std::string> open_seats(Commons& commons, const Clock& clock, QuicService* quic) {
    Seats seats;
    for (CoreId core = 0; core < commons.cores(); ++core) {
        auto seat = Seat::open({core, clock, commons, quic ? &quic->commons() : nullptr});
        if (!seat)
            return fmt::format("{}: {}", seat.error().text, std::strerror(seat.error().code));
        seats.push_back(std::move(*seat));
    }
    return seats;
}

void reload(QuicService* quic) {
    if (quic) quic->reload();
    else log_info("SIGHUP: there is no certificate to read again");
}

void look_at_keys(QuicService* quic) {
    if (quic) quic->look_at_keys(static_cast<std::uint64_t>(std::time(nullptr)));
}

// Runs all cores, the first one on this thread, until a signal has stopped them.
void run(Seats& seats, Signals& signals, QuicService* quic) {
    Housekeeper housekeeper(
        {.reload = [quic] { reload(quic); }, .look = [quic] { look_at_keys(quic); }});
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < seats.size(); ++i)
        threads.push_back(Signals::start_thread([&seats, i] {
            while (!seats[i]->broker().is_stopped()) seats[i]->turn();
        }));
    notify_manager("READY=1");
    Seat& main = *seats.front();
    bool is_draining = false;
    while (!main.broker().is_stopped()) {
        if (signals.want_reload()) housekeeper.tell_to_reload();
        if (signals.want_stop() && !is_draining) {
            is_draining = true;
            log_info("stopping; a second signal ends at once");
            notify_manager("STOPPING=1");
            main.broker().stop();
        }
        main.turn();
    }
}

int fail(const std::string& text) {
    log_error(text);
    return 1;
}

}  // namespace

int serve(const Settings& settings) {
    const Options& options = settings.options();
    start_log(options.log.level, options.log.format);
    log_info(fmt::format("starling {} starts", kVersion));
    for (const std::string& note : settings.notes()) log_info(note);

    const CoreId cores = options.runtime.cores != 0 ? options.runtime.cores : usable_cpus();
    const auto ground = open_ground(settings, cores);
    if (!ground) return fail(ground.error());
    QuicService* quic = ground->quic.get();
    Commons commons(options.broker, HashKey{secret_u64(), secret_u64()}, cores);
    if (quic) commons.more_figures = &quic->figures();
    if (quic) quic->commons().memory = &commons.memory;
    const SystemClock clock;
    auto seats = open_seats(commons, clock, quic);
    if (!seats) return fail(seats.error());

    Signals signals(seats->front()->poller());
    explain_access(settings);
    if (const auto listening = listen_everywhere(*seats, settings, quic); !listening)
        return fail(listening.error());
    log_info(fmt::format("{} core{}", cores, cores == 1 ? "" : "s"));
    run(*seats, signals, quic);
    log_info("stopped");
    return 0;
}

}  // namespace starling
