#include "client/dispatch.h"

#include <algorithm>
#include <utility>

#include "mqtt/topic.h"

namespace starling {
namespace {

std::string_view matched_part(std::string_view filter) {
    if (!is_shared_filter(filter)) return filter;
    const auto shared = split_share(filter);
    STARLING_ASSERT(shared);
    return shared->filter;
}

}  // namespace

void ClientDispatch::set(std::string_view filter, MessageHandler handler) {
    remove(filter);
    routes_.push_back(
        std::make_unique<Route>(Route{std::string(matched_part(filter)), std::move(handler)}));
}

void ClientDispatch::remove(std::string_view filter) {
    const std::string_view sought = matched_part(filter);
    for (const auto& route : routes_)
        if (route->filter == sought) route->filter.clear();
    sweep();
}

std::size_t ClientDispatch::call(const IncomingMessage& message) {
    if (routes_.empty()) return 0;
    std::size_t called = 0;
    ++calls_;
    const std::size_t end = routes_.size();  // what a handler sets is for later messages
    for (std::size_t at = 0; at < end; ++at) {
        const Route& route = *routes_[at];
        if (route.filter.empty() || !matches(route.filter, message.topic)) continue;
        route.handler(message);
        ++called;
    }
    --calls_;
    sweep();
    return called;
}

void ClientDispatch::sweep() {
    if (calls_ == 0)
        std::erase_if(routes_, [](const auto& route) { return route->filter.empty(); });
}

}  // namespace starling
