#include "handlers/hash.hpp"

#include <openssl/evp.h>

#include <array>
#include <cassert>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/hex.hpp"

namespace millrace::handlers {

const options_of<hash_options>& hash_option_table() {
  static const options_of<hash_options> table;
  return table;
}

namespace {

struct free_context {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

/// Fetched once, since a lookup by name costs more than hashing a short body.
const EVP_MD* sha256() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

class hashing : public offload::computation {
 public:
  explicit hashing(body content) : content_{std::move(content)} {}

  offload::progress step() override {
    if (context_ == nullptr) start();
    const std::string_view slice = content_.view().substr(hashed_, hash::step_bytes);
    check(EVP_DigestUpdate(context_.get(), slice.data(), slice.size()));
    hashed_ += slice.size();
    if (hashed_ < content_.size()) return offload::progress::more;
    unsigned int bytes = 0;
    check(EVP_DigestFinal_ex(context_.get(), digest_.data(), &bytes));
    assert(bytes == digest_.size());
    return offload::progress::done;
  }

  result<std::string> take_result() override {
    std::string text;
    text.reserve(2 * digest_.size());
    for (const unsigned char byte : digest_) append_hex(text, byte);
    return text;
  }

 private:
  static void check(int succeeded) {
    if (succeeded != 1) throw std::runtime_error{"sha256 is not available in this OpenSSL"};
  }

  void start() {
    context_.reset(EVP_MD_CTX_new());
    if (context_ == nullptr) throw std::bad_alloc{};
    check(EVP_DigestInit_ex(context_.get(), sha256(), nullptr));
  }

  body content_;
  std::size_t hashed_{0};
  std::unique_ptr<EVP_MD_CTX, free_context> context_;
  std::array<unsigned char, 32> digest_{};
};

}  // namespace

result<std::unique_ptr<offload::computation>> hash::begin(const job& work) {
  return std::unique_ptr<offload::computation>{std::make_unique<hashing>(work.content)};
}

}  // namespace millrace::handlers
