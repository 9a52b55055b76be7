// Two streams joined into one.
#pragma once

#include <memory>

#include "transport/stream.h"

namespace starling {

// Copies what comes on either stream to the other, ends and resets included: the far ends see what
// they would see of each other. Owner: its thread.
class Pipe {
public:
    Pipe(std::unique_ptr<Stream> near, std::unique_ptr<Stream> far);

    Stream& near() { return *near_; }
    Stream& far() { return *far_; }

    // Either stream has news. False: there is nothing more to copy.
    bool run();

private:
    // From one of them to the other. Keeps what the other does not take, and then reads no more.
    struct Direction {
        Stream& from;
        Stream& to;
        ByteVector kept{};
        bool has_ended = false;  // `from` gives no more
        bool is_told = false;    // and `to` knows
        bool is_broken = false;

        void run(bool is_wanted);
        bool write();
    };

    std::unique_ptr<Stream> near_, far_;
    Direction out_{*near_, *far_}, in_{*far_, *near_};
};

}  // namespace starling
