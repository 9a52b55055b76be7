// A client's first stream, before there is a connection to carry it.
#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "reactor/epoll_poller.h"
#include "transport/fault.h"
#include "transport/quic/testing.h"

namespace starling::quic {
namespace {

class EarlyStream : public testing::TestWithParam<bool> {
protected:
    std::unique_ptr<QuicStream> call(std::string_view protocol = kProtocols[0]) {
        handle = *rig.clients().connect({.path = {rig.client_address(), rig.server_address()},
                                         .server_name = "localhost",
                                         .protocol = protocol});
        return std::make_unique<QuicStream>(rig.clients(),
                                            *rig.clients().find(handle)->open_stream());
    }

    static std::size_t say(Stream& stream, std::string text) {
        const iovec piece{text.data(), text.size()};
        const auto taken = stream.write({&piece, 1});
        return taken ? *taken : 0;
    }

    // With which the stream fails, at last.
    int failure(Stream& stream) {
        int code = -1;
        rig.run_until([&] {
            ByteVector bytes(100);
            const auto answer = stream.read(bytes);
            if (!answer) code = answer.error().code;
            return !answer;
        });
        return code;
    }

    std::unique_ptr<QuicStream> server_stream() {
        std::unique_ptr<QuicStream> taken;
        rig.run_until([&] { return (taken = rig.take_server_stream()) != nullptr; });
        return taken;
    }

    QuicRig rig{{.parks_always = GetParam()}};
    Handle handle;
};

TEST_P(EarlyStream, TakesBytesWhenTheHandshakeIsDone) {
    const auto stream = call();
    const auto poller = std::move(*EpollPoller::open());
    ASSERT_TRUE(stream->attach(*poller, 7));
    EXPECT_EQ(say(*stream, "early"), 0u);
    std::vector<Readiness> news;
    rig.clients().take_news(news);
    news.clear();
    rig.run_until([&] {
        rig.clients().take_news(news);
        return !news.empty();
    });
    EXPECT_EQ(news[0].token, 7u);
    EXPECT_TRUE(news[0].writable);
    EXPECT_EQ(stream->id(), 0);
    std::size_t said = 0;  // not at once, where the pace of the handshake forbids
    rig.run_until([&] { return (said += say(*stream, std::string("early").substr(said))) == 5; });
    const auto other = server_stream();
    ASSERT_TRUE(other);
    ByteVector bytes(10);
    EXPECT_EQ(other->read(bytes)->bytes, 5u);
}

TEST_P(EarlyStream, IsFinishedWhenThereIsOne) {
    const auto stream = call();
    stream->finish();
    const auto other = server_stream();
    ASSERT_TRUE(other);
    ByteVector bytes(10);
    EXPECT_EQ(other->read(bytes).error().code, 0);
}

TEST_P(EarlyStream, GivenUpEndsTheHandshake) {
    for (const bool is_reset : {false, true}) {
        auto stream = call();
        if (is_reset) stream->reset(0);
        stream.reset();
        rig.run_for(10 * kSecond);
        EXPECT_EQ(rig.clients().size(), 0u);
        EXPECT_EQ(rig.server().size(), 0u);
    }
}

TEST_P(EarlyStream, SaysThatNobodyAnswers) {
    rig.network.weather.loss_percent = 100;
    const auto stream = call();
    EXPECT_EQ(failure(*stream), ETIMEDOUT);
    ByteVector bytes(1);
    const iovec piece{bytes.data(), 1};
    EXPECT_EQ(stream->write({&piece, 1}).error().code, EPIPE);
}

TEST_P(EarlyStream, SaysThatTheServerSpeaksSomethingElse) {
    const auto stream = call("h3");
    EXPECT_EQ(failure(*stream), static_cast<int>(Fault::ProtocolRefused));
}

INSTANTIATE_TEST_SUITE_P(Windows, EarlyStream, testing::Bool());

}  // namespace
}  // namespace starling::quic
