#include "app/quic_access.h"

#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "transport/quic/ticket_file.h"

namespace starling {

Result<std::unique_ptr<QuicAccess>, std::string> QuicAccess::open(
    quic::QuicPoller& poller, const ClientArguments& arguments) {
    std::unique_ptr<QuicAccess> access(new QuicAccess(arguments));
    STARLING_SET(access->tls_, quic::TlsContext::client(arguments.quic->trust));
    access->take_ticket();
    const bool remembers = !access->ticket_file_.empty();
    access->dialer_ = std::make_unique<quic::QuicDialer>(
        quic::QuicDialer::Setup{.poller = poller,
                                .tls = *access->tls_,
                                .source = {},
                                .souvenirs = remembers ? &access->souvenirs_ : nullptr,
                                .is_early = arguments.quic->is_early});
    return access;
}

QuicAccess::QuicAccess(const ClientArguments& arguments)
    : ticket_file_(arguments.quic->ticket_file),
      prints_notes_(arguments.prints_packets) {
    if (ticket_file_.empty()) return;
    binding_ = fmt::format("{}:{} {} {}", arguments.options.host, arguments.options.port,
                           quic::kProtocols[0], arguments.quic->trust.digest());
}

// Its connections leave their tickets when they go.
QuicAccess::~QuicAccess() {
    dialer_.reset();
    keep_ticket();
}

void QuicAccess::take_ticket() {
    if (ticket_file_.empty()) return;
    auto found = quic::read_ticket(ticket_file_, binding_);
    if (!found) return note("no ticket: " + found.error());
    souvenirs_ = std::move(*found);
}

// A run that brought none leaves the file as it was.
void QuicAccess::keep_ticket() const {
    if (ticket_file_.empty() || souvenirs_.ticket.empty()) return;
    const auto kept = quic::write_ticket(ticket_file_, binding_, souvenirs_);
    if (!kept) fmt::print(stderr, "Warning: the ticket is not kept: {}\n", kept.error());
}

void QuicAccess::note_handshake() const {
    using Count = quic::QuicCount;
    const quic::QuicCounters& counters = dialer_->clients().counters();
    note(counters[Count::Resumptions] != 0 ? "session resumed" : "full handshake");
    if (counters[Count::EarlyAccepted] != 0) note("early data accepted");
    if (counters[Count::EarlyRefused] != 0) note("early data refused, and sent again");
}

void QuicAccess::note(const std::string& text) const {
    if (!prints_notes_) return;
    fmt::print("QUIC {}\n", text);
    std::fflush(stdout);
}

}  // namespace starling
