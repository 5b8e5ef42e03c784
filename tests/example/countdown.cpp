// A source outside the tree: counts down and ends.
#include <cstdint>
#include <memory>
#include <string>

#include <millrace/base/option.hpp>
#include <millrace/sources/registry.hpp>
#include <millrace/sources/source.hpp>

namespace {

struct countdown_options {
  std::uint32_t from{3};

  static const millrace::options_of<countdown_options>& table() {
    static const auto options = millrace::options_of<countdown_options>{}.count(
        "from", &countdown_options::from, {.least = 1, .most = {}}, "the first number; the last is 1");
    return options;
  }
};

class countdown : public millrace::sources::source {
 public:
  countdown(const countdown_options& options, const millrace::sources::source_context&) : left_{options.from} {}

  millrace::sources::next_body next(millrace::instant) override {
    if (left_ == 0) return millrace::sources::no_more{};
    return millrace::body{std::to_string(left_--)};
  }

  millrace::loop::awaitable<> more() override { co_return; }  // never has nothing yet

  [[nodiscard]] bool endless() const override { return false; }

 private:
  std::uint32_t left_;
};

}  // namespace

/// The program calls this before it reads its settings. Then `kind: countdown` is a valid setting.
void add_countdown(millrace::sources::registry& to) {
  to.add({"countdown", "counts down to one", &countdown_options::table(),
          [](const void* options, const millrace::sources::source_context& context)
              -> millrace::result<std::unique_ptr<millrace::sources::source>> {
            return std::make_unique<countdown>(*static_cast<const countdown_options*>(options), context);
          }});
}
