// The settings of jemalloc, which millraced is linked with. It is not part of builds with sanitizers, which bring their
// own allocator.
//
// The C library keeps the memory of a backlog after the last job of it is deleted: a body that lives keeps the heap
// below it. And it can only return memory under a lock that stops the loop meanwhile. jemalloc returns unused pages
// from a thread of its own (man 3 jemalloc, TUNING).
extern "C" {

/// Unused pages are returned within 3 s.
[[gnu::visibility("default")]] extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:3000,muzzy_decay_ms:0";

}  // extern "C"
