// A folder for each test, with a sample trace in it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/sample_trace.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::test {

class TraceTest : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path file(const std::string& name = "a.kva.h5") const { return m_folder / name; }
  [[nodiscard]] std::filesystem::path part(const std::string& name = "a.kva.h5") const {
    return m_folder.path() / (name + ".part");
  }

  static std::string bytesOf(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void putBytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  ScratchFolder m_folder;
};

// Small enough to write hundreds of times.
inline SampleTraceOptions tinyOptions() {
  SampleTraceOptions options;
  options.tokens = 40;
  options.layers = 2;
  options.query_heads = 2;
  options.kv_heads = 1;
  options.head_dim = 8;
  options.vocab = 310;
  options.window = 4;
  options.map_size = 32;
  options.new_tokens = 2;
  options.budgets = {12};
  return options;
}

// The error's message; "" if there is none.
template <class Body>
std::string messageOf(const Body& body) {
  try {
    body();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace kvatlas::test
