#include "loop/error_tail.hpp"

#include <cstddef>
#include <string>

#include "support/catch.hpp"

using millrace::loop::error_tail;

TEST_CASE("the end of what a child writes to its standard error is kept as UTF-8 on one line", "[error_tail]") {
  constexpr std::size_t bytes_max = 20;
  error_tail errors{bytes_max};
  CHECK(errors.one_line().empty());
  errors.add("\n\n");
  CHECK(errors.one_line().empty());
  errors.add("one\ttab\n");
  errors.add("\xFF last\n\n");
  CHECK(errors.one_line() == "one tab | \xEF\xBF\xBD last");
  errors.add(std::string(3 * bytes_max, 'x') + "\n" + std::string(bytes_max - 1, 'y'));
  CHECK(errors.one_line() == std::string(bytes_max - 1, 'y'));
  errors.clear();
  CHECK(errors.one_line().empty());
}
