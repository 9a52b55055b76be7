// A reliable, ordered byte stream of any kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/result.h"
#include "reactor/poller.h"

namespace starling {

// TCP, TLS over it, WebSocket over either, a QUIC stream. The layers above never learn which.
// Destroying a stream closes it without ceremony.
// Owner: one core at a time; it may move while detached.
class Stream {
public:
    virtual ~Stream() = default;

    // From now on readiness is reported by `poller` under `token`. What waits already is reported.
    virtual Result<void> attach(Poller& poller, std::uint64_t token) = 0;

    // Undoes attach(), right before the stream goes to another core, where it is attached again:
    // what cannot go there fails to attach. Loses no byte. REQUIRES: may_move().
    virtual void detach() = 0;

    // False while it is not ready to go to another core. When it is, readability will be reported.
    virtual bool may_move() const { return true; }

    struct ReadAnswer {
        std::size_t bytes = 0;
        bool more = false;  // more may wait: read again, for nobody will report it anew
    };

    // A report said `ended`: the end waits behind the bytes unread, and nobody will report it anew.
    // From now on read() answers `more` until it fails.
    virtual void expect_end() {}

    // Fails at the peer's end with code 0, on a broken stream with its errno.
    // REQUIRES: !into.empty().
    virtual Result<ReadAnswer> read(MutableBytes into) = 0;

    // Returns the bytes taken. When fewer than given, writability will be reported.
    virtual Result<std::size_t> write(std::span<const iovec> pieces) = 0;

    // Of the bytes taken, how many the stream still points to: the writer keeps them in place.
    // The kernel copies, so TCP answers 0; a QUIC stream needs them until they are acknowledged.
    virtual std::uint64_t unreleased() const { return 0; }

    // read() will not be called until reading is resumed. Where the window belongs to the kernel,
    // not reading is the pause, and there is nothing else to do.
    virtual void pause_reading() {}
    virtual void resume_reading() {}

    // Nothing will be written after what was taken; the peer sees the end once it has all of it.
    virtual void finish() = 0;

    // Ends both directions at once. `code` is the application's, where the transport carries one.
    virtual void reset(std::uint32_t code) = 0;

    // The next of the streams that the peer has opened beside this one, the first of its
    // connection; null: none waits. A report says `opened`. Until the first call the peer has
    // little credit for such streams: call it once the peer has been let in, whether any waits or
    // not.
    virtual std::unique_ptr<Stream> accept() { return nullptr; }

    // A new stream beside this one, the first of its connection; null: the transport carries no
    // others, or the peer allows no more. It is given back by destroying it; the peer sees it with
    // the first byte.
    virtual std::unique_ptr<Stream> open() { return nullptr; }

    // False once the connection that carries it has ended. Of several streams each is told; the
    // first stands for all.
    virtual bool has_connection() const { return true; }

    // "192.0.2.7:51234" or "[2001:db8::1]:51234", for logs and limits; "" when unknown.
    virtual std::string peer_address() const = 0;

    // What `error` of read() or write() means here, for logs: "closed by the peer", "no viable
    // path (QUIC error 0x10)".
    virtual std::string ending_text(const Error& error) const;

    // Of the first stream of a connection: bytes that this holds here beyond what any may.
    virtual std::size_t excess_bytes() const { return 0; }
};

}  // namespace starling
