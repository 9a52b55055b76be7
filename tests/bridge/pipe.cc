#include "tests/bridge/pipe.h"

#include <utility>

namespace starling {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;

}  // namespace

Pipe::Pipe(std::unique_ptr<Stream> near, std::unique_ptr<Stream> far)
    : near_(std::move(near)),
      far_(std::move(far)) {}

// Who has said its last may not be listening any more: what is still said to it is lost, as it is
// on a socket that was closed.
bool Pipe::run() {
    in_.run(true);
    out_.run(!in_.has_ended);
    if (in_.is_broken || out_.is_broken) {
        near_->reset(0);
        far_->reset(0);
        return false;
    }
    return !in_.is_told || !out_.is_told;
}

void Pipe::Direction::run(bool is_wanted) {
    ByteVector bytes(kReadBytes);
    while (!is_told && !is_broken) {
        if (!kept.empty() && !write()) {
            if (is_wanted) is_broken = true;
            kept.clear();
        }
        if (!kept.empty()) return;
        if (has_ended) {
            to.finish();
            is_told = true;
            return;
        }
        const auto got = from.read(bytes);
        if (!got) {
            has_ended = got.error().code == 0;
            is_broken = !has_ended;
        } else if (got->bytes == 0) {
            return;
        } else {
            kept.assign(bytes.begin(), bytes.begin() + static_cast<long>(got->bytes));
        }
    }
}

// False when nobody takes anything any more.
bool Pipe::Direction::write() {
    const iovec piece{kept.data(), kept.size()};
    const auto taken = to.write({&piece, 1});
    if (taken) kept.erase(kept.begin(), kept.begin() + static_cast<long>(*taken));
    return taken.ok();
}

}  // namespace starling
