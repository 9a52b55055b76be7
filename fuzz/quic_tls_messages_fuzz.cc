// Shows any bytes as the messages of TLS that are read beside GnuTLS: they are read to their end.
#include <span>

#include "base/assert.h"
#include "base/bytes.h"
#include "transport/quic/tls_messages.h"

namespace starling::quic {
namespace {

void run(const std::uint8_t* data, std::size_t size) {
    const gnutls_datum_t body{const_cast<unsigned char*>(data), static_cast<unsigned>(size)};
    const ClientHello hello = read_client_hello(body);
    STARLING_ASSERT(hello.protocols.size() <= size);
    (void)hello.offers("mqtt");
    (void)permits_early_data(body);

    // Whatever a list of protocols says, it ends.
    const ClientHello listed{.protocols = as_text(std::as_bytes(std::span(data, size)))};
    (void)listed.offers("mqtt");
}

}  // namespace
}  // namespace starling::quic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    starling::quic::run(data, size);
    return 0;
}
