#include "network/name_resolver.hpp"

#include <array>
#include <utility>

#include <netdb.h>
#include <millrace/loop/io_thread.hpp>

namespace millrace::network {

namespace asio = boost::asio;

namespace {

result<ip_addresses> parse_lines(const std::string& host, std::string_view lines) {
  ip_addresses all;
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() + 1);
    boost::system::error_code failure;
    const auto address = asio::ip::make_address(line, failure);
    if (!failure) all.push_back(address);
  }
  if (all.empty()) return error{errc::io, host + ": the name has no address"};
  return all;
}

}  // namespace

struct name_resolver::lookup {
  explicit lookup(loop::event_loop& loop) : thread{loop, "name lookup"} {}

  loop::io_thread thread;
};

/// The task whose lookup the others wait for. At its end, also by cancellation, the others are woken.
struct name_resolver::leader {
  leader(name_resolver& of, std::string name) : owner{of}, host{std::move(name)} { owner.in_progress_.insert(host); }
  ~leader() {
    owner.in_progress_.erase(host);
    owner.changed_.wake_all();
    running.thread.close();
    if (has_answer) return;
    running.thread.abandon_call();
    owner.abandoned_.push_back(std::move(made));
  }
  leader(const leader&) = delete;
  leader& operator=(const leader&) = delete;

  name_resolver& owner;
  std::string host;
  std::unique_ptr<lookup> made{std::make_unique<lookup>(owner.loop_)};
  lookup& running{*made};
  bool has_answer{false};
};

name_resolver::name_resolver(loop::event_loop& loop, lookup_function look_up)
    : loop_{loop}, look_up_{std::move(look_up)}, changed_{loop, "a name lookup"} {}

name_resolver::~name_resolver() = default;

loop::awaitable<result<ip_addresses>> name_resolver::resolve(std::string host) {
  boost::system::error_code is_name;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, is_name);
  if (!is_name) co_return ip_addresses{address};
  for (;;) {
    if (const auto found = known_.find(host); found != known_.end()) {
      if (loop_.now() < found->second.until) co_return found->second.answer;
      known_.erase(found);
    }
    forget_returned();
    if (!in_progress_.contains(host) && in_progress_.size() + abandoned_.size() < lookups_max) break;
    if (in_progress_.empty())
      co_return error{errc::io, host + ": the name is not looked up, because " + std::to_string(lookups_max) +
                                    " earlier lookups have not returned"};
    co_await changed_.wait();
  }
  leader task{*this, host};
  auto looking = task.running.thread.run([host, look_up = look_up_] { return look_up(host); });
  const auto lines = co_await std::move(looking);
  task.has_answer = true;
  auto answer = lines ? parse_lines(host, *lines) : result<ip_addresses>{lines.error()};
  keep(host, answer);
  co_return answer;
}

void name_resolver::keep(const std::string& host, const result<ip_addresses>& answer) {
  const auto now = loop_.now();
  if (known_.size() >= names_max) std::erase_if(known_, [now](const auto& each) { return each.second.until <= now; });
  if (known_.size() >= names_max) return;
  known_.insert_or_assign(host, known{answer, after(now, answer ? kept_for : failure_kept_for)});
}

void name_resolver::forget_returned() {
  std::erase_if(abandoned_, [](const auto& each) { return !each->thread.busy(); });
}

result<std::string> name_resolver::ask_system(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failure = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found); failure != 0)
    return error{errc::io, host + ": " + ::gai_strerror(failure)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned{found, &::freeaddrinfo};
  std::string lines;
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0)
      (lines += text.data()) += '\n';
  }
  return lines;
}

}  // namespace millrace::network
