#include "transport/tcp.h"

#include <cerrno>
#include <climits>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "reactor/epoll_poller.h"
#include "transport/listener.h"

namespace starling {
namespace {

constexpr std::uint64_t kToken = 7;

iovec piece(std::string_view text) {
    return {.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
}

// A broker's end, attached, and a client's, connected over loopback.
class TcpStreamTest : public testing::Test {
protected:
    void SetUp() override {
        const auto listener = std::move(*TcpListener::open({.host = "127.0.0.1"}, TcpOptions{}));
        client = std::move(*tcp_connect("127.0.0.1", listener->port()));
        while (listener->accept(server) == TcpListener::Accepted::None) std::this_thread::yield();
        ASSERT_TRUE(server);
        ASSERT_TRUE(server->attach(*poller, kToken));
        EXPECT_TRUE(report().writable);
    }

    // The next report, as the owner of the server's end takes it.
    Readiness report() {
        const auto ready = poller->wait(kNever);
        EXPECT_EQ(ready.size(), 1u);
        EXPECT_EQ(ready[0].token, kToken);
        if (ready[0].ended) server->expect_end();
        return ready[0];
    }

    Result<Stream::ReadAnswer> read(std::size_t room = 64) {
        buffer.resize(room);
        return server->read(std::as_writable_bytes(std::span(buffer)));
    }

    std::string read_text(std::size_t bytes) const { return buffer.substr(0, bytes); }

    static void send(Stream& from, std::string_view text) {
        const iovec pieces[] = {piece(text)};
        const auto taken = from.write(pieces);
        ASSERT_TRUE(taken);
        ASSERT_EQ(*taken, text.size());
    }

    std::unique_ptr<EpollPoller> poller = std::move(*EpollPoller::open());
    std::unique_ptr<Stream> server, client;
    std::string buffer;
};

TEST_F(TcpStreamTest, AShortReadEndsTheReading) {
    send(*client, "hello");
    EXPECT_TRUE(report().readable);
    const auto answer = read();
    ASSERT_TRUE(answer);
    EXPECT_EQ(read_text(answer->bytes), "hello");
    EXPECT_FALSE(answer->more);
}

TEST_F(TcpStreamTest, AFilledBufferMeansMore) {
    send(*client, "hello");
    report();
    const auto answer = read(5);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->bytes, 5u);
    EXPECT_TRUE(answer->more);
    const auto rest = read(5);
    ASSERT_TRUE(rest);
    EXPECT_EQ(rest->bytes, 0u);
    EXPECT_FALSE(rest->more);
}

// Bytes and the end come as one edge: the short read may not be the last.
TEST_F(TcpStreamTest, AnEndThatComesWithBytesIsNotLost) {
    send(*client, "bye");
    client->finish();
    while (!report().ended) {}
    const auto answer = read();
    ASSERT_TRUE(answer);
    EXPECT_EQ(read_text(answer->bytes), "bye");
    EXPECT_TRUE(answer->more);
    const auto end = read();
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, 0);
}

TEST_F(TcpStreamTest, AResetThatComesWithBytesIsNotLost) {
    send(*client, "bye");
    client->reset(0);
    while (!report().ended) {}
    const auto answer = read();
    ASSERT_TRUE(answer);
    EXPECT_EQ(read_text(answer->bytes), "bye");
    EXPECT_TRUE(answer->more);
    const auto end = read();
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, ECONNRESET);
}

TEST_F(TcpStreamTest, AnEndAfterTheLastReadIsReported) {
    send(*client, "hello");
    report();
    ASSERT_TRUE(read());
    client.reset();
    EXPECT_TRUE(report().readable);
    ASSERT_FALSE(read());
}

TEST_F(TcpStreamTest, FinishEndsOneDirectionOnly) {
    send(*server, "last words");
    server->finish();
    send(*client, "still here");
    while (!report().readable) {}
    const auto answer = read();
    ASSERT_TRUE(answer);
    EXPECT_EQ(read_text(answer->bytes), "still here");
}

TEST_F(TcpStreamTest, ResetEndsBoth) {
    server->reset(0);
    EXPECT_FALSE(read());
    const iovec pieces[] = {piece("x")};
    EXPECT_FALSE(server->write(pieces));
    EXPECT_EQ(server->peer_address(), "");
    server->finish();
    server->reset(0);
}

TEST_F(TcpStreamTest, WritesMorePiecesThanOneCallTakes) {
    std::string text;
    std::vector<iovec> pieces;
    const std::string letters = "abcdefghij";
    for (std::size_t i = 0; i < 2 * IOV_MAX + 10; ++i) {
        pieces.push_back(piece(std::string_view(letters).substr(i % 10, 1)));
        text += letters[i % 10];
    }
    const auto taken = client->write(pieces);
    ASSERT_TRUE(taken);
    EXPECT_EQ(*taken, text.size());

    std::string got;
    while (got.size() < text.size()) {
        report();
        const auto answer = read(text.size() + 1);
        ASSERT_TRUE(answer);
        got += read_text(answer->bytes);
    }
    EXPECT_EQ(got, text);
}

TEST_F(TcpStreamTest, AFullSocketTakesAPartAndReportsWhenThereIsRoom) {
    const std::string text(1 << 20, 'x');
    const iovec pieces[] = {piece(text)};
    std::size_t sent = 0;
    for (std::size_t taken = text.size(); taken == text.size(); sent += taken) {
        const auto answer = server->write(pieces);
        ASSERT_TRUE(answer);
        taken = *answer;
    }
    std::string sink(1 << 20, '\0');
    std::size_t got = 0;
    bool writable = false;
    while (got < sent) {
        const auto answer = client->read(std::as_writable_bytes(std::span(sink)));
        ASSERT_TRUE(answer);
        got += answer->bytes;
        for (const Readiness& ready : poller->wait(0)) writable |= ready.writable;
    }
    EXPECT_EQ(got, sent);
    EXPECT_TRUE(writable || report().writable);
}

TEST_F(TcpStreamTest, WritingToAPeerThatIsGoneIsAnErrorAndNoSignal) {
    client->reset(0);
    while (!report().ended) {}
    const iovec pieces[] = {piece("x")};
    const auto first = server->write(pieces);
    EXPECT_FALSE(first);
    const auto second = server->write(pieces);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, EPIPE);
}

TEST_F(TcpStreamTest, MovesToAnotherPollerAndLosesNoByte) {
    server->detach();
    send(*client, "hello");
    client->finish();
    EXPECT_TRUE(poller->wait(0).empty());

    poller = std::move(*EpollPoller::open());
    ASSERT_TRUE(server->attach(*poller, kToken));
    while (!report().ended) {}
    const auto answer = read();
    ASSERT_TRUE(answer);
    EXPECT_EQ(read_text(answer->bytes), "hello");
    EXPECT_TRUE(answer->more);
}

TEST(TcpConnect, ReportsARefusal) {
    std::uint16_t port = 0;
    { port = std::move(*TcpListener::open({.host = "127.0.0.1"}, TcpOptions{}))->port(); }
    const auto poller = std::move(*EpollPoller::open());
    auto stream = tcp_connect("127.0.0.1", port);
    if (!stream) {
        EXPECT_EQ(stream.error().code, ECONNREFUSED);
        return;
    }
    ASSERT_TRUE((*stream)->attach(*poller, 1));
    EXPECT_TRUE(poller->wait(kNever)[0].ended);
    std::byte byte;
    const auto answer = (*stream)->read({&byte, 1});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ECONNREFUSED);
}

TEST(TcpConnect, TakesNumericAddressesOnly) {
    EXPECT_FALSE(tcp_connect("localhost", 1));
    EXPECT_FALSE(tcp_connect("", 1));
}

TEST(TcpConnect, ComesFromTheAddressItIsTold) {
    const auto listener = std::move(*TcpListener::open({.host = "127.0.0.1"}, TcpOptions{}));
    const auto client = std::move(*tcp_connect("127.0.0.1", listener->port(), "127.9.8.7"));
    std::unique_ptr<Stream> server;
    while (listener->accept(server) == TcpListener::Accepted::None) std::this_thread::yield();
    EXPECT_TRUE(server->peer_address().starts_with("127.9.8.7:")) << server->peer_address();
    EXPECT_FALSE(tcp_connect("127.0.0.1", listener->port(), "nowhere").ok());
}

}  // namespace
}  // namespace starling
