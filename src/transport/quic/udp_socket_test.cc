#include "transport/quic/udp_socket.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "transport/quic/control_data.h"

namespace starling::quic {
namespace {

constexpr Handle kOne{.index = 1, .generation = 1};
constexpr Handle kOther{.index = 2, .generation = 1};

class UdpSocketTest : public testing::Test {
protected:
    static std::unique_ptr<UdpSocket> open() {
        return std::move(*UdpSocket::open({.host = "127.0.0.1", .port = 0}, 1));
    }

    // A datagram of `size` bytes, all of which are its number.
    void send(std::size_t size, Handle connection, std::uint8_t ecn = 0) {
        const MutableBytes room = sender->room();
        std::fill_n(room.begin(), size, static_cast<std::byte>(sizes.size()));
        sender->send(size, {sender->address(), receiver->address()}, ecn, connection);
        sizes.push_back(size);
        marks.push_back(ecn);
    }

    // All has come, as it was sent.
    void expect_all() {
        sender->flush();
        std::size_t number = 0;
        while (number < sizes.size())
            receiver->receive([&](const Datagram& datagram) {
                ASSERT_LT(number, sizes.size());
                ASSERT_EQ(datagram.bytes.size(), sizes[number]) << number;
                EXPECT_EQ(datagram.bytes.front(), static_cast<std::byte>(number));
                EXPECT_EQ(datagram.bytes.back(), static_cast<std::byte>(number));
                EXPECT_EQ(datagram.ecn, marks[number]);
                EXPECT_EQ(datagram.path.remote.text(), sender->address().text());
                EXPECT_EQ(datagram.path.local.text(), receiver->address().text());
                ++number;
            });
    }

    std::unique_ptr<UdpSocket> sender = open(), receiver = open();
    std::vector<std::size_t> sizes;
    std::vector<std::uint8_t> marks;
};

TEST_F(UdpSocketTest, SendsRunsOfOneConnectionAsBursts) {
    for (int i = 0; i < 5; ++i) send(1'200, kOne);
    send(300, kOne);  // the end of a burst may be short
    EXPECT_EQ(sender->out().bursts(), 0u);
    expect_all();
    EXPECT_EQ(sender->out().bursts(), 1u);
}

TEST_F(UdpSocketTest, SendsApartWhatMayNotArriveAsOne) {
    struct Case {
        const char* what;
        std::size_t size;
        Handle connection;
        std::uint8_t ecn;
    };
    constexpr Case cases[] = {
        {"the first", 1'200, kOne, 0},
        {"of another connection", 1'200, kOther, 0},
        {"with another mark", 1'200, kOther, 2},
        {"smaller", 1'000, kOther, 2},
        {"larger than that", 1'200, kOther, 2},
        {"of no connection", 1'200, {}, 2},
        {"likewise", 1'200, {}, 2},
    };
    for (const Case& c : cases) send(c.size, c.connection, c.ecn);
    expect_all();
    EXPECT_EQ(sender->out().bursts(), 1u) << "a smaller one ends the burst before it";
}

TEST_F(UdpSocketTest, CutsBurstsAtWhatADatagramMayHave) {
    for (int i = 0; i < 200; ++i) send(kDatagramBytes, kOne);
    expect_all();
    // 64 a batch, of which 44 fit into a burst of 65,000 bytes.
    EXPECT_EQ(sender->out().bursts(), 7u);
    EXPECT_EQ(sender->out().dropped(), 0u);
}

// As on a device that cannot do it: the kernel cuts no burst without a checksum.
TEST_F(UdpSocketTest, SendsSinglyWhereTheKernelCutsNoBursts) {
    ASSERT_TRUE(set_option(sender->descriptor(), SOL_SOCKET, SO_NO_CHECK, 1, "SO_NO_CHECK"));
    for (int round = 0; round < 2; ++round)
        for (int i = 0; i < 6; ++i) send(1'200, round == 0 && i < 3 ? kOne : kOther);
    expect_all();
    EXPECT_EQ(sender->out().bursts(), 0u);
    EXPECT_EQ(sender->out().dropped(), 0u);
}

// A router may join what came from several connections behind one address.
TEST_F(UdpSocketTest, CutsWhatHasArrivedJoined) {
    std::array<std::byte, 250> joined;
    for (std::size_t i = 0; i < joined.size(); ++i) joined[i] = static_cast<std::byte>(i / 100);
    alignas(cmsghdr) std::array<std::byte, 64> control{};
    const SocketAddress& to = receiver->address();
    iovec piece{joined.data(), joined.size()};
    msghdr header{.msg_name = const_cast<sockaddr*>(to.data()),
                  .msg_namelen = to.size(),
                  .msg_iov = &piece,
                  .msg_iovlen = 1,
                  .msg_control = control.data(),
                  .msg_controllen = 0,
                  .msg_flags = 0};
    append_control(header, IPPROTO_UDP, UDP_SEGMENT, std::uint16_t{100});
    ASSERT_EQ(::sendmsg(sender->descriptor(), &header, 0), 250);
    sizes = {100, 100, 50};
    marks = {0, 0, 0};
    expect_all();
}

TEST_F(UdpSocketTest, TellsOfADatagramWithoutBytes) {
    send(0, kOne);
    sender->flush();
    int seen = 0;
    while (seen == 0)
        receiver->receive([&](const Datagram& datagram) {
            EXPECT_TRUE(datagram.bytes.empty());
            ++seen;
        });
    EXPECT_EQ(seen, 1);
}

TEST_F(UdpSocketTest, CarriesCongestionMarks) {
    for (const char* host : {"127.0.0.1", "::1"}) {
        auto one = UdpSocket::open({.host = host, .port = 0}, 1);
        auto other = UdpSocket::open({.host = host, .port = 0}, 1);
        if (!one || !other) continue;  // no IPv6 on this machine
        sender = std::move(*one);
        receiver = std::move(*other);
        for (std::uint8_t ecn = 0; ecn < 4; ++ecn) {
            sizes.clear();
            marks.clear();
            send(1, {}, ecn);
            expect_all();
        }
    }
}

TEST_F(UdpSocketTest, SaysWhyItCannotOpen) {
    const auto taken = UdpSocket::open({.host = "127.0.0.1", .port = sender->address().port()}, 1);
    ASSERT_FALSE(taken);
    EXPECT_NE(taken.error().find("bind: Address already in use"), std::string::npos);
    EXPECT_FALSE(UdpSocket::open({.host = "broker.example", .port = 0}, 1));
}

}  // namespace
}  // namespace starling::quic
