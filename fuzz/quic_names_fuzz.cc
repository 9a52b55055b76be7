// Shows any bytes as connection ids, as address tokens and as first packets: none is taken for
// ours, or for a client's.
#include "base/assert.h"
#include "transport/quic/address_token.h"
#include "transport/quic/connection_id.h"
#include "transport/quic/initial_check.h"

namespace starling::quic {
namespace {

void run(Bytes input) {
    static const QuicKeys keys = QuicKeys::random();
    static const ConnectionIds ids(keys, 1, 4);
    static const AddressTokens tokens(keys);
    static const SocketAddress peer = *SocketAddress::parse("192.0.2.1", 4'000);
    constexpr std::uint64_t kNow = 1'700'000'000;

    STARLING_ASSERT(steer(input, 4) < 4);
    STARLING_ASSERT(ids.read(input).origin != ConnectionIds::Origin::Current);
    STARLING_ASSERT(!tokens.read(input, peer, input, kNow));
    static PacketCiphers ciphers(4);
    STARLING_ASSERT(!is_whole_initial(input, ciphers));

    // One that is ours, with the input on top of it, is ours no more.
    ByteVector token = tokens.for_retry(peer, ByteVector(8), ByteVector(17), kNow);
    const ByteVector good = token;
    for (std::size_t i = 0; i < input.size() && i < token.size(); ++i) token[i] ^= input[i];
    const bool is_ours = tokens.read(token, peer, ByteVector(17), kNow).has_value();
    STARLING_ASSERT(is_ours == (token == good));
}

}  // namespace
}  // namespace starling::quic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    starling::quic::run(std::as_bytes(std::span(data, size)));
    return 0;
}
