// How the processes of a run talk to the one that started them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace starling {

// One end of a pair; messages come whole. Owner: a process.
class Channel {
public:
    // A longer message is not sent.
    static constexpr std::size_t kMessageBytes = 128 << 10;

    static Result<std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>>> open();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel();

    int descriptor() const { return descriptor_; }

    // Waits for room. Nothing is said when the other end is gone: receive() tells.
    void send(Bytes message);

    // Does not wait: none when nothing has come. Fails when the other end is gone.
    Result<std::optional<ByteVector>> receive();

private:
    explicit Channel(int descriptor) : descriptor_(descriptor) {}

    int descriptor_;
};

// How many messages each flow has sent: one number a flow, in memory that all processes of a run
// see. Each writes those of its own flows, then says so by its channel; only then do others read.
// Owner: the process that made it, and those it has forked since.
class SentBoard {
public:
    static Result<std::unique_ptr<SentBoard>> open(std::size_t flows);
    SentBoard(const SentBoard&) = delete;
    SentBoard& operator=(const SentBoard&) = delete;
    ~SentBoard();

    std::span<std::uint32_t> sent() { return sent_; }

private:
    explicit SentBoard(std::span<std::uint32_t> sent) : sent_(sent) {}

    std::span<std::uint32_t> sent_;
};

}  // namespace starling
