// Why a secured stream was not made, where an errno cannot say it.
#pragma once

#include <string>

namespace starling {

// Codes of a stream's Error beside those of errno, which are all smaller.
enum class Fault : int {
    UnknownAuthority = 10'000,  // of the server's certificate, and so the next four
    Expired,
    NotYetValid,
    OtherName,
    Untrusted,            // for any other reason
    CertificateRequired,  // of the client; and so the next
    CertificateRefused,
    ProtocolRefused,  // the server speaks no MQTT there
    VersionRefused,   // nor a version of the transport that we know
    HandshakeFailed,  // for any other reason
};

// What a stream's error code means: strerror() that knows faults too.
std::string error_text(int code);

}  // namespace starling
