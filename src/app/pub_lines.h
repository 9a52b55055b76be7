// Lines of an input that is read as it comes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace starling {

// A line that begins with its topic, up to the first space; the rest is the message.
struct TopicLine {
    std::string_view topic, text;
};

// Views into `line`. The error tells what is wrong with its topic.
Result<TopicLine, std::string> part_line(std::string_view line);

// Reads a file, pipe or terminal without ever waiting for it. Holds one line, and what came after
// it in one read. Owner: one core.
class LineReader {
public:
    explicit LineReader(int descriptor) : descriptor_(descriptor) {}

    enum class Answer {
        Line,
        Later,    // none has come whole
        End,      // there are no more
        TooLong,  // for a packet
    };

    // The next line, without its end. The last one may have none.
    Answer next(std::string& line);

private:
    bool is_ready() const;
    bool take_line(std::string& line);

    int descriptor_;
    bool has_ended_ = false;
    std::string buffer_;
    std::size_t taken_ = 0;    // of the buffer
    std::size_t scanned_ = 0;  // up to here there is no other end of line
};

}  // namespace starling
