// Throws any datagrams at a server that has a client already: it answers nothing longer than the
// rules allow, and the client keeps its connection.
#include <string>

#include "base/assert.h"
#include "transport/quic/testing.h"

namespace starling::quic {
namespace {

// A client with a stream, on a network where nothing is lost.
struct World {
    QuicRig rig{{.windows = 4}};
    Handle handle = rig.connect();
    std::unique_ptr<QuicStream> client, server;

    World() {
        STARLING_ASSERT(rig.run_until([&] { return rig.client(handle)->is_tls_free(); }));
        client = std::make_unique<QuicStream>(rig.clients(), *rig.client(handle)->open_stream());
        say("x");
        STARLING_ASSERT(
            rig.run_until([&] { return (server = rig.take_server_stream()) != nullptr; }));
        STARLING_ASSERT(hear() == "x");
    }

    void say(const std::string& text) {
        std::string rest = text;
        rig.run_until([&] {
            const iovec piece{rest.data(), rest.size()};
            const auto taken = client->write({&piece, 1});
            STARLING_ASSERT(taken.ok());
            rest.erase(0, *taken);
            return rest.empty();
        });
    }

    std::string hear() {
        ByteVector bytes(100);
        const auto answer = server->read(bytes);
        STARLING_ASSERT(answer.ok());
        return std::string(as_text(Bytes(bytes).first(answer->bytes)));
    }
};

// The input: datagrams, each with its length in two bytes and, in the first byte, what of it is
// made to look like one of the client's: the id that the server gave it, or a version that we
// speak.
void run(Bytes input) {
    static World world;
    const std::uint64_t sent = world.rig.server_port().bytes_sent;
    std::uint64_t received = 0;
    while (input.size() >= 3) {
        const auto kind = std::to_integer<unsigned>(input[0]);
        const std::size_t size = std::min<std::size_t>(load_u16(&input[1]), 1'500);
        input = input.subspan(3);
        ByteVector datagram(input.begin(), input.begin() + long(std::min(size, input.size())));
        input = input.subspan(datagram.size());
        datagram.resize(size);
        if ((kind & 1) != 0 && size > 18) {
            const QuicConnection& connection = *world.server->connection();
            store_bytes(&datagram[1], world.rig.server().ids().issue(connection.self(), 1, {}));
        }
        if ((kind & 2) != 0 && size > 5) store_u32(&datagram[1], NGTCP2_PROTO_VER_V1);
        received += size;
        world.rig.network.inject(datagram, world.rig.client_address(), world.rig.server_address());
    }
    world.rig.run_for(kSecond);
    STARLING_ASSERT(world.rig.server_port().bytes_sent - sent <= 3 * received + 1'500);
    world.say("ping");
    world.rig.run_for(kSecond);
    STARLING_ASSERT(world.hear() == "ping");
    world.rig.run_for(30 * kSecond);  // half-open handshakes end
    STARLING_ASSERT(world.rig.server().size() == 1);
}

}  // namespace
}  // namespace starling::quic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    starling::quic::run(std::as_bytes(std::span(data, size)));
    return 0;
}
