// Whether a client's first packet has come as it was sent.
#pragma once

#include "base/bytes.h"
#include "transport/quic/packet_ciphers.h"

namespace starling::quic {

// Whether the packet that a datagram begins with is an Initial of a client, sealed under its own
// id: whoever sends it can make one, damage on its way cannot. Opens it, which takes as long as
// answering does.
bool is_whole_initial(Bytes datagram, PacketCiphers& ciphers);

}  // namespace starling::quic
