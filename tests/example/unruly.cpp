// Handlers and a source that end in every way that the public headers allow. The body of the job (or the option `how`)
// names the way: an error code, `bad_alloc`, `aborted` or `number`; any other text succeeds.
#include <array>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <millrace/base/option.hpp>
#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/sources/registry.hpp>
#include <millrace/sources/source.hpp>

namespace {

using millrace::errc;

constexpr std::array<std::pair<std::string_view, errc>, 8> codes{{{"invalid", errc::invalid},
                                                                  {"out_of_range", errc::out_of_range},
                                                                  {"not_found", errc::not_found},
                                                                  {"refused", errc::refused},
                                                                  {"cancelled", errc::cancelled},
                                                                  {"timed_out", errc::timed_out},
                                                                  {"io", errc::io},
                                                                  {"unsupported", errc::unsupported}}};

/// Throws if `behavior` names an exception; otherwise returns the error with that code, or none.
std::optional<millrace::error> misbehave(std::string_view behavior) {
  if (behavior == "bad_alloc") throw std::bad_alloc{};
  if (behavior == "aborted") throw boost::system::system_error{boost::asio::error::operation_aborted};
  if (behavior == "number") throw 7;
  for (const auto& [name, code] : codes) {
    if (behavior == name) return millrace::error{code, "fails on purpose"};
  }
  return std::nullopt;
}

/// The rest of `behavior` if it begins with `phase`, else nothing.
std::string_view in_phase(std::string_view behavior, std::string_view phase) {
  return behavior.starts_with(phase) ? behavior.substr(phase.size()) : std::string_view{};
}

struct unruly_options {
  std::string behavior;

  static const millrace::options_of<unruly_options>& table() {
    static const auto options =
        millrace::options_of<unruly_options>{}.text("how", &unruly_options::behavior, "how the source behaves");
    return options;
  }
};

class unruly_quick : public millrace::handlers::quick_handler {
 public:
  unruly_quick(const unruly_options&, const millrace::handlers::handler_context&) {}

  millrace::handlers::answer handle(const millrace::handlers::job& work) override {
    if (auto failure = misbehave(work.content.view())) return std::move(*failure);
    return std::nullopt;
  }
};

/// `early:` misbehaves before there is a coroutine, `late:` after an await.
class unruly_waiting : public millrace::handlers::waiting_handler {
 public:
  unruly_waiting(const unruly_options&, const millrace::handlers::handler_context& context) : loop_{context.loop} {}

  millrace::loop::awaitable<millrace::handlers::answer> handle(millrace::handlers::job work) override {
    auto early = misbehave(in_phase(work.content.view(), "early:"));
    return answer(std::move(work), std::move(early));
  }

 private:
  millrace::loop::awaitable<millrace::handlers::answer> answer(millrace::handlers::job work,
                                                               std::optional<millrace::error> early) {
    if (early) co_return std::move(*early);
    co_await millrace::loop::yield(loop_);
    if (auto failure = misbehave(in_phase(work.content.view(), "late:"))) co_return std::move(*failure);
    co_return std::nullopt;
  }

  millrace::loop::event_loop& loop_;
};

class unruly_computation : public millrace::offload::computation {
 public:
  explicit unruly_computation(millrace::body content) : content_{std::move(content)} {}

  millrace::offload::progress step() override {
    if (++steps_ == 1) return millrace::offload::progress::more;
    misbehave(in_phase(content_.view(), "step:"));
    return millrace::offload::progress::done;
  }
  millrace::result<std::string> take_result() override {
    if (auto failure = misbehave(in_phase(content_.view(), "result:"))) return std::move(*failure);
    return std::string{"computed"};
  }

 private:
  millrace::body content_;
  int steps_{0};
};

/// `begin:`, `step:` and `result:` name the function that misbehaves; `nothing` begins no computation.
class unruly_computing : public millrace::handlers::computing_handler {
 public:
  unruly_computing(const unruly_options&, const millrace::handlers::handler_context&) {}

  millrace::result<std::unique_ptr<millrace::offload::computation>> begin(
      const millrace::handlers::job& work) override {
    if (auto failure = misbehave(in_phase(work.content.view(), "begin:"))) return std::move(*failure);
    if (work.content.view() == "nothing") return std::unique_ptr<millrace::offload::computation>{};
    return std::unique_ptr<millrace::offload::computation>{std::make_unique<unruly_computation>(work.content)};
  }
};

/// Returns one body. Then `next:` misbehaves in `next`, and `more:` in `more`, which is called after `nothing_yet`.
class unruly_source : public millrace::sources::source {
 public:
  unruly_source(std::string behavior, millrace::loop::event_loop& loop) : behavior_{std::move(behavior)}, loop_{loop} {}

  millrace::sources::next_body next(millrace::instant) override {
    switch (asked_++) {
      case 0:
        return millrace::body{"good"};
      case 1:
        if (auto failure = misbehave(in_phase(behavior_, "next:"))) return std::move(*failure);
        return millrace::sources::nothing_yet{};
      default:
        return millrace::sources::no_more{};
    }
  }
  millrace::loop::awaitable<> more() override {
    co_await millrace::loop::yield(loop_);
    misbehave(in_phase(behavior_, "more:"));
  }
  [[nodiscard]] bool endless() const override { return false; }

 private:
  std::string behavior_;
  millrace::loop::event_loop& loop_;
  int asked_{0};
};

}  // namespace

void add_unruly(millrace::handlers::registry& to) {
  using millrace::handlers::kind_of;
  to.add(kind_of<unruly_quick>("unruly_quick", "does as the body says", unruly_options::table()));
  to.add(kind_of<unruly_waiting>("unruly_waiting", "does as the body says", unruly_options::table()));
  to.add(kind_of<unruly_computing>("unruly_computing", "does as the body says", unruly_options::table()));
}

void add_unruly(millrace::sources::registry& to) {
  to.add({"unruly", "does as `how` says", &unruly_options::table(),
          [](const void* options, const millrace::sources::source_context& context)
              -> millrace::result<std::unique_ptr<millrace::sources::source>> {
            return std::make_unique<unruly_source>(static_cast<const unruly_options*>(options)->behavior, context.loop);
          }});
}
