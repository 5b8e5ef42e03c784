#pragma once

#include <memory>
#include <optional>
#include <string>

#include <openssl/types.h>
#include <millrace/base/result.hpp>

namespace millrace::network {

/// Files in PEM.
struct tls_options {
  std::optional<std::string> ca_file;           ///< certificates that are trusted, instead of those of the system
  std::optional<std::string> certificate_file;  ///< of this client, with the chain behind it
  std::optional<std::string> key_file;          ///< of this client's certificate; it may be in the same file
};

/// What all TLS connections of one client have in common: TLS 1.2 or newer, and the certificate of the peer must be
/// valid: signed by an authority that is trusted, in time, and for the host. There is no way to turn that off.
///
/// Owned by its client, shared by its connections.
class tls_context {
 public:
  /// Reads the files. An error names the file and the reason.
  [[nodiscard]] static result<tls_context> make(const tls_options& options);

  /// Reads the certificates of the system's authorities, unless `ca_file` names others or it was done before. They take
  /// 25 ms and 5 MB, so that a client without TLS leaves them out. Requires: it was done before the first connection.
  [[nodiscard]] result<> read_system_authorities();

  [[nodiscard]] SSL_CTX* get() const noexcept { return context_.get(); }

 private:
  struct deleter {
    void operator()(SSL_CTX* context) const noexcept;
  };
  std::unique_ptr<SSL_CTX, deleter> context_;
  bool has_authorities_{false};
};

/// The reason of the last failure of OpenSSL on this thread, for users. Clears it.
[[nodiscard]] std::string tls_failure();

}  // namespace millrace::network
