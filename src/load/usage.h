// What a process has used of the machine so far.
#pragma once

#include <cstdint>
#include <optional>
#include <sys/types.h>

namespace starling {

// All threads together. Owner: a value.
struct ProcessUsage {
    double cpu_s = 0;                 // CPU time, exact
    double user_s = 0, system_s = 0;  // its parts, which are counted in hundredths of a second
    std::uint64_t voluntary_switches = 0;
    std::uint64_t involuntary_switches = 0;
    std::uint64_t rss_bytes = 0;   // resident in all
    std::uint64_t anon_bytes = 0;  // of that, its own memory: heap and stacks
};

// CPU time between two looks. The exact time is divided as the rough parts are.
struct CpuTime {
    double user_s = 0;
    double system_s = 0;

    double sum_s() const { return user_s + system_s; }
};
CpuTime cpu_between(const ProcessUsage& before, const ProcessUsage& after);

// As /proc has it; none when there is no such process.
std::optional<ProcessUsage> usage_of(pid_t process);

}  // namespace starling
