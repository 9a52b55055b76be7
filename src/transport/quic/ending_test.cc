#include "transport/quic/ending.h"

#include <gtest/gtest.h>

namespace starling::quic {
namespace {

using Cause = Ending::Cause;

TEST(Ending, HasWordsForLogsAndAKindForStreams) {
    struct Case {
        Ending ending;
        const char* text;
        StreamEnd end;
    };
    static constexpr Case cases[] = {
        {{Cause::Closed, 0}, "closed with code 0", StreamEnd::Finished},
        {{Cause::Closed, 2}, "closed with code 2", StreamEnd::Reset},
        {{Cause::ClosedByPeer, 0}, "closed by the peer with code 0", StreamEnd::Finished},
        {{Cause::ClosedByPeer, 7}, "closed by the peer with code 7", StreamEnd::Reset},
        {{Cause::Failed, 0x10}, "no viable path (QUIC error 0x10)", StreamEnd::Reset},
        {{Cause::Failed, 0x03}, "flow control broken (QUIC error 0x3)", StreamEnd::Reset},
        {{Cause::Failed, 0x0A}, "protocol violated (QUIC error 0xa)", StreamEnd::Reset},
        {{Cause::Failed, 0x10A}, "TLS alert 10 (QUIC error 0x10a)", StreamEnd::Reset},
        {{Cause::Failed, 0x11}, "QUIC error 0x11", StreamEnd::Reset},
        {{Cause::Failed, 0x200}, "QUIC error 0x200", StreamEnd::Reset},
        {{Cause::FailedByPeer, 0},
         "given up by the peer: closed without an error (QUIC error 0x0)",
         StreamEnd::Reset},
        {{Cause::FailedByPeer, 0x0C},
         "given up by the peer: closed by the application (QUIC error 0xc)",
         StreamEnd::Reset},
        {{Cause::ForgottenByPeer}, "forgotten by the peer: stateless reset", StreamEnd::Reset},
        {{Cause::Silent}, "the peer is silent and owes acknowledgements", StreamEnd::TimedOut},
        {{Cause::IdleTimeout}, "idle timeout", StreamEnd::TimedOut},
        {{Cause::HandshakeTimeout}, "handshake timeout", StreamEnd::TimedOut},
        {{Cause::Dropped}, "dropped without a word", StreamEnd::Reset},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(text_of(c.ending), c.text);
        EXPECT_EQ(stream_end_of(c.ending), c.end) << c.text;
    }
}

}  // namespace
}  // namespace starling::quic
