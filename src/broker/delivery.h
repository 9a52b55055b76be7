// A message on its way to one session.
#pragma once

#include <cstdint>
#include <vector>

#include "base/counted.h"
#include "base/handle.h"
#include "broker/message.h"

namespace starling {

// The subscription identifiers that a delivery carries, when there are any.
// Owner: any core (immutable).
struct SubscriptionIds : Counted<SubscriptionIds> {
    explicit SubscriptionIds(std::vector<std::uint32_t> list) : values(std::move(list)) {}
    std::vector<std::uint32_t> values;
};

// Owner: the session it goes to.
struct Delivery {
    Ref<const Message> message;
    Ref<const SubscriptionIds> ids;  // empty: none
    RemoteHandle group;              // of a share group's message, else empty
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
};

}  // namespace starling
