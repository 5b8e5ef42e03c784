#include "network/tls_session.hpp"

#include <climits>
#include <new>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <boost/asio/ip/address.hpp>

namespace millrace::network {

void tls_session::deleter::operator()(SSL* session) const noexcept { SSL_free(session); }

tls_session::tls_session(const tls_context& context, const std::string& host)
    : session_{SSL_new(context.get())}, input_{BIO_new(BIO_s_mem())}, output_{BIO_new(BIO_s_mem())} {
  if (input_ == nullptr || output_ == nullptr || session_ == nullptr) {
    BIO_free(input_);
    BIO_free(output_);
    throw std::bad_alloc{};
  }
  SSL_set_bio(session_.get(), input_, output_);
  SSL_set_connect_state(session_.get());
  boost::system::error_code is_name;
  boost::asio::ip::make_address(host, is_name);
  bool is_set = false;
  if (is_name) {
    SSL_set_hostflags(session_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    std::string name = host;
    // What SSL_set_tlsext_host_name is, which casts the old way.
    is_set = SSL_set1_host(session_.get(), host.c_str()) == 1 &&
             SSL_ctrl(session_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
  } else {
    is_set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_.get()), host.c_str()) == 1;
  }
  if (!is_set) throw std::bad_alloc{};
}

result<tls_session::progress> tls_session::handshake() {
  ERR_clear_error();
  const int done = SSL_do_handshake(session_.get());
  if (done == 1) return progress::done;
  const int code = SSL_get_error(session_.get(), done);
  if (code == SSL_ERROR_WANT_READ) return progress::needs_input;
  return failure(code);
}

result<tls_session::read_result> tls_session::read(std::span<char> into) {
  ERR_clear_error();
  std::size_t bytes = 0;
  const int done = SSL_read_ex(session_.get(), into.data(), into.size(), &bytes);
  if (done == 1) return read_result{progress::done, bytes};
  const int code = SSL_get_error(session_.get(), done);
  if (code == SSL_ERROR_WANT_READ) return read_result{progress::needs_input, 0};
  if (code == SSL_ERROR_ZERO_RETURN) return read_result{progress::ended, 0};
  return failure(code);
}

result<> tls_session::write(std::string_view bytes) {
  ERR_clear_error();
  std::size_t written = 0;
  const int done = SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &written);
  // The output grows in memory, and OpenSSL writes all or nothing.
  if (done == 1) return {};
  return failure(SSL_get_error(session_.get(), done));
}

std::string tls_session::take_output() {
  std::string bytes(BIO_ctrl_pending(output_), '\0');
  std::size_t taken = 0;
  if (!bytes.empty()) BIO_read_ex(output_, bytes.data(), bytes.size(), &taken);
  bytes.resize(taken);
  return bytes;
}

void tls_session::put_input(std::string_view bytes) {
  std::size_t written = 0;
  if (BIO_write_ex(input_, bytes.data(), bytes.size(), &written) != 1) throw std::bad_alloc{};
}

void tls_session::end_input() { BIO_set_mem_eof_return(input_, 0); }

error tls_session::failure(int code) const {
  const auto verified = SSL_get_verify_result(session_.get());
  if (verified != X509_V_OK) {
    ERR_clear_error();
    return {errc::io, std::string{"the certificate is refused: "} + X509_verify_cert_error_string(verified)};
  }
  if (code == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    return {errc::io, "closed by the other side without the end of TLS"};
  }
  return {errc::io, "TLS: " + tls_failure()};
}

}  // namespace millrace::network
