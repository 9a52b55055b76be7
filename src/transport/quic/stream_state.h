// One stream, between its connection and who reads and writes it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <sys/uio.h>
#include <utility>

#include "base/bytes.h"
#include "base/fifo.h"
#include "transport/quic/datagram.h"

namespace starling::quic {

class QuicConnection;

// Bytes received that nobody has read yet. Bounded by the credit that the peer was given: of those
// that have been read, no more are kept than of those that have not.
// Owner: its stream.
class ReceiveBuffer {
public:
    std::size_t size() const { return bytes_ ? bytes_->size() - read_ : 0; }

    void append(Bytes bytes) {
        if (bytes.empty()) return;
        if (!bytes_) bytes_ = std::make_unique<ByteVector>();
        if (read_ > size()) forget_read();
        bytes_->insert(bytes_->end(), bytes.begin(), bytes.end());
    }

    // Moves what fits; an emptied buffer costs nothing.
    std::size_t take(MutableBytes into) {
        const std::size_t count = std::min(size(), into.size());
        if (count == 0) return 0;
        store_bytes(into.data(), Bytes(*bytes_).subspan(read_, count));
        read_ += static_cast<std::uint32_t>(count);
        if (size() == 0) clear();
        return count;
    }

    void clear() {
        bytes_.reset();
        read_ = 0;
    }

private:
    void forget_read() {
        bytes_->erase(bytes_->begin(), bytes_->begin() + read_);
        read_ = 0;
    }

    std::unique_ptr<ByteVector> bytes_;
    std::uint32_t read_ = 0;
};

// Bytes sent that the peer has not acknowledged. The library points into them: it sends them again
// when they are lost, even of a stream that has been reset since.
// Owner: its stream.
class SendBuffer {
public:
    bool empty() const { return chunks_.empty(); }

    // A copy of `count` bytes of `pieces`, in one piece, without the first `skipped`.
    Bytes add(std::span<const iovec> pieces, std::size_t skipped, std::size_t count) {
        Chunk chunk{std::make_unique_for_overwrite<std::byte[]>(count), count};
        std::byte* at = chunk.bytes.get();
        std::byte* const end = at + count;
        for (const iovec& piece : pieces) {
            const std::size_t left_out = std::min(skipped, piece.iov_len);
            skipped -= left_out;
            const Bytes rest(static_cast<const std::byte*>(piece.iov_base) + left_out,
                             piece.iov_len - left_out);
            at = store_bytes(at, rest.first(std::min<std::size_t>(rest.size(), end - at)));
        }
        const Bytes copied(chunk.bytes.get(), count);
        chunks_.push(std::move(chunk));
        return copied;
    }

    // The library took only so much of what was added last.
    void trim_last(std::size_t count) {
        if (count != 0) chunks_.back().size = count;
        else if (chunks_.size() == 1) chunks_.clear();
        else chunks_.remove(chunks_.size() - 1);
    }

    std::size_t size() {
        std::size_t bytes = 0;
        for (std::uint32_t at = 0; at < chunks_.size(); ++at) bytes += chunks_[at].size;
        return bytes;
    }

    // The first of the last `count` bytes, as many as lie in one piece. REQUIRES: count <= size().
    Bytes piece_of_last(std::size_t count) {
        std::uint32_t at = chunks_.size() - 1;
        for (; count > chunks_[at].size; --at) count -= chunks_[at].size;
        return Bytes(chunks_[at].bytes.get(), chunks_[at].size).last(count);
    }

    // The peer has `count` more, in order.
    void acknowledge(std::uint64_t count) {
        acknowledged_ += count;
        while (!chunks_.empty() && acknowledged_ >= chunks_.front().size) {
            acknowledged_ -= chunks_.front().size;
            chunks_.pop();
        }
    }

    void clear() { chunks_.clear(); }

private:
    struct Chunk {
        std::unique_ptr<std::byte[]> bytes;
        std::size_t size = 0;
    };

    Fifo<Chunk> chunks_;
    std::uint64_t acknowledged_ = 0;  // of the oldest chunk
};

// How a stream's readers learn that it will give no more.
enum class StreamEnd : std::uint8_t { Open, Finished, Reset, TimedOut };

// How a connection ended. Its words: ending.h. Plain data.
struct Ending {
    enum class Cause : std::uint8_t {
        Closed,           // by the application here, with a code of its own
        Failed,           // here, with a code of QUIC
        ClosedByPeer,     // by the application there
        FailedByPeer,     // there
        ForgottenByPeer,  // a stateless reset
        Silent,           // it owed acknowledgements for longer than options.user_timeout_ms
        IdleTimeout,      // the peer's: we have none
        HandshakeTimeout,
        Dropped,  // nothing could be said, or was to be
    };
    Cause cause = Cause::Dropped;
    std::uint64_t code = 0;
};

// What can still be said of a connection that is gone. Plain data.
struct Remains {
    Ending ending;
    CompactAddress peer;
};

// Owner: its connection's list; once taken also named by a QuicStream, which drops it.
struct StreamState {
    explicit StreamState(std::int64_t its_id) : id(its_id) {}

    std::int64_t id;
    QuicConnection* connection = nullptr;  // null once that is gone
    StreamState* next = nullptr;           // of the same connection
    std::uint64_t token = 0;               // under which news are reported
    std::uint64_t credit = 0;              // bytes read that the peer may send anew
    std::uint32_t reset_code = 0;          // of whoever resets it first: the other answers the same
    std::uint32_t unsent = 0;  // last bytes of `sent`: refused as early data, not sent again yet
    ReceiveBuffer received;
    SendBuffer sent;
    std::unique_ptr<const Remains> remains;  // once the connection is gone
    StreamEnd end = StreamEnd::Open;         // of what is received
    std::uint16_t failure = 0;               // why, where that does not tell: an errno or a Fault
    bool is_attached : 1 = false;
    bool is_readable : 1 = false;  // news, until reported
    bool is_writable : 1 = false;
    bool has_ended : 1 = false;
    bool is_listed : 1 = false;     // among those with news
    bool is_blocked : 1 = false;    // a write was cut short: say when there is room
    bool is_waiting : 1 = false;    // of the peer's, and nobody has it yet
    bool has_opened : 1 = false;    // news: others wait to be accepted beside this one
    bool wants_window : 1 = false;  // the rest of its credit
    bool wants_reset : 1 = false;
    bool was_finished : 1 = false;     // by finish()
    bool wants_finish : 1 = false;     // finish() was called, and the library has not taken it
    bool is_finished : 1 = false;      // nothing more may be written
    bool is_library_done : 1 = false;  // the library has closed it
    bool is_dropped : 1 = false;       // nobody reads or writes it any more
    bool is_early : 1 = false;         // before the handshake is done: the library has none yet
};

}  // namespace starling::quic
