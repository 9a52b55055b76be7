// What the log says of clients coming and going: rate-limited, for strangers can cause it.
#include "base/log.h"
#include "broker/broker.h"

namespace starling {
namespace {

// Of a client identifier, in one line.
constexpr std::size_t kIdBytesLogged = 128;

std::string client_text(const Connection& connection, std::string_view client_id) {
    std::string text = "client ";
    text +=
        client_id.empty() ? std::string_view("(no id yet)") : client_id.substr(0, kIdBytesLogged);
    const std::string address = connection.stream->peer_address();
    return address.empty() ? text : text + " at " + address;
}

}  // namespace

void Broker::log_connected(const Connection& connection, const Session& session) {
    if (!is_logged(LogLevel::Info) || !comings_log_.admits(core_.now())) return;
    std::string text = client_text(connection, session.id) + " connected, protocol level ";
    text += std::to_string(static_cast<int>(connection.version));
    text += ", keep alive " + std::to_string(connection.keep_alive_s) + " s";
    comings_log_.log(LogLevel::Info, text);
}

void Broker::log_left(const Connection& connection, const Session& session, const char* why,
                      const Error* error) {
    if (!is_logged(LogLevel::Info) || !comings_log_.admits(core_.now())) return;
    std::string text = client_text(connection, session.id) + " left: " + why;
    if (error) text += ": " + connection.stream->ending_text(*error);
    comings_log_.log(LogLevel::Info, text);
}

void Broker::log_refused(const Connection& connection, std::string_view client_id, Reason reason) {
    if (!faults_log_.admits(core_.now())) return;
    faults_log_.log(LogLevel::Warning,
                    client_text(connection, client_id) + " refused: " + reason_name(reason));
}

void Broker::log_fault(const Connection& connection, const ProtocolError& error) {
    if (!faults_log_.admits(core_.now())) return;
    const Session* session = sessions_.find(connection.session);
    std::string text = client_text(connection, session ? session->id : std::string());
    text += " broke a rule: ";
    text += reason_name(error.reason);
    faults_log_.log(LogLevel::Warning, text + ": " + error.text);
}

}  // namespace starling
