// Who may do what: the authorizer refuses by these rules, and the model knows them.
#pragma once

#include <string>
#include <string_view>

#include "base/hash.h"

namespace starling {

// Owner: a value.
class Rules {
public:
    explicit Rules(bool refuses) : refuses_(refuses) {}

    bool refuses() const { return refuses_; }

    // Nobody of this name may come in.
    static constexpr std::string_view kIntruder = "intruder";

    // This client may do everything, so that a run can undo what others did.
    static constexpr std::string_view kKeeper = "client0";

    bool may_publish(std::string_view client_id, std::string_view topic) const {
        return allows(client_id, "publish", topic);
    }
    bool may_subscribe(std::string_view client_id, std::string_view filter) const {
        return allows(client_id, "subscribe", filter);
    }

private:
    bool allows(std::string_view client_id, const char* action, std::string_view name) const {
        if (!refuses_ || client_id == kKeeper) return true;
        return slot_of(std::string(client_id) + ' ' + action + ' ' + std::string(name)) % 8 != 0;
    }

    bool refuses_;
};

}  // namespace starling
