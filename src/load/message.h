// What a process of a run says to the one that started it, and hears from it.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "load/tally.h"

namespace starling {

// What a worker says. Each but the first answers an order, and Connected answers the start.
enum class WorkerNews : std::uint8_t {
    Progress,    // once a second; the latencies are those of that second
    Connected,   // every client has been tried
    Subscribed,  // after the hold
    Stopped,     // nothing more is published, and the board is filled
    Finished,    // all has been judged
};

struct WorkerReport {
    WorkerNews news = WorkerNews::Progress;
    Tally tally;
};

ByteVector pack(const WorkerReport& report);

// REQUIRES: pack() made it.
WorkerReport unpack_report(Bytes bytes);

// What a worker is told.
struct WorkerOrder {
    enum class Kind : std::uint8_t {
        Subscribe,  // what is for after the hold
        Run,        // from `start_ns` on; counting begins and ends at the others
        Stop,       // at once
        Judge,      // every board is filled: wait for what is still to come, then judge
        Leave,
    };

    Kind kind = Kind::Leave;
    std::uint64_t start_ns = 0;
    std::uint64_t count_from_ns = 0;
    std::uint64_t count_until_ns = 0;
};

ByteVector pack(const WorkerOrder& order);

// REQUIRES: pack() made it.
WorkerOrder unpack_order(Bytes bytes);

}  // namespace starling
