#include "client/link.h"

#include <utility>

namespace starling {
namespace {

Disconnection lost(const Error& error) {
    return {.ending = Ending::Lost, .error = error.code, .text = error.text};
}

}  // namespace

Result<bool, Disconnection> ClientLink::read(MutableBytes scratch, std::uint32_t packet_bytes_max,
                                             const OnPacket& on_packet) {
    return read_some(scratch,
                     [&](Bytes fresh) { return feed(fresh, packet_bytes_max, on_packet); });
}

Result<bool, Disconnection> ClientLink::discard(MutableBytes scratch) {
    return read_some(scratch, [](Bytes) { return Result<bool, Disconnection>(true); });
}

template <typename Take>
Result<bool, Disconnection> ClientLink::read_some(MutableBytes scratch, Take take) {
    for (int round = 0; round < kReadsPerTurn; ++round) {
        if (is_congested()) return true;
        const auto got = stream_->read(scratch);
        if (!got) return lost(got.error());
        STARLING_TRY(goes_on, take(scratch.first(got->bytes)));
        if (!goes_on || !got->more) return false;
    }
    return true;
}

// The packets before a faulty one count.
Result<bool, Disconnection> ClientLink::feed(Bytes fresh, std::uint32_t packet_bytes_max,
                                             const OnPacket& on_packet) {
    const bool is_joined = !partial_.empty();
    if (is_joined) partial_.insert(partial_.end(), fresh.begin(), fresh.end());

    Bytes rest = is_joined ? Bytes(partial_) : fresh;
    while (!rest.empty()) {
        const auto frame = next_frame(rest, packet_bytes_max);
        if (!frame) return violation(frame.error());
        if (frame->size == 0) break;
        STARLING_TRY(goes_on, on_packet(*frame, rest.first(frame->size)));
        if (!goes_on) return false;
        rest = rest.subspan(frame->size);
    }

    if (rest.empty()) partial_ = {};
    else if (is_joined)
        partial_.erase(partial_.begin(), partial_.end() - std::ptrdiff_t(rest.size()));
    else partial_.assign(rest.begin(), rest.end());
    return true;
}

Result<void, Disconnection> ClientLink::flush() {
    if (is_flushed()) return {};
    const Bytes rest = Bytes(outbox_).subspan(written_);
    const iovec piece{const_cast<std::byte*>(rest.data()), rest.size()};
    const auto taken = stream_->write({&piece, 1});
    if (!taken) return lost(taken.error());
    forget_written(*taken);
    return {};
}

// Moves the rest to the front only when it is the smaller part.
void ClientLink::forget_written(std::size_t count) {
    written_ += count;
    if (written_ == outbox_.size()) outbox_ = {};
    else if (written_ < kOutboxBytes || written_ * 2 < outbox_.size()) return;
    else outbox_.erase(outbox_.begin(), outbox_.begin() + std::ptrdiff_t(written_));
    written_ = 0;
}

Disconnection violation(const ProtocolError& error) {
    return {.ending = Ending::ProtocolViolation, .reason = error.reason, .text = error.text};
}

}  // namespace starling
