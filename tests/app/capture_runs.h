// Captures through the programme: `good` succeeds and leaves a valid trace.
#pragma once

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/app/programme.h"
#include "tests/app/trace_contents.h"

namespace kvatlas::app_test {

inline constexpr const char* kText =
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a "
    "wife.\n"
    "The secret number of Emma is 48213.\nHowever little known the feelings or views of such a man may be on his first "
    "entering a "
    "neighbourhood, this truth is so well fixed in the minds of the surrounding families.\nQuestion: The secret number "
    "of Emma is";

// The dimensions at the front of a member's content: "class 1 size 4 [6 120 ]".
inline std::vector<std::uint64_t> dimsOf(const Contents& contents, const std::string& member) {
  const auto found = contents.find(member);
  if (found == contents.end()) return {};
  const auto open = found->second.find('[');
  std::istringstream text(found->second.substr(open + 1, found->second.find(']') - open - 1));
  std::vector<std::uint64_t> dims;
  for (std::uint64_t dim = 0; text >> dim;) dims.push_back(dim);
  return dims;
}

// The elements after that prefix.
template <class T>
std::vector<T> valuesOf(const Contents& contents, const std::string& member) {
  const auto found = contents.find(member);
  if (found == contents.end()) return {};
  const std::string bytes = found->second.substr(found->second.find(']') + 2);
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

inline std::string textOf(const Contents& contents, const std::string& member) {
  const auto bytes = valuesOf<char>(contents, member);
  return {bytes.begin(), std::ranges::find(bytes, '\0')};
}

class CaptureTest : public ProgrammeTest {
 protected:
  // A capture that succeeds and whose trace passes `kvatlas validate`.
  Ended good(const Words& arguments, const std::string& name = "out.kva.h5") const {
    Words words{"capture", "--model", bundledModel().string(), "--force", "-o", path(name)};
    words.insert(words.end(), arguments.begin(), arguments.end());
    Ended ended = run(words);
    expectDone(ended);
    expectDone(run({"validate", path(name)}));
    return ended;
  }
  Contents contents(const std::string& name = "out.kva.h5") const { return contentsOf(path(name)); }
  nlohmann::json info() const {
    const Ended ended = run({"info", trace(), "--json"});
    expectDone(ended);
    return nlohmann::json::parse(ended.out, nullptr, false);
  }
};

}  // namespace kvatlas::app_test
