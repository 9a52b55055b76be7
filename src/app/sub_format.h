// How `starling sub` prints a message: mosquitto_sub's format language.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/client.h"

namespace starling {

// A format, taken apart once. Owner: a value.
class MessageFormat {
public:
    // The payload alone.
    MessageFormat();

    // Text with %fields, @strftime and \escapes: see mosquitto_sub(1). The error says what is wrong
    // in it.
    static Result<MessageFormat, std::string> parse(std::string_view format);

    // JSON is indented and spread over lines.
    void set_pretty(bool is_pretty) { is_pretty_ = is_pretty; }

    // What to print of a message that came at `when`; none when a payload that the format wants as
    // JSON is not.
    std::optional<std::string> text(const IncomingMessage& message, const timespec& when) const;

private:
    // Literal text, or a field of a message or time.
    struct Piece {
        std::string literal;
        char kind = 0;  // '%' or '@'; 0: literal
        char letter = 0;
        bool is_left = false;
        bool is_zero_padded = false;
        std::size_t width = 0;
        std::optional<std::size_t> precision;
    };

    // Takes the first piece from the front of `rest`; the others, what stands behind its first
    // character.
    Result<void, std::string> take_piece(std::string_view& rest);
    Result<void, std::string> take_field(std::string_view& rest);
    Result<void, std::string> take_time(std::string_view& rest);
    Result<void, std::string> take_escape(std::string_view& rest);
    void add_literal(char c);

    static std::string padded(const Piece& piece, std::string text);

    std::vector<Piece> pieces_;
    bool is_pretty_ = false;
};

}  // namespace starling
