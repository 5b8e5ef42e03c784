// A handler outside the tree: returns the body in capitals, with as many exclamation marks as the settings say.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>

#include <millrace/base/option.hpp>
#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace {

struct shout_options {
  std::uint32_t marks{1};

  static const millrace::options_of<shout_options>& table() {
    static const auto options = millrace::options_of<shout_options>{}.count(
        "marks", &shout_options::marks, {.least = 0, .most = 10}, "how many exclamation marks follow");
    return options;
  }
};

class shout : public millrace::handlers::quick_handler {
 public:
  shout(const shout_options& options, const millrace::handlers::handler_context&) : marks_(options.marks, '!') {}

  millrace::handlers::answer handle(const millrace::handlers::job& work) override {
    if (work.content.size() == 0) return millrace::invalid("nothing to shout");
    std::string text{work.content.view()};
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text + marks_;
  }

 private:
  std::string marks_;
};

}  // namespace

/// The program calls this before it reads its settings. Then `handler: shout` is a valid setting.
void add_shout(millrace::handlers::registry& to) {
  to.add(millrace::handlers::kind_of<shout>("shout", "answers in capitals", shout_options::table()));
}
