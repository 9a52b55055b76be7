// The QUIC library, and what its versions call differently: 0.12.1 (Debian 12) and 1.11 (Debian
// 13).
#pragma once

#include <cstddef>
#include <cstdint>
#include <ngtcp2/ngtcp2.h>

namespace starling::quic {

#if NGTCP2_VERSION_NUM >= 0x010000

using Level = ngtcp2_encryption_level;
inline constexpr Level kInitialLevel = NGTCP2_ENCRYPTION_LEVEL_INITIAL;
inline constexpr Level kHandshakeLevel = NGTCP2_ENCRYPTION_LEVEL_HANDSHAKE;
inline constexpr Level kApplicationLevel = NGTCP2_ENCRYPTION_LEVEL_1RTT;
inline constexpr Level kEarlyLevel = NGTCP2_ENCRYPTION_LEVEL_0RTT;

using CloseError = ngtcp2_ccerr;
inline void set_library_error(CloseError& error, int code) {
    ngtcp2_ccerr_set_liberr(&error, code, nullptr, 0);
}
inline void set_alert_error(CloseError& error, std::uint8_t alert) {
    ngtcp2_ccerr_set_tls_alert(&error, alert, nullptr, 0);
}
inline void set_application_error(CloseError& error, std::uint64_t code) {
    ngtcp2_ccerr_set_application_error(&error, code, nullptr, 0);
}
inline CloseError received_close(ngtcp2_conn* connection) {
    return *ngtcp2_conn_get_ccerr(connection);
}
inline bool is_application_error(const CloseError& error) {
    return error.type == NGTCP2_CCERR_TYPE_APPLICATION;
}

inline void tls_completed(ngtcp2_conn* connection) {
    ngtcp2_conn_tls_handshake_completed(connection);
}
inline int decode_parameters(ngtcp2_conn* connection, const std::uint8_t* data, std::size_t size) {
    return ngtcp2_conn_decode_and_set_remote_transport_params(connection, data, size);
}
inline int shut_stream(ngtcp2_conn* connection, std::int64_t id, std::uint64_t code) {
    return ngtcp2_conn_shutdown_stream(connection, 0, id, code);
}
inline int shut_reading(ngtcp2_conn* connection, std::int64_t id, std::uint64_t code) {
    return ngtcp2_conn_shutdown_stream_read(connection, 0, id, code);
}
inline int shut_writing(ngtcp2_conn* connection, std::int64_t id, std::uint64_t code) {
    return ngtcp2_conn_shutdown_stream_write(connection, 0, id, code);
}
inline void set_token(ngtcp2_settings& settings, const std::uint8_t* data, std::size_t size,
                      bool is_retry) {
    settings.token = data;
    settings.tokenlen = size;
    settings.token_type = is_retry ? NGTCP2_TOKEN_TYPE_RETRY : NGTCP2_TOKEN_TYPE_NEW_TOKEN;
}
inline void set_original_id(ngtcp2_transport_params& parameters, const ngtcp2_cid& id) {
    parameters.original_dcid = id;
    parameters.original_dcid_present = 1;
}

#else

using Level = ngtcp2_crypto_level;
inline constexpr Level kInitialLevel = NGTCP2_CRYPTO_LEVEL_INITIAL;
inline constexpr Level kHandshakeLevel = NGTCP2_CRYPTO_LEVEL_HANDSHAKE;
inline constexpr Level kApplicationLevel = NGTCP2_CRYPTO_LEVEL_APPLICATION;
inline constexpr Level kEarlyLevel = NGTCP2_CRYPTO_LEVEL_EARLY;

using CloseError = ngtcp2_connection_close_error;
inline void set_library_error(CloseError& error, int code) {
    ngtcp2_connection_close_error_set_transport_error_liberr(&error, code, nullptr, 0);
}
inline void set_alert_error(CloseError& error, std::uint8_t alert) {
    ngtcp2_connection_close_error_set_transport_error_tls_alert(&error, alert, nullptr, 0);
}
inline void set_application_error(CloseError& error, std::uint64_t code) {
    ngtcp2_connection_close_error_set_application_error(&error, code, nullptr, 0);
}
inline CloseError received_close(ngtcp2_conn* connection) {
    CloseError error;
    ngtcp2_conn_get_connection_close_error(connection, &error);
    return error;
}
inline bool is_application_error(const CloseError& error) {
    return error.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION;
}

inline void tls_completed(ngtcp2_conn* connection) { ngtcp2_conn_handshake_completed(connection); }
inline int decode_parameters(ngtcp2_conn* connection, const std::uint8_t* data, std::size_t size) {
    return ngtcp2_conn_decode_remote_transport_params(connection, data, size);
}
inline int shut_stream(ngtcp2_conn* connection, std::int64_t id, std::uint64_t code) {
    return ngtcp2_conn_shutdown_stream(connection, id, code);
}
inline int shut_reading(ngtcp2_conn* connection, std::int64_t id, std::uint64_t code) {
    return ngtcp2_conn_shutdown_stream_read(connection, id, code);
}
inline int shut_writing(ngtcp2_conn* connection, std::int64_t id, std::uint64_t code) {
    return ngtcp2_conn_shutdown_stream_write(connection, id, code);
}
inline void set_token(ngtcp2_settings& settings, const std::uint8_t* data, std::size_t size, bool) {
    settings.token = {const_cast<std::uint8_t*>(data), size};
}
inline void set_original_id(ngtcp2_transport_params& parameters, const ngtcp2_cid& id) {
    parameters.original_dcid = id;
}

#endif

inline const std::uint8_t* raw(const std::byte* bytes) {
    return reinterpret_cast<const std::uint8_t*>(bytes);
}
inline std::uint8_t* raw(std::byte* bytes) { return reinterpret_cast<std::uint8_t*>(bytes); }

}  // namespace starling::quic
