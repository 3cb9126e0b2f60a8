// How the decoder divides rows among the host's threads. ATen's own threads would meet at a barrier after every
// operation; here a thread takes a chunk of rows through many operations, and one that is late is not waited for.
#pragma once

#include <cstdint>
#include <functional>

namespace kvatlas::capture {

// While alive, libtorch's products and loops on this thread use `threads` threads; then as many as before.
class LibraryThreads {
 public:
  explicit LibraryThreads(int threads);
  ~LibraryThreads();
  LibraryThreads(const LibraryThreads&) = delete;
  LibraryThreads& operator=(const LibraryThreads&) = delete;

 private:
  int m_before;
};

// Rows per chunk for `count` rows of a prompt: depends on the count alone, so that results do not depend on the
// threads.
[[nodiscard]] std::int64_t hostRowChunk(std::int64_t count);

// body(begin, end) for consecutive chunks of [first, last), each on one thread, without autograd. `threads` 0: all
// processors. Rethrows the first exception.
void forRowChunks(std::int64_t first, std::int64_t last, std::int64_t chunk, unsigned threads,
                  const std::function<void(std::int64_t begin, std::int64_t end)>& body);

}  // namespace kvatlas::capture
