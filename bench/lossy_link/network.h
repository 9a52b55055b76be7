// Networks of one's own, each with a device whose packets a program carries.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/descriptor.h"
#include "base/result.h"

namespace starling {

// A network namespace with nothing in it but a TUN device that is up. Both last as long as this
// object, or as somebody who has entered the network.
// Owner: the only thread of its process.
class Network {
public:
    // Moves the calling thread into a new network, whose device has `address` and reaches `peer`,
    // both in numbers. Needs the rights of an administrator, at least in a user namespace.
    static Result<std::unique_ptr<Network>> make(const std::string& address,
                                                 const std::string& peer);

    // Names the network for setns().
    int descriptor() const { return network_.number(); }

    // Becomes readable when the network has sent something.
    int device() const { return device_.number(); }

    // The next packet that the network has sent, in `room`; empty: there is none now.
    Bytes take(MutableBytes room);

    // Brings it one. What it has no room for is lost, as in a network.
    void bring(Bytes packet);

private:
    Network(int network, int device) : network_(network), device_(device) {}

    Descriptor network_;
    Descriptor device_;
};

}  // namespace starling
