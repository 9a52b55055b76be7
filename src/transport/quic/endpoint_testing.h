// What tests of connections between endpoints share.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "transport/quic/testing.h"

namespace starling::quic {

// Everything has happened by then.
inline constexpr TimeNs kLongEnough = 100 * kSecond;

// Tests on a QuicRig, with connections that stay in their windows and with ones that are parked
// around every event. Owner: the test.
class EndpointTest : public testing::TestWithParam<bool> {
protected:
    void make(QuicOptions options = {}, CoreId cores = 1) {
        rig = std::make_unique<QuicRig>(
            QuicRig::Setup{.parks_always = GetParam(), .cores = cores, .options = options});
    }

    // A client whose handshake is complete and whose TLS has gone.
    QuicConnection& open(Bytes ticket = {}, Bytes token = {}) {
        const Handle handle = rig->connect(ticket, token);
        EXPECT_TRUE(rig->run_until([&] {
            QuicConnection* client = rig->client(handle);
            return client && client->is_tls_free();
        }));
        return *rig->client(handle);
    }

    // Both ends of a client's first stream, after a byte from the client.
    struct Pair {
        std::unique_ptr<QuicStream> client, server;
    };
    Pair open_stream(QuicConnection& client) {
        Pair pair;
        pair.client = std::make_unique<QuicStream>(rig->clients(), *client.open_stream());
        write(*pair.client, "x");
        EXPECT_TRUE(
            rig->run_until([&] { return (pair.server = rig->take_server_stream()) != nullptr; }));
        EXPECT_EQ(read(*pair.server), "x");
        return pair;
    }

    static std::size_t write(Stream& stream, std::string_view text) {
        const iovec piece{const_cast<char*>(text.data()), text.size()};
        const auto taken = stream.write({&piece, 1});
        EXPECT_TRUE(taken);
        return taken ? *taken : 0;
    }

    // What has come, or how it ended.
    static std::string read(Stream& stream) {
        ByteVector buffer(1'000);
        const auto answer = stream.read(buffer);
        if (!answer) return "error " + std::to_string(answer.error().code);
        return std::string(as_text(Bytes(buffer).first(answer->bytes)));
    }

    std::uint64_t count(QuicCount what, CoreId core = 0) {
        return rig->server(core).counters()[what];
    }

    std::unique_ptr<QuicRig> rig;
};

}  // namespace starling::quic
