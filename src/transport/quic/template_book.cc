#include "transport/quic/template_book.h"

#include <algorithm>

namespace starling::quic {
namespace {

std::uint32_t distance(std::uint32_t a, std::uint32_t b) { return a > b ? a - b : b - a; }

}  // namespace

TemplateBook::TemplateBook() { made_.push_back(std::make_unique<Template>(0)); }

std::uint8_t TemplateBook::choose(WindowView window, std::uint32_t used) {
    if (made_.size() < kTemplates && !exact(used) && ++strangers_ >= patience()) {
        strangers_ = 0;
        learn(window, used);
    }
    return nearest(used);
}

// Learning costs more than packing. The first few templates are worth it at once.
std::uint32_t TemplateBook::patience() const { return made_.size() <= kAtOnce ? 1 : kPatience; }

const Template* TemplateBook::exact(std::uint32_t used) const {
    const auto found = std::ranges::find(made_, used, [](const auto& one) { return one->used(); });
    return found == made_.end() ? nullptr : found->get();
}

std::uint8_t TemplateBook::nearest(std::uint32_t used) const {
    const auto found = std::ranges::min_element(
        made_, {}, [used](const auto& one) { return distance(one->used(), used); });
    return static_cast<std::uint8_t>(found - made_.begin());
}

void TemplateBook::learn(WindowView window, std::uint32_t used) {
    auto sketch = std::ranges::find(sketches_, used, [](const auto& one) { return one->used(); });
    if (sketch == sketches_.end()) {
        if (sketches_.size() == kSketches) sketches_.erase(sketches_.begin());
        sketch = sketches_.insert(sketches_.end(), std::make_unique<Template>(used));
    }
    (*sketch)->show(window.words, window.base(), window.bytes());
    if ((*sketch)->shown() < kShown) return;
    made_.push_back(std::move(*sketch));
    sketches_.erase(sketch);
}

}  // namespace starling::quic
