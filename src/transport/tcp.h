// TCP sockets as streams.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "transport/stream.h"

namespace starling {

// One connected, non-blocking socket.
//
// A read that does not fill the buffer has emptied the socket, which saves asking once more. Only
// an end that was reported together with those bytes lies behind them unseen: see expect_end().
//
// Owner: one core at a time.
class TcpStream final : public Stream {
public:
    // Takes over a connected or connecting non-blocking socket.
    explicit TcpStream(int descriptor) : descriptor_(descriptor) {}
    TcpStream(const TcpStream&) = delete;
    TcpStream& operator=(const TcpStream&) = delete;
    ~TcpStream() override;

    Result<void> attach(Poller& poller, std::uint64_t token) override;
    void detach() override;
    void expect_end() override { end_expected_ = true; }
    Result<ReadAnswer> read(MutableBytes into) override;
    Result<std::size_t> write(std::span<const iovec> pieces) override;
    void finish() override;
    void reset(std::uint32_t code) override;
    std::string peer_address() const override;

private:
    Poller* poller_ = nullptr;
    int descriptor_;  // -1 once reset
    bool end_expected_ = false;
};

static_assert(sizeof(TcpStream) <= 40, "a million idle clients pay for each byte");

struct TcpOptions {
    int backlog = 4096;
    int user_timeout_ms = 30'000;      // unacknowledged bytes for so long end the connection
    int notsent_lowat_bytes = 16'384;  // unsent bytes in the kernel before it takes no more
};

// Says how a socket sends. What a listening socket was told holds for all that it accepts.
Result<void> set_options(int descriptor, const TcpOptions& options);

// Starts connecting to a numeric address; the stream becomes writable when it is connected, and its
// first write or read tells a failure. `source` is the numeric address to come from, of the same
// family; empty leaves it to the system.
Result<std::unique_ptr<Stream>> tcp_connect(const std::string& address, std::uint16_t port,
                                            const std::string& source = "");

}  // namespace starling
