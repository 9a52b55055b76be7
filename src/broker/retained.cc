#include "broker/retained.h"

#include "base/sabotage.h"

namespace starling {

bool RetainedMessages::set(const Ref<const Message>& message) {
    const auto old = messages_.find(message->topic());
    if (message->payload().empty()) {
        if (old != messages_.end() && !STARLING_SABOTAGED(KeepClearedRetained)) erase(old);
        return true;
    }
    const bool is_new = old == messages_.end();
    if (is_new && !messages_quota_.try_take()) return false;
    const std::uint64_t old_bytes = is_new ? 0 : old->second->size();
    const std::uint64_t bytes = message->size();
    if (bytes > old_bytes && !bytes_quota_.try_take(bytes - old_bytes)) {
        if (is_new) messages_quota_.give_back();
        return false;
    }
    if (bytes < old_bytes) bytes_quota_.give_back(old_bytes - bytes);
    const Ref<const Message> kept = is_new ? Ref<const Message>() : old->second;
    if (!is_new) messages_.erase(old);  // its key lies in the old message
    messages_.emplace(message->topic(), message);
    return true;
}

void RetainedMessages::sweep(std::size_t scan_max, TimeMs now) {
    auto at = messages_.upper_bound(swept_);
    for (; scan_max > 0 && at != messages_.end(); --scan_max) {
        const auto here = at++;
        swept_ = here->first;
        if (here->second->is_expired(now)) erase(here);
    }
    if (at == messages_.end()) swept_.clear();
}

void RetainedMessages::erase(Map::iterator at) {
    messages_quota_.give_back();
    bytes_quota_.give_back(at->second->size());
    const Ref<const Message> kept = at->second;  // the key must outlive its node
    messages_.erase(at);
}

RetainedMessages::Map::iterator RetainedMessages::first(std::string_view filter,
                                                        std::string_view after) {
    const std::string_view prefix = literal_prefix(filter);
    return after.empty() ? messages_.lower_bound(prefix) : messages_.upper_bound(after);
}

std::string_view RetainedMessages::literal_prefix(std::string_view filter) {
    const std::size_t wildcard = filter.find_first_of("+#");
    if (wildcard == filter.npos) return filter;
    const std::string_view prefix = filter.substr(0, wildcard);
    return filter[wildcard] == '#' && prefix.ends_with('/') ? prefix.substr(0, prefix.size() - 1)
                                                            : prefix;
}

}  // namespace starling
