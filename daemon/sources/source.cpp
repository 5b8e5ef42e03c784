#include <millrace/sources/source.hpp>

namespace millrace::sources {

loop::awaitable<result<resumption>> source::resume(position) {
  co_return error{errc::unsupported, "this source has no position"};
}

}  // namespace millrace::sources
