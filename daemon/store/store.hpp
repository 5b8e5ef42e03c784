#pragma once

#include <cstdint>
#include <functional>

#include "engine/change.hpp"

namespace millrace::store {

/// A batch of changes that share one commit; rises by one with each batch.
using batch_id = std::uint64_t;

/// The promise: changes in, told when safe, jobs back at start. Used on the loop.
class store {
 public:
  virtual ~store() = default;

  /// Takes the changes of one command (empties `changes`) and says with which batch they will be safe; 0: they are safe already.
  virtual batch_id keep(engine::change_set& changes) = 0;
  /// The last batch that is safe.
  [[nodiscard]] virtual batch_id safe_up_to() const = 0;
  /// `moved` is called on the loop each time `safe_up_to` has risen. One listener, set once, before the first change; a store where everything
  /// is safe at once has nothing to tell.
  virtual void when_safe(std::function<void()> moved) { static_cast<void>(moved); }
  /// False: nobody need collect changes for it.
  [[nodiscard]] virtual bool remembers() const = 0;
};

}  // namespace millrace::store
