#include "network/tls.hpp"

#include <array>
#include <new>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace millrace::network {

namespace {

error unusable(const std::string& file) { return {errc::io, file + ": " + tls_failure()}; }

}  // namespace

std::string tls_failure() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "unknown failure of TLS";
  if (const char* const reason = ERR_reason_error_string(code)) return reason;
  std::array<char, 160> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

void tls_context::deleter::operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }

result<tls_context> tls_context::make(const tls_options& options) {
  ERR_clear_error();
  tls_context made;
  made.context_.reset(SSL_CTX_new(TLS_client_method()));
  auto* const context = made.context_.get();
  if (context == nullptr) throw std::bad_alloc{};
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // Released when idle: a kept connection then takes some KiB instead of 40.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  if (options.ca_file) {
    if (SSL_CTX_load_verify_file(context, options.ca_file->c_str()) != 1) return unusable(*options.ca_file);
    made.has_authorities_ = true;
  }
  if (!options.certificate_file) {
    if (options.key_file) return invalid(*options.key_file + ": a key without a certificate");
    return made;
  }
  const auto& certificate = *options.certificate_file;
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) return unusable(certificate);
  const auto& key = options.key_file ? *options.key_file : certificate;
  // It also checks that the key belongs to the certificate.
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) return unusable(key);
  return made;
}

result<> tls_context::read_system_authorities() {
  if (has_authorities_) return {};
  ERR_clear_error();
  if (SSL_CTX_set_default_verify_paths(context_.get()) != 1) return unusable("the certificates of the system");
  has_authorities_ = true;
  return {};
}

}  // namespace millrace::network
