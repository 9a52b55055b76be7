// What a dialer's user sees, over real sockets.
#include "transport/quic/dialer.h"

#include <cerrno>
#include <ctime>
#include <map>

#include <gtest/gtest.h>

#include "reactor/epoll_poller.h"
#include "transport/fault.h"
#include "transport/quic/listener.h"
#include "transport/quic/testing.h"

namespace starling::quic {
namespace {

constexpr std::uint64_t kListenerToken = 1;
constexpr std::uint64_t kStreamToken = 2;

// A hang ends by the runner's limit; a turn waits this long at most.
constexpr TimeMs kTurnMs = 20;

// A server that says again what it hears, and dialers, in one thread. Owner: the test.
class QuicDialerTest : public testing::Test {
protected:
    void SetUp() override {
        auto opened = QuicListener::open({.host = "127.0.0.1", .port = 0}, {.poller = poller});
        ASSERT_TRUE(opened) << opened.error();
        listener = std::move(*opened);
        ASSERT_TRUE(listener->attach(kListenerToken));
    }

    // Another one, which knows nothing of the first.
    void restart_server() {
        heard_by_server.clear();
        unsaid_by_server.clear();
        listener.reset();
        keys = QuicKeys::random();
        server_tls->set_keys(keys);
        commons.keys.set(make_counted<SharedKeys>(keys));
        SetUp();
    }

    void TearDown() override {
        stream.reset();
        dialer.reset();
        turn();
        heard_by_server.clear();
        unsaid_by_server.clear();
    }

    void make_dialer(std::string_view authorities = rig_certificate().certificate,
                     QuicDialer::Source source = {}) {
        client_tls = std::move(*TlsContext::client(authorities, TlsContext::Trust::Verified));
        dialer = std::make_unique<QuicDialer>(QuicDialer::Setup{.poller = poller,
                                                                .tls = *client_tls,
                                                                .options = options,
                                                                .source = std::move(source),
                                                                .souvenirs = &souvenirs,
                                                                .is_early = is_early});
    }

    Result<std::unique_ptr<Stream>> dial(const std::string& server_name = "localhost") {
        return dialer->dial("127.0.0.1", listener->port(), server_name);
    }

    // A stream that says "hello" as soon as it may.
    void call(const std::string& server_name = "localhost") {
        stream = std::move(*dial(server_name));
        ASSERT_TRUE(stream->attach(poller, kStreamToken));
        unsaid = "hello";
        heard.clear();
        failure = -1;
    }

    // Until the echo is there, or the stream has ended.
    void talk() {
        while (heard != "hello" && failure < 0) turn();
    }

    void hang_up() {
        stream.reset();
        dialer.reset();
    }

    void turn() {
        for (const Readiness& ready : poller.wait(kTurnMs)) {
            if (ready.token == kListenerToken) accept();
            else if (ready.token == kStreamToken && stream) run();
            else if (ready.token > kStreamToken) echo(*heard_by_server.at(ready.token - 3));
        }
    }

    void accept() {
        while (auto accepted = listener->accept()) {
            ASSERT_TRUE(accepted->attach(poller, kStreamToken + 1 + heard_by_server.size()));
            heard_by_server.push_back(std::move(accepted));
        }
    }

    // Says what it has heard as soon as it may: pacing can make it wait.
    void echo(Stream& one) {
        ByteVector bytes(1'000);
        std::string& owed = unsaid_by_server[&one];
        while (const auto answer = one.read(bytes)) {
            if (answer->bytes == 0) break;
            owed += as_text(Bytes(bytes).first(answer->bytes));
        }
        const iovec piece{owed.data(), owed.size()};
        if (const auto taken = one.write({&piece, 1})) owed.erase(0, *taken);
    }

    void run() {
        const iovec piece{unsaid.data(), unsaid.size()};
        if (const auto taken = stream->write({&piece, 1})) unsaid.erase(0, *taken);
        ByteVector bytes(1'000);
        while (true) {
            const auto answer = stream->read(bytes);
            if (!answer) failure = answer.error().code;
            if (!answer || answer->bytes == 0) return;
            heard += as_text(Bytes(bytes).first(answer->bytes));
        }
    }

    std::uint64_t count(QuicCount what) const { return listener->server().counters()[what]; }

    QuicOptions options{.windows = 16};
    QuicKeys keys = QuicKeys::random();
    std::unique_ptr<TlsContext> server_tls = std::move(*TlsContext::server_from_pem(
        rig_certificate().certificate, rig_certificate().key, "test", keys));
    std::unique_ptr<TlsContext> client_tls;
    QuicConnection::Souvenirs souvenirs;
    bool is_early = false;
    QuicCommons commons{options, keys, *server_tls, 1};
    QuicPoller poller{std::move(*EpollPoller::open()), commons, 0};
    std::unique_ptr<QuicListener> listener;
    std::vector<std::unique_ptr<Stream>> heard_by_server;
    std::map<const Stream*, std::string> unsaid_by_server;
    std::unique_ptr<QuicDialer> dialer;
    std::unique_ptr<Stream> stream;
    std::string unsaid, heard;
    int failure = -1;
};

TEST_F(QuicDialerTest, AStreamIsThereBeforeItsHandshake) {
    make_dialer();
    call();
    const iovec piece{unsaid.data(), unsaid.size()};
    EXPECT_EQ(*stream->write({&piece, 1}), 0u);
    EXPECT_EQ(stream->peer_address(), "127.0.0.1:" + std::to_string(listener->port()));
    talk();
    EXPECT_EQ(heard, "hello");
}

// GnuTLS asks this for the time at which a certificate must be good.
std::time_t shift_s = 0;
std::time_t shifted_time(std::time_t* at) {
    const std::time_t now = std::time(nullptr) + shift_s;
    if (at) *at = now;
    return now;
}

TEST_F(QuicDialerTest, SaysWhyItDoesNotTrustAServer) {
    const TestCertificate other = make_certificate();
    struct Case {
        const char* what;
        std::string authorities;
        const char* server_name;
        std::time_t shift_s;
        Fault fault;
    };
    const std::string good = rig_certificate().certificate;
    const Case cases[] = {
        {"another authority", other.certificate, "localhost", 0, Fault::UnknownAuthority},
        {"another name", good, "broker.example", 0, Fault::OtherName},
        {"an address that it does not name", good, "127.0.0.1", 0, Fault::OtherName},
        {"too old", good, "localhost", 7'200, Fault::Expired},
        {"too young", good, "localhost", -7'200, Fault::NotYetValid},
    };
    gnutls_global_set_time_function(shifted_time);
    for (const Case& c : cases) {
        shift_s = c.shift_s;
        make_dialer(c.authorities);
        call(c.server_name);
        talk();
        EXPECT_EQ(failure, static_cast<int>(c.fault)) << c.what << ": " << error_text(failure);
        hang_up();
    }
    gnutls_global_set_time_function(std::time);
}

TEST_F(QuicDialerTest, TheNextConnectionResumes) {
    make_dialer();
    call();
    talk();
    EXPECT_TRUE(souvenirs.ticket.empty()) << "not before the connection ends";
    hang_up();
    EXPECT_FALSE(souvenirs.ticket.empty());
    EXPECT_EQ(count(QuicCount::Resumptions), 0u);

    make_dialer();
    call();
    EXPECT_TRUE(souvenirs.ticket.empty()) << "a ticket is shown once";
    talk();
    EXPECT_EQ(count(QuicCount::Resumptions), 1u);
    EXPECT_EQ(dialer->clients().counters()[QuicCount::Resumptions], 1u);
    hang_up();
    EXPECT_FALSE(souvenirs.ticket.empty());
}

TEST_F(QuicDialerTest, SpeaksEarlyWhenItIsTold) {
    for (const bool told : {false, true}) {
        is_early = false;
        make_dialer();
        call();
        talk();
        hang_up();
        is_early = told;
        make_dialer();
        call();
        talk();
        EXPECT_EQ(heard, "hello");
        EXPECT_EQ(count(QuicCount::EarlyAccepted), told ? 1u : 0u);
        EXPECT_EQ(dialer->clients().counters()[QuicCount::EarlyAccepted], told ? 1u : 0u);
        EXPECT_EQ(count(QuicCount::EarlyRefused), 0u);
        hang_up();
    }
}

TEST_F(QuicDialerTest, WhatIsRefusedEarlyIsSaidAgain) {
    make_dialer();
    call();
    talk();
    hang_up();
    options.early_data = EarlyData::Off;
    is_early = true;
    make_dialer();
    call();
    talk();
    EXPECT_EQ(heard, "hello");
    EXPECT_EQ(count(QuicCount::Resumptions), 1u);
    EXPECT_EQ(count(QuicCount::EarlyRefused), 1u);
    EXPECT_EQ(dialer->clients().counters()[QuicCount::EarlyRefused], 1u);
}

TEST_F(QuicDialerTest, ATicketOfAnotherLifeCostsAHandshake) {
    make_dialer();
    call();
    talk();
    hang_up();
    restart_server();

    make_dialer();
    call();
    talk();
    EXPECT_EQ(heard, "hello");
    EXPECT_EQ(count(QuicCount::Resumptions), 0u);
}

TEST_F(QuicDialerTest, WhatIsClosedIsSaidSoBeforeItGoes) {
    make_dialer();
    call();
    talk();
    hang_up();
    ByteVector bytes(10);
    int code = -1;
    while (code < 0) {
        turn();
        const auto last = heard_by_server[0]->read(bytes);
        if (!last) code = last.error().code;
    }
    EXPECT_EQ(code, ECONNRESET);
}

TEST_F(QuicDialerTest, KnowsAtOnceThatNobodyListensOnThisMachine) {
    std::uint16_t port = 0;
    {
        const auto silent = UdpSocket::open({.host = "127.0.0.1", .port = 0}, 1);
        ASSERT_TRUE(silent);
        port = (*silent)->address().port();
    }
    make_dialer();
    const auto refused = dialer->dial("127.0.0.1", port, "localhost");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ECONNREFUSED);
    EXPECT_EQ(dialer->dial("localhost", port, "localhost").error().code, EINVAL);
}

TEST_F(QuicDialerTest, ManyConnectionsShareASocket) {
    std::uint32_t sockets = 0;
    const auto source = [&](const std::string&, std::uint32_t number) {
        sockets = number;
        return "127.0.0." + std::to_string(2 + number);
    };
    make_dialer(rig_certificate().certificate, source);
    std::vector<std::unique_ptr<Stream>> streams;
    for (std::uint32_t i = 0; i < QuicDialer::kPerSocket; ++i)
        streams.push_back(std::move(*dial()));
    EXPECT_EQ(sockets, 1u);
    streams.push_back(std::move(*dial()));
    EXPECT_EQ(sockets, 1u) << "this one has opened the second";
    streams.push_back(std::move(*dial()));
    EXPECT_EQ(sockets, 2u);
    streams.clear();
}

TEST_F(QuicDialerTest, ComesFromWhereItIsTold) {
    make_dialer(rig_certificate().certificate,
                [](const std::string&, std::uint32_t) { return "127.0.0.9"; });
    call();
    talk();
    EXPECT_EQ(heard_by_server.at(0)->peer_address().substr(0, 10), "127.0.0.9:");
}

}  // namespace
}  // namespace starling::quic
