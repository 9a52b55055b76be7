#include "transport/fault.h"

#include <cstring>

namespace starling {

std::string error_text(int code) {
    switch (static_cast<Fault>(code)) {
        case Fault::UnknownAuthority: return "the server's certificate is of an unknown authority";
        case Fault::Expired: return "the server's certificate has expired";
        case Fault::NotYetValid: return "the server's certificate is not valid yet";
        case Fault::OtherName: return "the server's certificate is for another name";
        case Fault::Untrusted: return "the server's certificate cannot be trusted";
        case Fault::CertificateRequired: return "the server wants a certificate of the client";
        case Fault::CertificateRefused: return "the server refuses the client's certificate";
        case Fault::ProtocolRefused: return "the server speaks no MQTT there";
        case Fault::VersionRefused: return "the server speaks no version of QUIC known here";
        case Fault::HandshakeFailed: return "the TLS handshake failed";
    }
    return std::strerror(code);
}

}  // namespace starling
