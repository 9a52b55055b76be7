#include "client/subscriptions.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace starling {
namespace {

bool waits(const ClientSubscriptions::Request& request) {
    return !request.is_granted && request.packet_id == 0;
}

bool names(const std::vector<ClientSubscription>& filters, const std::string& filter) {
    return std::any_of(filters.begin(), filters.end(),
                       [&](const ClientSubscription& one) { return one.filter == filter; });
}

}  // namespace

bool ClientSubscriptions::push(Request request, std::uint32_t requests_max) {
    if (requests_.size() >= requests_max) return false;
    requests_.push_back(std::move(request));
    ++waiting_;
    return true;
}

ClientSubscriptions::Request* ClientSubscriptions::next() {
    if (waiting_ == 0) return nullptr;
    return &*std::find_if(requests_.begin(), requests_.end(), waits);
}

void ClientSubscriptions::await_answer(Request& request, std::uint16_t packet_id) {
    request.packet_id = packet_id;
    --waiting_;
}

std::optional<RequestDone> ClientSubscriptions::take_answer(PacketType type, const Suback& answer) {
    const PacketType asked =
        type == PacketType::Suback ? PacketType::Subscribe : PacketType::Unsubscribe;
    const auto request = std::find_if(requests_.begin(), requests_.end(), [&](const Request& one) {
        return one.packet_id == answer.packet_id && one.type == asked;
    });
    if (request == requests_.end()) return {};

    RequestDone done = std::exchange(request->done, nullptr);
    grant(request, answer.reasons);
    return done;
}

// What a later request says of a filter replaces what an earlier one said.
void ClientSubscriptions::grant(Iterator request, std::span<const Reason> reasons) {
    request->packet_id = 0;
    request->is_granted = true;
    forget(request->content.filters, request);
    std::vector<ClientSubscription>& filters = request->content.filters;
    if (request->type == PacketType::Unsubscribe) {
        filters.clear();
    } else {
        std::size_t at = 0;
        std::erase_if(filters, [&](const ClientSubscription&) {
            return at >= reasons.size() || is_error(reasons[at++]);
        });
    }
    sweep();
}

void ClientSubscriptions::forget(const std::vector<ClientSubscription>& filters, Iterator end) {
    for (auto earlier = requests_.begin(); earlier != end; ++earlier) {
        if (!earlier->is_granted) continue;
        std::erase_if(earlier->content.filters,
                      [&](const ClientSubscription& one) { return names(filters, one.filter); });
    }
}

void ClientSubscriptions::sweep() {
    std::erase_if(requests_, [](const Request& request) {
        return request.is_granted && request.content.filters.empty();
    });
}

bool ClientSubscriptions::has_granted() const {
    return std::any_of(requests_.begin(), requests_.end(), std::mem_fn(&Request::is_granted));
}

std::uint16_t ClientSubscriptions::unused_from(std::uint16_t packet_id) const {
    std::uint16_t nearest = 0xFFFF;
    for (const Request& one : requests_)
        if (one.packet_id != 0)
            nearest = std::min(nearest, static_cast<std::uint16_t>(one.packet_id - packet_id));
    return nearest;
}

void ClientSubscriptions::on_connection_lost() {
    for (Request& request : requests_) request.packet_id = 0;
    waiting_ = static_cast<std::uint32_t>(std::count_if(requests_.begin(), requests_.end(), waits));
}

void ClientSubscriptions::on_session_lost() {
    for (Request& request : requests_) request.is_granted = false;
    on_connection_lost();
}

}  // namespace starling
