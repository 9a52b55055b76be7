#include "app/pub_lines.h"

#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>

#include "mqtt/topic.h"
#include "mqtt/utf8.h"
#include "mqtt/varint.h"

namespace starling {
namespace {

constexpr std::size_t kReadBytes = 65'536;
constexpr std::size_t kTopicBytesMax = 65'535;

}  // namespace

Result<TopicLine, std::string> part_line(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return std::string("A line has no message: no space.");
    const std::string_view topic = line.substr(0, space);
    if (!is_mqtt_text(topic) || !is_topic_name(topic) || topic.size() > kTopicBytesMax)
        return fmt::format("A line begins with no topic: '{:.100}'.", topic);
    return TopicLine{topic, line.substr(space + 1)};
}

LineReader::Answer LineReader::next(std::string& line) {
    while (!take_line(line)) {
        if (has_ended_) return Answer::End;
        if (buffer_.size() > kVarintMax) return Answer::TooLong;
        if (!is_ready()) return Answer::Later;

        const std::size_t kept = buffer_.size();
        buffer_.resize(kept + kReadBytes);
        const ssize_t got = ::read(descriptor_, buffer_.data() + kept, kReadBytes);
        buffer_.resize(kept + std::size_t(got > 0 ? got : 0));
        has_ended_ = got <= 0;
    }
    return Answer::Line;
}

bool LineReader::is_ready() const {
    pollfd one{.fd = descriptor_, .events = POLLIN, .revents = 0};
    return ::poll(&one, 1, 0) != 0;
}

bool LineReader::take_line(std::string& line) {
    const std::size_t end = buffer_.find('\n', scanned_);
    if (end != std::string::npos) {
        line.assign(buffer_, taken_, end - taken_);
        scanned_ = taken_ = end + 1;
        return true;
    }
    buffer_.erase(0, taken_);
    taken_ = 0;
    scanned_ = buffer_.size();
    if (!has_ended_ || buffer_.empty()) return false;
    line = std::move(buffer_);
    buffer_.clear();
    scanned_ = 0;
    return true;
}

}  // namespace starling
