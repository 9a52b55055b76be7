#include "transport/listener.h"

#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "reactor/epoll_poller.h"
#include "transport/socket.h"

namespace starling {
namespace {

using Accepted = TcpListener::Accepted;

std::unique_ptr<TcpListener> listen_at(const std::string& host, std::uint16_t port = 0) {
    auto listener = TcpListener::open({.host = host, .port = port}, TcpOptions{});
    EXPECT_TRUE(listener) << (listener ? "" : listener.error());
    return std::move(*listener);
}

// The next connection; it may still be on its way.
std::unique_ptr<Stream> next_stream(TcpListener& listener) {
    std::unique_ptr<Stream> stream;
    Accepted accepted;
    while ((accepted = listener.accept(stream)) == Accepted::None) std::this_thread::yield();
    EXPECT_EQ(accepted, Accepted::Stream);
    return stream;
}

// The number that the kernel will give to the next descriptor.
int next_descriptor() {
    const int descriptor = ::dup(0);
    ::close(descriptor);
    return descriptor;
}

int option(int descriptor, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(descriptor, IPPROTO_TCP, name, &value, &size), 0);
    return value;
}

TEST(ParseEndpoint, Takes) {
    struct Case {
        const char* text;
        const char* host;
        std::uint16_t port;
        const char* again;
    };
    static constexpr Case cases[] = {
        {"127.0.0.1:1883", "127.0.0.1", 1883, "127.0.0.1:1883"},
        {"[::1]:8883", "::1", 8883, "[::1]:8883"},
        {"[fe80::1%eth0]:1", "fe80::1%eth0", 1, "[fe80::1%eth0]:1"},
        {":1883", "", 1883, ":1883"},
        {"1883", "", 1883, ":1883"},
        {"broker.example:65535", "broker.example", 65535, "broker.example:65535"},
        {"[]:0", "", 0, ":0"},
        {"tcp://127.0.0.1:1883", "127.0.0.1", 1883, "127.0.0.1:1883"},
        {"tcp://:1883", "", 1883, ":1883"},
        {"quic://0.0.0.0:1", "0.0.0.0", 1, "quic://0.0.0.0:1"},
        {"quic://[::1]:2", "::1", 2, "quic://[::1]:2"},
        {"quic://:3", "", 3, "quic://:3"},
        {"quic://4", "", 4, "quic://:4"},
        {"quic://127.0.0.1", "127.0.0.1", 14567, "quic://127.0.0.1:14567"},
        {"quic://[::1]", "::1", 14567, "quic://[::1]:14567"},
        {"quic://", "", 14567, "quic://:14567"},
    };
    for (const Case& c : cases) {
        const auto endpoint = parse_endpoint(c.text);
        ASSERT_TRUE(endpoint) << c.text;
        EXPECT_EQ(endpoint->host, c.host) << c.text;
        EXPECT_EQ(endpoint->port, c.port) << c.text;
        EXPECT_EQ(endpoint->text(), c.again);
        EXPECT_EQ(endpoint->is_quic(), std::string_view(c.again).starts_with("quic")) << c.text;
    }
}

TEST(ParseEndpoint, Rejects) {
    for (const char* text : {"",
                             ":",
                             "host",
                             "host:",
                             "host:65536",
                             "host:-1",
                             "host: 1",
                             "host:1x",
                             "::1",
                             "::1:1883",
                             "[::1]",
                             "[::1:1883",
                             "::1]:1883",
                             "a:b:1",
                             "tcp://",
                             "tcp://[::1]",
                             "tcp://127.0.0.1",
                             "quic://:",
                             "quic://::1",
                             "quic://[::1]:",
                             "quic://host:65536",
                             "quic://tcp://:1",
                             "://:1",
                             "QUIC://:1"})
        EXPECT_FALSE(parse_endpoint(text)) << text;
}

TEST(ParseEndpoint, ListsTheSchemesThatThereAre) {
    const auto endpoint = parse_endpoint("wss://:8884");
    ASSERT_FALSE(endpoint);
    EXPECT_EQ(endpoint.error(),
              "'wss://:8884': no such scheme as 'wss'; there are tcp:// and quic://");
}

TEST(Endpoint, KnowsLoopback) {
    for (const char* host : {"127.0.0.1", "127.9.9.9", "::1"})
        EXPECT_TRUE((Endpoint{host, 1}.is_loopback())) << host;
    for (const char* host : {"", "0.0.0.0", "::", "192.0.2.7", "128.0.0.1", "fe80::1", "localhost"})
        EXPECT_FALSE((Endpoint{host, 1}.is_loopback())) << host;
}

TEST(TcpListener, AcceptsEachOnceThenNone) {
    const auto listener = listen_at("127.0.0.1");
    std::unique_ptr<Stream> stream;
    EXPECT_EQ(listener->accept(stream), Accepted::None);
    std::vector<std::unique_ptr<Stream>> clients;
    for (int i = 0; i < 3; ++i)
        clients.push_back(std::move(*tcp_connect("127.0.0.1", listener->port())));
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(next_stream(*listener)->peer_address().starts_with("127.0.0.1:"));
    EXPECT_EQ(listener->accept(stream), Accepted::None);
}

TEST(TcpListener, IsReportedByItsPoller) {
    const auto poller = std::move(*EpollPoller::open());
    const auto listener = listen_at("127.0.0.1");
    ASSERT_TRUE(listener->attach(*poller, 5));
    poller->wait(0);
    const auto client = std::move(*tcp_connect("127.0.0.1", listener->port()));
    const auto ready = poller->wait(kNever);
    ASSERT_EQ(ready.size(), 1u);
    EXPECT_EQ(ready[0].token, 5u);
    EXPECT_TRUE(ready[0].readable);
}

// The kernel hands the listening socket's options down: no call is spent per connection.
TEST(TcpListener, WhatItAcceptsHasItsOptions) {
    const TcpOptions options{.user_timeout_ms = 12'345, .notsent_lowat_bytes = 6'789};
    const auto listener = std::move(*TcpListener::open({.host = "127.0.0.1"}, options));
    const auto client = std::move(*tcp_connect("127.0.0.1", listener->port()));
    const int descriptor = next_descriptor();
    const auto stream = next_stream(*listener);
    EXPECT_EQ(option(descriptor, TCP_NODELAY), 1);
    EXPECT_EQ(option(descriptor, TCP_USER_TIMEOUT), 12'345);
    EXPECT_EQ(option(descriptor, TCP_NOTSENT_LOWAT), 6'789);
}

TEST(TcpListener, EveryAddressMeansBothFamilies) {
    const auto listener = listen_at("");
    const auto client = std::move(*tcp_connect("127.0.0.1", listener->port()));
    const auto stream = next_stream(*listener);
    EXPECT_TRUE(stream->peer_address().starts_with("127.0.0.1:")) << stream->peer_address();

    const auto client6 = tcp_connect("::1", listener->port());
    if (!client6) GTEST_SKIP() << "this machine has no IPv6";
    const auto stream6 = next_stream(*listener);
    EXPECT_TRUE(stream6->peer_address().starts_with("[::1]:")) << stream6->peer_address();
}

TEST(TcpListener, CoresShareAPort) {
    const auto first = listen_at("127.0.0.1");
    const auto second = listen_at("127.0.0.1", first->port());
    EXPECT_EQ(second->port(), first->port());
}

TEST(TcpListener, SaysWhyItCannotOpen) {
    const int other = ::socket(AF_INET, SOCK_STREAM, 0);
    const auto address = SocketAddress::parse("127.0.0.1", 0);
    ASSERT_EQ(::bind(other, address->data(), address->size()), 0);
    ASSERT_EQ(::listen(other, 1), 0);
    const std::uint16_t port = SocketAddress::of_socket(other)->port();
    const auto taken = TcpListener::open({.host = "127.0.0.1", .port = port}, TcpOptions{});
    ::close(other);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error(),
              "127.0.0.1:" + std::to_string(port) + ": bind: Address already in use");

    const auto named = TcpListener::open({.host = "localhost", .port = 1}, TcpOptions{});
    ASSERT_FALSE(named);
    EXPECT_EQ(named.error(), "localhost:1: not a numeric address");
}

TEST(TcpListener, OutOfDescriptorsItIsExhaustedAndRecovers) {
    const auto listener = listen_at("127.0.0.1");
    const auto client = std::move(*tcp_connect("127.0.0.1", listener->port()));
    rlimit old{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
    const rlimit none{.rlim_cur = static_cast<rlim_t>(next_descriptor()), .rlim_max = old.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    std::unique_ptr<Stream> stream;
    const Accepted without = listener->accept(stream);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
    EXPECT_EQ(without, Accepted::Exhausted);
    EXPECT_TRUE(next_stream(*listener));
}

}  // namespace
}  // namespace starling
