// Which handlers a message goes to.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"

namespace starling {

// Handlers by topic filter. A message costs a look at each filter: right for the dozens that an
// application has. Owner: the client's core.
class ClientDispatch {
public:
    // In place of the filter's handler, if there is one. A "$share/name/filter" counts as its
    // filter.
    void set(std::string_view filter, MessageHandler handler);
    void remove(std::string_view filter);

    // Calls the handlers whose filter matches, in the order of their setting. They may set and
    // remove. Returns how many there were.
    std::size_t call(const IncomingMessage& message);

private:
    struct Route {
        std::string filter;  // empty once removed
        MessageHandler handler;
    };

    void sweep();

    // By pointer, so that a handler stays where it is while it runs.
    std::vector<std::unique_ptr<Route>> routes_;
    int calls_ = 0;  // one inside the other
};

}  // namespace starling
