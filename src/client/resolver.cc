#include "client/resolver.h"

#include <array>
#include <netdb.h>
#include <utility>

#include "transport/socket.h"

namespace starling {
namespace {

std::string numeric(const addrinfo& one) {
    std::array<char, NI_MAXHOST> text{};
    ::getnameinfo(one.ai_addr, one.ai_addrlen, text.data(), text.size(), nullptr, 0,
                  NI_NUMERICHOST);
    return text.data();
}

}  // namespace

bool is_numeric_address(const std::string& host) {
    return SocketAddress::parse(host, 0).has_value();
}

bool Resolver::resolve(const std::string& host, Done done) {
    const Handle handle = queries_.emplace(Query{.host = host, .addresses = {}});
    Query& query = *queries_.find(handle);
    const bool is_taken = pool_.submit(
        completions_, [&query] { query.work(); },
        [this, handle, &query, done = std::move(done)] {
            Addresses answer = query.answer();
            queries_.erase(handle);
            done(std::move(answer));
        });
    if (!is_taken) queries_.erase(handle);
    return is_taken;
}

void Resolver::Query::work() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (error != 0) return;
    for (const addrinfo* one = found; one; one = one->ai_next) addresses.push_back(numeric(*one));
    ::freeaddrinfo(found);
}

Resolver::Addresses Resolver::Query::answer() {
    if (error != 0) return Error{error, "getaddrinfo"};
    return std::move(addresses);
}

}  // namespace starling
