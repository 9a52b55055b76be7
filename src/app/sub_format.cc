#include "app/sub_format.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "app/client_properties.h"
#include "app/sub_json.h"
#include "app/sub_time.h"

namespace starling {
namespace {

constexpr std::string_view kFields = "%ACDEFIJPRSUXjlmpqrtx";
constexpr std::string_view kPaddedFields = "ACEFIRSXlmptx";
constexpr std::string_view kTextFields = "CIRt";  // cut to their precision, never padded with zeros
constexpr std::size_t kWidthMax = 10'000;

bool has(std::string_view letters, char letter) {
    return letters.find(letter) != std::string_view::npos;
}

char take(std::string_view& rest) {
    const char c = rest.front();
    rest.remove_prefix(1);
    return c;
}

std::size_t take_number(std::string_view& rest) {
    std::size_t number = 0;
    while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9')
        number = std::min(number * 10 + std::size_t(take(rest) - '0'), kWidthMax);
    return number;
}

// Empty when the message has none.
std::string property(const IncomingMessage& message, Property sought) {
    std::optional<std::string> text;
    for_each_property(message.properties, [&](Property one, Bytes field) {
        if (one == sought && !text) text = property_text(field);
    });
    return text.value_or("");
}

std::string user_properties(const IncomingMessage& message) {
    std::string text;
    for_each_property(message.properties, [&](Property one, Bytes field) {
        if (one != Property::UserProperty) return;
        const UserProperty pair = user_property(field);
        text += fmt::format("{}{}:{}", text.empty() ? "" : " ", pair.name, pair.value);
    });
    return text;
}

std::string hex_text(Bytes bytes, std::string_view digits) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::byte byte : bytes) {
        text += digits[std::to_integer<unsigned>(byte) >> 4];
        text += digits[std::to_integer<unsigned>(byte) & 15];
    }
    return text;
}

// Of the fields that every message has.
std::string field_text(char letter, const IncomingMessage& message, const timespec& when) {
    switch (letter) {
        case '%': return "%";
        case 'A': return property(message, Property::TopicAlias);
        case 'C': return property(message, Property::ContentType);
        case 'D': return property(message, Property::CorrelationData);
        case 'E': return property(message, Property::MessageExpiryInterval);
        case 'F': return property(message, Property::PayloadFormatIndicator);
        case 'I': return time_text("%Y-%m-%dT%H:%M:%S%z", when);
        case 'P': return user_properties(message);
        case 'R': return property(message, Property::ResponseTopic);
        case 'S': return property(message, Property::SubscriptionIdentifier);
        case 'U': return fmt::format("{}.{:09}", when.tv_sec, when.tv_nsec);
        case 'X': return hex_text(message.payload, "0123456789ABCDEF");
        case 'l': return std::to_string(message.payload.size());
        case 'm': return std::to_string(message.packet_id);
        case 'p': return std::string(as_text(message.payload));
        case 'q': return std::to_string(static_cast<int>(message.qos));
        case 'r': return message.retain ? "1" : "0";
        case 't': return std::string(message.topic);
        default: return hex_text(message.payload, "0123456789abcdef");
    }
}

std::string moment_text(char letter, const timespec& when) {
    if (letter == '@') return "@";
    if (letter == 'N') return fmt::format("{:09}", when.tv_nsec);
    return time_text(std::array{'%', letter, '\0'}.data(), when);
}

}  // namespace

MessageFormat::MessageFormat() { pieces_.push_back({.kind = '%', .letter = 'p'}); }

Result<MessageFormat, std::string> MessageFormat::parse(std::string_view rest) {
    MessageFormat format;
    format.pieces_.clear();
    while (!rest.empty()) STARLING_CHECK(format.take_piece(rest));
    return format;
}

Result<void, std::string> MessageFormat::take_piece(std::string_view& rest) {
    const char c = take(rest);
    if (c == '%') return take_field(rest);
    if (c == '@') return take_time(rest);
    if (c == '\\') return take_escape(rest);
    add_literal(c);
    return {};
}

Result<void, std::string> MessageFormat::take_field(std::string_view& rest) {
    Piece piece{.kind = '%'};
    while (!rest.empty() && has("-0", rest.front()))
        (take(rest) == '-' ? piece.is_left : piece.is_zero_padded) = true;
    piece.width = take_number(rest);
    if (!rest.empty() && rest.front() == '.') {
        take(rest);
        piece.precision = take_number(rest);
    }
    if (rest.empty()) return std::string("Incomplete format specifier.");
    piece.letter = take(rest);
    if (!has(kFields, piece.letter))
        return fmt::format("Invalid format specifier '{}'.", piece.letter);
    pieces_.push_back(std::move(piece));
    return {};
}

Result<void, std::string> MessageFormat::take_time(std::string_view& rest) {
    if (rest.empty()) return std::string("Incomplete format specifier.");
    pieces_.push_back({.kind = '@', .letter = take(rest)});
    return {};
}

Result<void, std::string> MessageFormat::take_escape(std::string_view& rest) {
    static constexpr std::string_view kLetters = "\\0aenrtv";
    static constexpr std::string_view kMeanings("\\\0\a\033\n\r\t\v", 8);
    if (rest.empty()) return std::string("Incomplete escape specifier.");
    const char letter = take(rest);
    const std::size_t at = kLetters.find(letter);
    if (at == std::string_view::npos) return fmt::format("Invalid escape specifier '{}'.", letter);
    add_literal(kMeanings[at]);
    return {};
}

void MessageFormat::add_literal(char c) {
    if (pieces_.empty() || pieces_.back().kind != 0) pieces_.emplace_back();
    pieces_.back().literal += c;
}

std::optional<std::string> MessageFormat::text(const IncomingMessage& message,
                                               const timespec& when) const {
    std::string out;
    for (const Piece& piece : pieces_) {
        if (piece.kind == 0) {
            out += piece.literal;
        } else if (piece.kind == '@') {
            out += moment_text(piece.letter, when);
        } else if (piece.letter == 'j' || piece.letter == 'J') {
            const auto json = message_json(message, when, piece.letter == 'J');
            if (!json) return {};
            out += is_pretty_ ? pretty_json(*json) : *json;
        } else {
            out += padded(piece, field_text(piece.letter, message, when));
        }
    }
    return out;
}

std::string MessageFormat::padded(const Piece& piece, std::string text) {
    if (!has(kPaddedFields, piece.letter)) return text;
    const bool is_text = has(kTextFields, piece.letter);
    if (is_text && piece.precision && text.size() > *piece.precision) text.resize(*piece.precision);
    if (text.size() >= piece.width) return text;

    const std::size_t missing = piece.width - text.size();
    if (piece.is_left) return text + std::string(missing, ' ');
    return std::string(missing, piece.is_zero_padded && !is_text ? '0' : ' ') + text;
}

}  // namespace starling
