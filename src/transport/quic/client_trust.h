// Whom a client trusts, and who it is itself.
#pragma once

#include <string>

namespace starling::quic {

// As files of PEM, which its user names. Plain data.
struct ClientTrust {
    std::string authority_file;     // without this and the next: the authorities of the system
    std::string authority_folder;   // every file in it
    std::string known_certificate;  // PEM itself, of a server that is trusted beside the system's
    std::string certificate_file;   // shown to a server that asks; with its key
    std::string key_file;
    bool is_anybody_trusted = false;

    bool names_authorities() const { return !authority_file.empty() || !authority_folder.empty(); }

    // The same for the same trust and the same identity, whatever the files are called. One that
    // cannot be read counts as empty.
    std::string digest() const;
};

}  // namespace starling::quic
