// A descriptor of the system that is closed with its scope.
#pragma once

#include <unistd.h>

namespace starling {

// Owner: a function, or who must close it.
class Descriptor {
public:
    // Takes over `number`; below 0 it is none.
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }

    int number() const { return number_; }

private:
    int number_;
};

}  // namespace starling
