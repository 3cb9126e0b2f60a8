// What the fuzz targets share. A target calls the code that reads a kind of file with any bytes; the only exception it
// may throw is Error. Crashes, sanitizer reports, other exceptions and hangs are findings.
#pragma once

#include <unistd.h>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace kvatlas::fuzz {

// A folder in memory, one per process: KVATLAS_FUZZ_FOLDER, or one of its own.
inline const std::filesystem::path& folder() {
  static const std::filesystem::path path = [] {
    const char* const given = std::getenv("KVATLAS_FUZZ_FOLDER");  // NOLINT(concurrency-mt-unsafe): nothing sets it
    const std::filesystem::path made = given != nullptr ? given : "/dev/shm/kvatlas-fuzz-" + std::to_string(::getpid());
    std::filesystem::create_directories(made);
    return made;
  }();
  return path;
}

inline std::filesystem::path put(const std::string& name, std::string_view bytes) {
  const std::filesystem::path path = folder() / name;
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return path;
}

inline std::string_view textOf(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

template <class Body>
void onlyErrors(const Body& body) {
  try {
    body();
  } catch (const Error&) {
    // Expected of damaged input.
  }
}

}  // namespace kvatlas::fuzz

#define KVATLAS_FUZZ_TARGET extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
KVATLAS_FUZZ_TARGET;
