#include "load/dial.h"

#include <thread>

#include <gtest/gtest.h>

#include "transport/listener.h"

namespace starling {
namespace {

// The address, without its port, that a connection comes from.
std::string source(const Dial& dial, TcpListener& listener) {
    ClientOptions options;
    options.port = listener.port();
    const auto client = dial("127.0.0.1", options);
    EXPECT_TRUE(client);
    std::unique_ptr<Stream> accepted;
    while (listener.accept(accepted) == TcpListener::Accepted::None) std::this_thread::yield();
    const std::string address = accepted->peer_address();
    return address.substr(0, address.find(':'));
}

TEST(SpreadDial, ComesFromAnAddressForEachRunAndProcess) {
    const auto listener = std::move(*TcpListener::open({.host = "127.0.0.1"}, TcpOptions{}));
    EXPECT_EQ(source(spread_dial(0, 0), *listener), "127.1.0.1");
    EXPECT_EQ(source(spread_dial(255, 0), *listener), "127.6.0.1");
    EXPECT_EQ(source(spread_dial(3, 249), *listener), "127.4.249.1");
}

TEST(SpreadSource, IsAnAddressForEachSocketOfARunAndProcess) {
    EXPECT_EQ(spread_source(0, 0)("127.0.0.1", 0), "127.1.0.1");
    EXPECT_EQ(spread_source(0, 0)("127.0.0.1", 1), "127.1.0.2");
    EXPECT_EQ(spread_source(0, 0)("127.0.0.1", 250), "127.1.1.1") << "as the next process's";
    EXPECT_EQ(spread_source(0, 0)("127.0.0.1", 250 * 250), "127.1.0.1") << "from another port";
    EXPECT_EQ(spread_source(3, 249)("127.0.0.1", 0), "127.4.249.1");
    EXPECT_EQ(spread_source(0, 0)("192.0.2.1", 0), "");
}

}  // namespace
}  // namespace starling
