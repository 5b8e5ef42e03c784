// A handler outside the tree that computes: the sum of the digits in the body. It may run on threads and in processes.
#include <cctype>
#include <memory>
#include <string>
#include <string_view>

#include <millrace/base/option.hpp>
#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace {

struct digits_options {
  std::string unit{"in all"};

  static const millrace::options_of<digits_options>& table() {
    static const auto options =
        millrace::options_of<digits_options>{}.text("unit", &digits_options::unit, "what follows the sum");
    return options;
  }
};

class sum : public millrace::offload::computation {
 public:
  explicit sum(millrace::body content) : content_{std::move(content)} {}

  /// One digit a step, to show steps.
  millrace::offload::progress step() override {
    const std::string_view text = content_.view();
    if (at_ < text.size() && std::isdigit(static_cast<unsigned char>(text[at_])) != 0) total_ += text[at_] - '0';
    return ++at_ < text.size() ? millrace::offload::progress::more : millrace::offload::progress::done;
  }
  millrace::result<std::string> take_result() override { return std::to_string(total_); }

 private:
  millrace::body content_;
  std::size_t at_{0};
  int total_{0};
};

class digits : public millrace::handlers::computing_handler {
 public:
  digits(const digits_options& options, const millrace::handlers::handler_context&) : unit_{options.unit} {}

  millrace::result<std::unique_ptr<millrace::offload::computation>> begin(
      const millrace::handlers::job& work) override {
    return std::unique_ptr<millrace::offload::computation>{std::make_unique<sum>(work.content)};
  }
  millrace::handlers::answer conclude(const millrace::handlers::job&,
                                      millrace::result<std::string>&& computed) override {
    return *computed + ' ' + unit_;
  }

 private:
  std::string unit_;
};

}  // namespace

void add_digits(millrace::handlers::registry& to) {
  to.add(millrace::handlers::kind_of<digits>("digits", "adds the digits of a number", digits_options::table()));
}
