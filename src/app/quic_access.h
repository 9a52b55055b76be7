// How `starling pub` and `starling sub` reach a broker over QUIC.
#pragma once

#include <memory>
#include <string>

#include "app/client_arguments.h"
#include "client/client.h"
#include "transport/quic/dialer.h"

namespace starling {

// A dialer, and the ticket that a run leaves to the next. Owner: the main thread; goes after the
// program, before its poller.
class QuicAccess {
public:
    // REQUIRES: arguments.quic. The error says which file is wrong.
    static Result<std::unique_ptr<QuicAccess>, std::string> open(quic::QuicPoller& poller,
                                                                 const ClientArguments& arguments);
    QuicAccess(const QuicAccess&) = delete;
    QuicAccess& operator=(const QuicAccess&) = delete;
    ~QuicAccess();

    Dial dial() { return dial_quic(*dialer_); }

    // Says, when packets are printed, whether a connection has resumed an earlier session, and what
    // became of its early data.
    void note_handshake() const;

private:
    explicit QuicAccess(const ClientArguments& arguments);
    void take_ticket();
    void keep_ticket() const;
    void note(const std::string& text) const;

    std::string ticket_file_;  // "": none
    std::string binding_;
    bool prints_notes_;
    std::unique_ptr<quic::TlsContext> tls_;
    quic::QuicConnection::Souvenirs souvenirs_;
    std::unique_ptr<quic::QuicDialer> dialer_;
};

}  // namespace starling
