// A whole connection: whatever bytes a client sends after a good CONNECT, in pieces of any size,
// the broker neither breaks nor disturbs a neighbour.
#include <cstddef>
#include <cstdint>

#include "base/log.h"
#include "broker/testing.h"

using namespace starling;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    start_log(LogLevel::Error, LogFormat::Text);  // who comes and goes is no news here
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    BrokerRig rig;
    const BrokerRig::Wire neighbour = rig.dial();
    rig.say(neighbour, "10 [('MQTT') 04 02 0000 ('neighbour')] 82 [0001 ('#') 02]");

    const BrokerRig::Wire stranger = rig.dial();
    stranger->piece = data[1] + 1u;
    if (data[0] % 3 == 0) rig.send(stranger, "10 [('MQTT') 05 00 0000 [11 0000003C] ('stranger')]");
    if (data[0] % 3 == 1) rig.send(stranger, "10 [('MQTT') 04 00 0000 ('stranger')]");
    append_bytes(stranger->to_broker,
                 Bytes(reinterpret_cast<const std::byte*>(data + 2), size - 2));
    stranger->news.readable = true;
    rig.turn();
    rig.hang_up(stranger);
    rig.pass(100'000);

    STARLING_ASSERT(neighbour->is_open && !neighbour->is_finished);
    rig.heard(neighbour);
    STARLING_ASSERT(rig.say(neighbour, "C0 00").ends_with("D000"));
    return 0;
}
