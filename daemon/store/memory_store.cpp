#include "store/memory_store.hpp"

namespace millrace::store {

batch_id memory_store::append(engine::change_set& changes) {
  changes.clear();
  return 0;
}

}  // namespace millrace::store
