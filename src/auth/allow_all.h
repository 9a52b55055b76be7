// An authorizer that says yes.
#pragma once

#include "broker/ports/authorizer.h"

namespace starling {

// Everybody may do everything. Owner: one core.
class AllowAll final : public Authorizer {
public:
    Verdict ask(const Question&) override { return {}; }
};

}  // namespace starling
