#include "app/sub_json.h"

#include <nlohmann/json.hpp>
#include <utility>

#include <fmt/format.h>

#include "app/client_properties.h"
#include "app/sub_time.h"

namespace starling {
namespace {

// Only what must be is escaped; bytes that are no UTF-8 stay as they are.
std::string json_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\b': out += "\\b"; break;
            case '\f': out += "\\f"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20)
                    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
                else out += c;
        }
    }
    return out + '"';
}

// Members of an object, one by one. Owner: the stack of who writes it.
class ObjectWriter {
public:
    void add(std::string_view name, std::string_view value) {
        text_ += text_.empty() ? '{' : ',';
        text_ += json_string(name);
        text_ += ':';
        text_ += value;
    }
    void add(std::string_view name, std::integral auto number) {
        add(name, std::to_string(number));
    }

    bool empty() const { return text_.empty(); }
    std::string text() const { return empty() ? "{}" : text_ + '}'; }

private:
    std::string text_;
};

std::string user_properties(Bytes properties) {
    ObjectWriter object;
    for_each_property(properties, [&](Property property, Bytes field) {
        if (property != Property::UserProperty) return;
        const UserProperty pair = user_property(field);
        object.add(pair.name, json_string(pair.value));
    });
    return object.text();
}

// In their order; user properties together, where the first one stands.
ObjectWriter properties_object(Bytes properties) {
    ObjectWriter object;
    bool has_user_properties = false;
    for_each_property(properties, [&](Property property, Bytes field) {
        if (property == Property::UserProperty) {
            if (!std::exchange(has_user_properties, true))
                object.add("user-properties", user_properties(properties));
            return;
        }
        const std::string text = property_text(field);
        object.add(property_name(property), is_numeric(property) ? text : json_string(text));
    });
    return object;
}

// REQUIRES: valid JSON.
std::string without_blanks(std::string_view json) {
    std::string out;
    bool in_string = false, is_escaped = false;
    for (const char c : json) {
        if (in_string || (c != ' ' && c != '\t' && c != '\n' && c != '\r')) out += c;
        if (c == '"' && !is_escaped) in_string = !in_string;
        is_escaped = c == '\\' && !is_escaped;
    }
    return out;
}

std::optional<std::string> payload_json(std::string_view payload, bool embeds_payload) {
    if (payload.empty()) return "null";
    if (!embeds_payload) return json_string(payload);
    if (!nlohmann::json::accept(payload)) return {};
    return without_blanks(payload);
}

}  // namespace

std::optional<std::string> message_json(const IncomingMessage& message, const timespec& when,
                                        bool embeds_payload) {
    const auto payload = payload_json(as_text(message.payload), embeds_payload);
    if (!payload) return {};

    ObjectWriter object;
    object.add("tst", json_string(fmt::format("{}.{:06}Z{}", time_text("%Y-%m-%dT%H:%M:%S", when),
                                              when.tv_nsec / 1000, time_text("%z", when))));
    object.add("topic", json_string(message.topic));
    object.add("qos", static_cast<int>(message.qos));
    object.add("retain", static_cast<int>(message.retain));
    object.add("payloadlen", message.payload.size());
    if (message.qos != Qos::AtMostOnce) object.add("mid", message.packet_id);
    if (const ObjectWriter properties = properties_object(message.properties); !properties.empty())
        object.add("properties", properties.text());
    object.add("payload", *payload);
    return object.text();
}

std::string pretty_json(std::string_view json) {
    std::string out;
    std::string open;  // the brackets that are not closed yet
    bool in_string = false, is_escaped = false, is_fresh = false;
    const auto new_line = [&] { out += '\n' + std::string(open.size(), '\t'); };
    for (const char c : json) {
        if (std::exchange(is_fresh, false) && c != '}') new_line();
        const bool is_mark = !in_string && std::string_view("{}[],:").find(c) != json.npos;
        if (c == '"' && !is_escaped) in_string = !in_string;
        is_escaped = c == '\\' && !is_escaped;
        if (is_mark && (c == '}' || c == ']')) open.pop_back();
        if (is_mark && c == '}') new_line();
        out += c;
        if (!is_mark) continue;

        is_fresh = c == '{';
        if (c == '{' || c == '[') open += c;
        else if (c == ':') out += '\t';
        else if (c == ',' && open.back() == '[') out += ' ';
        else if (c == ',') new_line();
    }
    return out;
}

}  // namespace starling
