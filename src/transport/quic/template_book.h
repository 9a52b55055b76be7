// The templates of a core, learned from what it parks.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "transport/quic/parking.h"

namespace starling::quic {

// Connections that went through the same (a full handshake, a resumed one, one with traffic since)
// have made the same blocks, and so the same number of bytes. For each such number met often enough
// a template is made, until there are kTemplates: blobs name theirs for as long as they live.
// Owner: one core.
class TemplateBook {
public:
    static constexpr std::size_t kTemplates = 32;

    // Connections that a template is made of. Fewer would leave words in it that are theirs.
    static constexpr std::uint32_t kShown = 4;

    TemplateBook();

    // The template to pack `used` bytes of this window with. Learns from the window.
    std::uint8_t choose(WindowView window, std::uint32_t used);

    const Template& operator[](std::uint8_t index) const { return *made_[index]; }
    std::size_t size() const { return made_.size(); }

private:
    static constexpr std::size_t kSketches = 8;
    static constexpr std::size_t kAtOnce = 4;
    static constexpr std::uint32_t kPatience = 16;

    std::uint32_t patience() const;
    const Template* exact(std::uint32_t used) const;
    std::uint8_t nearest(std::uint32_t used) const;
    void learn(WindowView window, std::uint32_t used);

    std::uint32_t strangers_ = 0;                      // of no template, since one was learned from
    std::vector<std::unique_ptr<Template>> made_;      // the first is empty
    std::vector<std::unique_ptr<Template>> sketches_;  // not shown enough yet, oldest first
};

}  // namespace starling::quic
