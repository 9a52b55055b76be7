#include "load/usage.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <time.h>
#include <unistd.h>

#include <fmt/format.h>

namespace starling {
namespace {

std::string contents(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The number that follows `name` in lines of "Name:  123 kB".
std::uint64_t field(const std::string& text, const char* name) {
    const std::size_t at = text.find(name);
    if (at == text.npos) return 0;
    std::uint64_t value = 0;
    std::istringstream(text.substr(at + std::char_traits<char>::length(name))) >> value;
    return value;
}

// Fields 14 and 15 of /proc/PID/stat. The second, the name, is in parentheses and may hold spaces.
void read_times(const std::string& stat, ProcessUsage& usage) {
    std::istringstream rest(stat.substr(stat.rfind(')') + 1));
    std::string skipped;
    for (int at = 3; at < 14; ++at) rest >> skipped;
    double user = 0, system = 0;
    rest >> user >> system;
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    usage.user_s = user / ticks;
    usage.system_s = system / ticks;
}

// /proc/PID/status has those of one thread only.
void add_switches(const std::string& folder, ProcessUsage& usage) {
    std::error_code gone;
    for (const auto& thread : std::filesystem::directory_iterator(folder + "/task", gone)) {
        const std::string status = contents(thread.path().string() + "/status");
        usage.voluntary_switches += field(status, "\nvoluntary_ctxt_switches:");
        usage.involuntary_switches += field(status, "\nnonvoluntary_ctxt_switches:");
    }
}

double exact_cpu_s(pid_t process) {
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(process, &clock) != 0) return 0;
    ::clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

CpuTime cpu_between(const ProcessUsage& before, const ProcessUsage& after) {
    const double sum = after.cpu_s - before.cpu_s;
    const double user = after.user_s - before.user_s, system = after.system_s - before.system_s;
    const double share = user + system > 0 ? user / (user + system) : 0.5;
    return {.user_s = sum * share, .system_s = sum * (1 - share)};
}

std::optional<ProcessUsage> usage_of(pid_t process) {
    const std::string folder = fmt::format("/proc/{}", process);
    const std::string stat = contents(folder + "/stat");
    if (stat.empty()) return {};

    ProcessUsage usage;
    usage.cpu_s = exact_cpu_s(process);
    read_times(stat, usage);
    add_switches(folder, usage);
    const std::string status = contents(folder + "/status");
    usage.rss_bytes = field(status, "\nVmRSS:") * 1024;
    usage.anon_bytes = field(status, "\nRssAnon:") * 1024;
    return usage;
}

}  // namespace starling
