// What a client keeps between its runs, so that the next connection resumes.
#pragma once

#include <string>

#include "base/result.h"
#include "transport/quic/connection.h"

namespace starling::quic {

// A session ticket, what it permits to say early, and an address token in a file of mode 0600.
// `binding` says which server they are of and whom was trusted when they were given: a session that
// resumes is not verified anew.

// The error says why nothing in the file is good: it is missing, of somebody else, damaged, or of
// another binding.
Result<QuicConnection::Souvenirs, std::string> read_ticket(const std::string& path,
                                                           const std::string& binding);

// Replaces the file at once or not at all.
Result<void, std::string> write_ticket(const std::string& path, const std::string& binding,
                                       const QuicConnection::Souvenirs& souvenirs);

}  // namespace starling::quic
