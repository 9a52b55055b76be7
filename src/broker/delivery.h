// A message on its way to one session.
#pragma once

#include <cstdint>
#include <utility>
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

// How a message is to be delivered.
struct DeliveryTerms {
    Ref<const SubscriptionIds> ids;  // empty: none
    RemoteHandle group;              // of a share group's message, else empty
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
};

// One that is kept. What is sent at once and forgotten needs no reference to its message.
// Owner: the session it goes to.
struct Delivery : DeliveryTerms {
    Delivery() = default;
    Delivery(Ref<const Message> its_message, DeliveryTerms terms)
        : DeliveryTerms(std::move(terms)),
          message(std::move(its_message)) {}

    Ref<const Message> message;
};

// Thousands may wait for one client.
static_assert(sizeof(Delivery) <= 32);

}  // namespace starling
