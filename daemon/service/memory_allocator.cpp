// The settings of jemalloc, which millraced is linked with. Builds with sanitizers do not have it, since sanitizers
// replace the allocator.
//
// With the allocator of the C library, the memory of a backlog is not returned after its last job is deleted: a body
// that is still in use keeps the heap below it. And returning memory takes a lock that blocks the loop. jemalloc
// returns unused pages on a thread of its own (man 3 jemalloc, TUNING).
extern "C" {

/// Unused pages are returned within 3 s.
[[gnu::visibility("default")]] extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:3000,muzzy_decay_ms:0";

}  // extern "C"
