// Figures that operators read beside the broker's own.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace starling {

// Somebody who counts. Owner: whoever counts; any thread may read.
class FigureSource {
public:
    virtual ~FigureSource() = default;

    // Calls visit(name, value) for each. A name is a topic below $SYS/broker/.
    using Visit = std::function<void(std::string_view, std::uint64_t)>;
    virtual void for_each_figure(const Visit& visit) const = 0;
};

}  // namespace starling
