// Clients of a broker over QUIC: from its settings to what they are told.
#include "app/quic_service.h"

#include <cstdlib>
#include <ctime>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/listeners.h"
#include "app/self_signed.h"
#include "reactor/epoll_poller.h"
#include "transport/quic/client.h"
#include "transport/quic/key_file.h"
#include "transport/quic/testing.h"

namespace starling {
namespace {

using namespace std::string_literals;
using namespace quic;
using testing::HasSubstr;

// Of version 3.1.1, from a client without a name of its own; its answer.
const std::string kConnect = "\x10\x0C\0\x04MQTT\x04\x02\0\x3C\0\0"s;
const std::string kConnack = "\x20\x02\0\0"s;

// What a client says and hears on one stream. Owner: the test.
struct Line {
    std::unique_ptr<QuicStream> stream;
    std::string unsaid, heard;
    bool has_ended = false;
};

// A client's end: one connection with its first stream, and others. Owner: the test.
class Caller : public Line {
public:
    // Trusts this certificate alone, and begins with the ticket of another, if there is one.
    Caller(const std::string& certificate, const Endpoint& place, Bytes ticket = {})
        : tls_(std::move(*TlsContext::client(certificate, TlsContext::Trust::Verified))),
          socket_(std::move(*UdpSocket::open({.host = place.host, .port = 0}, 1))),
          clients_(std::make_unique<QuicClients>(QuicEndpoint::Setup{
              .options = options_, .keys = keys_, .tls = *tls_, .sender = *socket_, .seed = 1})) {
        EXPECT_TRUE(poller_.add(*clients_, *socket_));
        handle_ = *clients_->connect(
            {.path = {socket_->address(), *SocketAddress::parse(place.host, place.port)},
             .server_name = "localhost",
             .ticket = ticket});
    }
    ~Caller() {
        further_.clear();
        stream.reset();
        poller_.remove(*clients_);
    }

    void turn() {
        poller_.wait(1);
        QuicConnection* connection = clients_->find(handle_);
        if (!connection || connection->phase() != QuicConnection::Phase::Open) return;
        speak(*connection, *this);
        for (Line& line : further_) speak(*connection, line);
    }

    // Without a word of MQTT.
    void hang_up() { stream.reset(); }

    // Another stream, which is opened as soon as there is a connection.
    Line& open() { return further_.emplace_back(); }

    bool is_connected() const { return stream != nullptr; }
    bool is_gone() const {
        const QuicConnection* connection = clients_->find(handle_);
        return !connection || connection->phase() > QuicConnection::Phase::Open;
    }

    // What the next one may begin with, once it has come.
    ByteVector ticket() {
        QuicConnection* connection = clients_->find(handle_);
        return connection && connection->has_ticket() ? connection->take_souvenirs().ticket
                                                      : ByteVector();
    }

private:
    void speak(QuicConnection& connection, Line& line) {
        if (!line.stream) {
            line.stream = std::make_unique<QuicStream>(*clients_, *connection.open_stream());
            EXPECT_TRUE(line.stream->attach(poller_, 1));
        }
        const iovec piece{line.unsaid.data(), line.unsaid.size()};
        if (const auto taken = line.stream->write({&piece, 1})) line.unsaid.erase(0, *taken);
        ByteVector bytes(1'000);
        const auto answer = line.stream->read(bytes);
        if (answer) line.heard += as_text(Bytes(bytes).first(answer->bytes));
        line.has_ended = !answer;
    }

    QuicOptions options_{.windows = 8};
    QuicKeys keys_ = QuicKeys::random();
    std::unique_ptr<TlsContext> tls_;
    std::unique_ptr<UdpSocket> socket_;
    QuicPoller poller_{std::move(*EpollPoller::open())};
    std::unique_ptr<QuicClients> clients_;
    std::deque<Line> further_;
    Handle handle_;
};

// A broker of one core that listens on QUIC. Owner: the test.
class QuicServiceTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "/quic_service_XXXXXX";
        folder = std::move(*DataFolder::open(::mkdtemp(pattern.data())));
        show(first);
    }
    void TearDown() override {
        seats.clear();
        std::filesystem::remove_all(folder->path());
    }

    void show(const TestCertificate& identity) {
        std::ofstream(folder->file("crt")) << identity.certificate;
        std::ofstream(folder->file("key")) << identity.key;
    }

    Settings named_settings() {
        Settings settings;
        for (const std::string& assignment :
             {"listen=quic://127.0.0.1:0"s, "quic.certificate=" + folder->file("crt"),
              "quic.key=" + folder->file("key"), "quic.windows=8"s})
            EXPECT_TRUE(settings.assign(assignment, "--set")) << assignment;
        return settings;
    }

    void serve(const Settings& of_certificate) {
        auto opened = QuicService::open(of_certificate, *folder, 1);
        ASSERT_TRUE(opened) << opened.error();
        service = std::move(*opened);
        auto seat = Seat::open({0, clock, commons, &service->commons()});
        ASSERT_TRUE(seat);
        seats.push_back(std::move(*seat));
        const auto places = listen_everywhere(seats, named_settings(), service.get());
        ASSERT_TRUE(places) << places.error();
        place = places->front();
    }

    // As another process would, on the same folder.
    void restart(const Settings& settings) {
        seats.clear();
        serve(settings);
    }

    // Lets the broker and the callers go on until `done`; a hang ends by the runner's limit.
    template <typename Done, typename... Callers>
    void run_until(Done done, Callers&... callers) {
        while (!done()) {
            (callers.turn(), ...);
            seats.front()->poller().wake();
            seats.front()->turn();
        }
    }

    // Whether one who trusts this certificate alone gets through the handshake.
    bool admits(const std::string& certificate, Bytes ticket = {}) {
        Caller caller(certificate, place, ticket);
        run_until([&] { return caller.is_connected() || caller.is_gone(); }, caller);
        if (!caller.is_connected()) return false;
        // The server may refuse when the client thinks that all is well.
        caller.unsaid = kConnect;
        run_until([&] { return caller.heard == kConnack || caller.is_gone(); }, caller);
        return caller.heard == kConnack;
    }

    std::uint64_t figure(const std::string& name) {
        std::map<std::string, std::uint64_t> all;
        service->figures().for_each_figure(
            [&](std::string_view one, std::uint64_t value) { all[std::string(one)] = value; });
        return all.at(name);
    }

    const TestCertificate first = make_certificate(), second = make_certificate();
    std::unique_ptr<DataFolder> folder;
    std::unique_ptr<QuicService> service;
    SystemClock clock;
    Commons commons{BrokerOptions{}, HashKey{1, 2}, 1};
    Seats seats;
    Endpoint place;
};

TEST_F(QuicServiceTest, AClientPublishesAndReceives) {
    serve(named_settings());
    Caller caller(first.certificate, place);
    const std::string subscribe = "\x82\x06\0\x01\0\x01t\0"s, suback = "\x90\x03\0\x01\0"s;
    const std::string publish = "\x30\x05\0\x01thi"s;
    caller.unsaid = kConnect + subscribe + publish;
    const std::string answers = kConnack + suback + publish;
    run_until([&] { return caller.heard.size() >= answers.size(); }, caller);
    EXPECT_EQ(caller.heard, answers);
    EXPECT_EQ(figure("quic/handshakes"), 1u);
    EXPECT_EQ(figure("quic/connections"), 1u);
    EXPECT_GE(figure("quic/datagrams_received"), 2u);
    EXPECT_GT(figure("quic/window_hits"), 0u);
}

TEST_F(QuicServiceTest, EachStreamIsAChannel) {
    serve(named_settings());
    Caller caller(first.certificate, place);
    Line& reader = caller.open();
    Line& writer = caller.open();
    const std::string subscribe = "\x82\x06\0\x01\0\x01t\1"s, suback = "\x90\x03\0\x01\1"s;
    const std::string publish = "\x32\x07\0\x01t\0\x01hi"s, puback = "\x40\x02\0\x01"s;
    reader.unsaid = subscribe;  // before CONNACK
    caller.unsaid = kConnect;
    run_until([&] { return reader.heard == suback; }, caller);
    EXPECT_EQ(caller.heard, kConnack);
    writer.unsaid = publish;
    run_until([&] { return writer.heard == puback && reader.heard == suback + publish; }, caller);

    writer.unsaid = "\xF0\0"s;  // AUTH belongs on the first stream
    run_until([&] { return writer.has_ended; }, caller);
    reader.unsaid = puback + "\x30\x04\0\x01t!"s;
    reader.heard.clear();
    run_until([&] { return reader.heard == "\x30\x04\0\x01t!"s; }, caller);
    EXPECT_EQ(caller.heard, kConnack);
}

// However the connection ends, and in whatever order its streams hear of it.
TEST_F(QuicServiceTest, ASessionKeepsWhatAFurtherStreamSubscribedTo) {
    serve(named_settings());
    const std::string come = "\x10\x0D\0\x04MQTT\x04\0\0\x3C\0\1c"s;
    {
        Caller caller(first.certificate, place);
        Line& reader = caller.open();
        reader.unsaid = "\x82\x06\0\x01\0\x01t\1"s;
        caller.unsaid = come;
        run_until([&] { return reader.heard == "\x90\x03\0\x01\1"s; }, caller);
        caller.hang_up();
        run_until([&] { return figure("quic/connections") == 0; }, caller);
    }
    Caller back(first.certificate, place);
    const std::string publish = "\x32\x07\0\x01t\0\x01hi"s, puback = "\x40\x02\0\x01"s;
    back.unsaid = come + publish;
    const std::string present = "\x20\x02\1\0"s;
    run_until([&] { return back.heard.size() >= (present + puback + publish).size(); }, back);
    EXPECT_THAT(back.heard, testing::StartsWith(present));
    EXPECT_THAT(back.heard, HasSubstr(publish));
}

TEST_F(QuicServiceTest, AStopEndsItsConnections) {
    serve(named_settings());
    Caller caller(first.certificate, place);
    caller.unsaid = kConnect;
    run_until([&] { return caller.heard == kConnack; }, caller);
    seats.front()->broker().stop();
    run_until([&] { return seats.front()->broker().is_stopped(); }, caller);
    seats.clear();
    while (!caller.is_gone()) caller.turn();
}

TEST_F(QuicServiceTest, ABrokerMayGoBeforeItsClients) {
    serve(named_settings());
    Caller caller(first.certificate, place);
    caller.unsaid = kConnect;
    run_until([&] { return caller.heard == kConnack; }, caller);
    seats.clear();
    while (!caller.is_gone()) caller.turn();
}

TEST_F(QuicServiceTest, ACertificateIsReplacedForNewHandshakesOnly) {
    serve(named_settings());
    Caller old(first.certificate, place);
    old.unsaid = kConnect;
    run_until([&] { return old.heard == kConnack; }, old);

    show(second);
    EXPECT_TRUE(admits(first.certificate));  // nobody has told it yet
    service->reload();
    EXPECT_FALSE(admits(first.certificate));
    EXPECT_TRUE(admits(second.certificate));

    const std::string ping = "\xC0\0"s, pong = "\xD0\0"s;
    old.heard.clear();
    old.unsaid = ping;
    run_until([&] { return old.heard == pong || old.is_gone(); }, old);
    EXPECT_EQ(old.heard, pong);
}

TEST_F(QuicServiceTest, ABadCertificateLeavesTheOldOne) {
    serve(named_settings());
    show({second.certificate, first.key});
    service->reload();
    EXPECT_TRUE(admits(first.certificate));
    std::filesystem::remove(folder->file("crt"));
    service->reload();
    EXPECT_TRUE(admits(first.certificate));
}

TEST_F(QuicServiceTest, AClientMustShowACertificateWhereOneIsWanted) {
    std::ofstream(folder->file("ca")) << second.certificate;
    Settings settings = named_settings();
    ASSERT_TRUE(settings.assign("quic.client_ca=" + folder->file("ca"), "--set"));
    serve(settings);
    EXPECT_FALSE(admits(first.certificate));
    run_until([&] { return figure("quic/connections") == 0; });
    EXPECT_EQ(figure("quic/handshakes"), 0u);
    EXPECT_EQ(figure("quic/handshakes_failed"), 1u);
}

// A ticket stands for a whole handshake, certificates included.
TEST_F(QuicServiceTest, ATicketIsGoodWhereTheSameClientsAreTrusted) {
    serve(named_settings());
    ByteVector ticket;
    {
        Caller caller(first.certificate, place);
        run_until([&] { return !(ticket = caller.ticket()).empty(); }, caller);
    }
    restart(named_settings());
    EXPECT_TRUE(admits(first.certificate, ticket));
    EXPECT_EQ(figure("quic/resumptions"), 1u);

    std::ofstream(folder->file("ca")) << second.certificate;
    Settings settings = named_settings();
    ASSERT_TRUE(settings.assign("quic.client_ca=" + folder->file("ca"), "--set"));
    restart(settings);
    EXPECT_FALSE(admits(first.certificate, ticket));
}

// Of its keys, on the disk and for its clients.
class KeyRenewalTest : public QuicServiceTest {
protected:
    static constexpr std::uint64_t kDay = 86'400;

    // Kept by the file.
    std::size_t sets() { return keep_keys(folder->path(), 0)->sets.size(); }
    auto newest() { return keep_keys(folder->path(), 0)->newest().ids; }

    void look_after(std::uint64_t days, std::uint64_t seconds = 0) {
        service->look_at_keys(begun_s + days * kDay + seconds);
    }

    bool answers(Caller& caller) {
        caller.heard.clear();
        caller.unsaid = "\xC0\0"s;
        run_until([&] { return caller.heard == "\xD0\0"s || caller.is_gone(); }, caller);
        return !caller.is_gone();
    }

    const std::uint64_t begun_s = static_cast<std::uint64_t>(std::time(nullptr));
};

TEST_F(KeyRenewalTest, NothingIsLost) {
    serve(named_settings());
    Caller old(first.certificate, place);
    old.unsaid = kConnect;
    ByteVector ticket;
    run_until([&] { return old.heard == kConnack && !(ticket = old.ticket()).empty(); }, old);
    const auto before = newest();
    look_after(30);
    EXPECT_EQ(newest(), before);
    look_after(31);
    EXPECT_NE(newest(), before);
    EXPECT_EQ(sets(), 2u);
    EXPECT_TRUE(answers(old));
    EXPECT_TRUE(admits(first.certificate, ticket));
    EXPECT_EQ(figure("quic/resumptions"), 1u);

    look_after(39);
    EXPECT_EQ(sets(), 2u) << "a connection lives with the older";
    EXPECT_TRUE(answers(old));
    EXPECT_TRUE(admits(first.certificate, ticket)) << "by its certificate";
    EXPECT_EQ(figure("quic/resumptions"), 1u) << "the overlap is over";
    old.hang_up();
    run_until([&] { return figure("quic/connections") == 0; }, old);
    look_after(39, 5);
    look_after(38);
    EXPECT_EQ(sets(), 2u) << "who has not heard of its end is told";
    look_after(40, 5);
    EXPECT_EQ(sets(), 1u);
}

TEST_F(KeyRenewalTest, ARestartFindsEverySet) {
    serve(named_settings());
    ByteVector ticket;
    {
        Caller caller(first.certificate, place);
        run_until([&] { return !(ticket = caller.ticket()).empty(); }, caller);
    }
    look_after(31);
    restart(named_settings());
    EXPECT_EQ(sets(), 2u);
    EXPECT_TRUE(admits(first.certificate, ticket));
    EXPECT_EQ(figure("quic/resumptions"), 1u);
}

TEST_F(KeyRenewalTest, KeysThatCannotBeWrittenAreNotUsed) {
    serve(named_settings());
    const auto before = newest();
    const std::string path = folder->path(), elsewhere = path + ".elsewhere";
    std::filesystem::rename(path, elsewhere);
    look_after(31);
    EXPECT_TRUE(admits(first.certificate));
    EXPECT_EQ(service->commons().keys.get()->keys.newest().ids, before);
    std::filesystem::rename(elsewhere, path);
    look_after(31, limits::kQuicKeysRetryS - 1);
    EXPECT_EQ(newest(), before) << "it is not tried again at once";
    look_after(31, limits::kQuicKeysRetryS);
    EXPECT_NE(newest(), before);
    EXPECT_EQ(service->commons().keys.get()->keys.newest().ids, newest());
    EXPECT_TRUE(admits(first.certificate));
}

TEST_F(KeyRenewalTest, ThePeriodIsTheOperators) {
    for (const auto& [days, are_replaced] : {std::pair{"0"s, false}, {"2"s, true}}) {
        Settings settings = named_settings();
        ASSERT_TRUE(settings.assign("quic.keys_days=" + days, "--set"));
        restart(settings);
        const auto before = newest();
        look_after(3);
        EXPECT_EQ(newest() != before, are_replaced) << days;
    }
}

TEST_F(QuicServiceTest, WindowsAreGivenBackWhileMemoryIsTight) {
    serve(named_settings());
    MemoryLevel level(1'000);
    service->commons().memory = &level;
    Caller caller(first.certificate, place);
    caller.unsaid = kConnect;
    run_until([&] { return caller.heard == kConnack; }, caller);
    EXPECT_GT(figure("quic/window_bytes"), 0u);
    level.look(900);
    run_until([&] { return figure("quic/window_bytes") == 0; });
    EXPECT_EQ(figure("quic/parked"), 1u);
    caller.heard.clear();
    caller.unsaid = "\xC0\0"s;
    run_until([&] { return caller.heard == "\xD0\0"s; }, caller);
}

TEST_F(QuicServiceTest, WithoutConfigurationItMakesACertificateThatWorks) {
    serve(Settings());
    std::ostringstream made;
    made << std::ifstream(folder->file("self-signed.crt")).rdbuf();
    EXPECT_TRUE(admits(made.str()));
}

TEST_F(QuicServiceTest, SaysWhatIsMissing) {
    struct Case {
        const char* file;
        std::vector<std::string> assignments;
        std::string says;
    };
    const std::string crt = folder->file("crt"), key = folder->file("key");
    const Case cases[] = {
        {nullptr, {"listen=quic://"}, "takes a certificate: set quic.certificate and quic.key"},
        {"", {}, "takes a certificate: set quic.certificate and quic.key"},
        {nullptr, {"quic.certificate=" + crt}, "quic.key is not"},
        {nullptr, {"quic.key=" + key}, "quic.certificate is not"},
        {nullptr, {"quic.certificate=/nowhere", "quic.key=" + key}, "/nowhere: No such file"},
        {nullptr, {"quic.certificate=" + crt, "quic.key=/nowhere"}, "/nowhere: No such file"},
        {nullptr, {"quic.certificate=" + crt, "quic.key=" + crt}, crt + ": the key cannot be used"},
        {nullptr,
         {"quic.certificate=" + crt, "quic.key=" + key, "quic.client_ca=" + key},
         key + ": no PEM certificate of an authority"},
        {nullptr,
         {"quic.certificate=" + crt, "quic.key=" + key, "quic.client_ca=/nowhere"},
         "/nowhere: No such file"},
    };
    for (const Case& c : cases) {
        Settings settings;
        if (c.file) {
            ASSERT_TRUE(settings.read_toml(c.file, "a.toml"));
        }
        for (const std::string& assignment : c.assignments)
            ASSERT_TRUE(settings.assign(assignment, "--set"));
        const auto opened = QuicService::open(settings, *folder, 1);
        ASSERT_FALSE(opened) << c.says;
        EXPECT_THAT(opened.error(), HasSubstr(c.says));
    }
}

}  // namespace
}  // namespace starling
