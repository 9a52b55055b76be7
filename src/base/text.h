// Characters that never change, kept in little room.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace starling {

// One block of exactly its size, and 8 bytes where it stands; empty text has no block. Smaller than
// a std::string from 16 characters on. Owner: whoever holds it.
class Text {
public:
    Text() = default;
    explicit Text(std::string_view characters) {
        if (characters.empty()) return;
        const auto size = static_cast<std::uint32_t>(characters.size());
        block_ = std::make_unique_for_overwrite<char[]>(sizeof size + size);
        std::memcpy(block_.get(), &size, sizeof size);
        std::memcpy(block_.get() + sizeof size, characters.data(), size);
    }

    std::string_view view() const {
        if (!block_) return {};
        std::uint32_t size;
        std::memcpy(&size, block_.get(), sizeof size);
        return {block_.get() + sizeof size, size};
    }

private:
    std::unique_ptr<char[]> block_;  // the size, then the characters
};

}  // namespace starling
