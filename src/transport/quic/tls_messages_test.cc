#include "transport/quic/tls_messages.h"

#include <string>

#include <gtest/gtest.h>

namespace starling::quic {
namespace {

using namespace std::string_literals;

gnutls_datum_t datum(const std::string& text) {
    return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
            static_cast<unsigned>(text.size())};
}

// A ClientHello that says nothing but these extensions.
std::string hello_with(const std::string& extensions) {
    return "\x03\x03"s + std::string(32, 'r') + "\0"s  // no session
           + "\0\x02\x13\x01"s + "\x01\0"s             // one cipher, no compression
           + char(extensions.size() >> 8) + char(extensions.size()) + extensions;
}

TEST(ClientHello, TellsItsProtocolsAndWhetherItSpeaksEarly) {
    const std::string alpn = "\0\x10\0\x0e\0\x0c\x04mqtt\x06mqttv5"s, early = "\0\x2a\0\0"s;
    struct Case {
        const char* what;
        std::string extensions;
        bool offers_mqtt, offers_mqttv5, asks_early;
    };
    const Case cases[] = {
        {"nothing", "", false, false, false},
        {"protocols", alpn, true, true, false},
        {"early data", early, false, false, true},
        {"both", alpn + early, true, true, true},
        {"another protocol", "\0\x10\0\x05\0\x03\x02h3"s, false, false, false},
        {"a list that is cut off", "\0\x10\0\x05\0\x0c\x04mq"s, false, false, false},
        {"a name that is cut off", "\0\x10\0\x05\0\x03\x04mq"s, false, false, false},
        {"no list at all", "\0\x10\0\0"s, false, false, false},
    };
    for (const Case& c : cases) {
        const std::string body = hello_with(c.extensions);
        const ClientHello hello = read_client_hello(datum(body));
        EXPECT_EQ(hello.offers("mqtt"), c.offers_mqtt) << c.what;
        EXPECT_EQ(hello.offers("mqttv5"), c.offers_mqttv5) << c.what;
        EXPECT_EQ(hello.asks_early, c.asks_early) << c.what;
    }
    for (std::size_t size = 0; size < 60; ++size) {
        const std::string cut = hello_with(alpn + early).substr(0, size);
        EXPECT_FALSE(read_client_hello(datum(cut)).asks_early) << size;
    }
}

TEST(ClientHello, TellsTheFirstTicketThatItShows) {
    struct Case {
        const char* what;
        std::string extensions;
        std::string_view ticket;
    };
    const Case cases[] = {
        {"none", "", ""},
        {"one", "\0\x29\0\x0e\0\x0a\0\x04tick\0\0\0\1\0\0"s, "tick"},
        {"the first of two", "\0\x29\0\x10\0\x0e\0\x01t\0\0\0\1\0\x01u\0\0\0\1"s, "t"},
        {"one that is cut off", "\0\x29\0\x08\0\x0a\0\x06tick"s, ""},
        {"no list", "\0\x29\0\0"s, ""},
    };
    for (const Case& c : cases) {
        const std::string body = hello_with(c.extensions);
        EXPECT_EQ(read_client_hello(datum(body)).ticket, c.ticket) << c.what;
    }
}

TEST(NewSessionTicket, TellsWhetherItPermitsEarlyData) {
    const std::string head = "\0\0\x1c\x20"s + "aaaa"s + "\x01n"s + "\0\x06ticket"s;
    const auto with = [&](const std::string& extensions) {
        return head + '\0' + char(extensions.size()) + extensions;
    };
    struct Case {
        const char* what;
        std::string body;
        bool permits;
    };
    const Case cases[] = {
        {"no extension", with(""), false},
        {"early data", with("\0\x2a\0\x04\xff\xff\xff\xff"s), true},
        {"behind another", with("\x1a\x1a\0\x01x\0\x2a\0\x04\xff\xff\xff\xff"s), true},
        {"so many bytes, as over TCP", with("\0\x2a\0\x04\0\0\x40\0"s), false},
        {"a short number", with("\0\x2a\0\x03\xff\xff\xff"s), false},
        {"cut off", with("\0\x2a\0\x04\xff\xff"s), false},
        {"nothing at all", "", false},
    };
    for (const Case& c : cases) EXPECT_EQ(permits_early_data(datum(c.body)), c.permits) << c.what;
}

}  // namespace
}  // namespace starling::quic
