// Runs `kvatlas` with a fault at a counted call. Must not use KVAtlas's code.
#pragma once

#include <string>
#include <vector>

#include "tests/app/programme.h"

namespace kvatlas::app_test {

// The number-th call of a kind fails; see shim.cpp for the kinds and actions.
struct Fault {
  std::string kind;
  long number = 1;
  std::string action;  // an errno value, "kill", "short" or "term"
};

// One call on a file: "sync /folder/a.part".
using Calls = Words;

// `path`: only calls on files whose name contains it.
[[nodiscard]] Ended runWith(const Fault& fault, const std::string& path, const Words& arguments);
// All calls on such files, in their order.
[[nodiscard]] Calls callsOf(const std::string& path, const Words& arguments, const std::string& log);
[[nodiscard]] long countOf(const Calls& calls, const std::string& kind);

// The numbers from 1 to `count` that a run of the tests tries: all of them with KVATLAS_FAULTS=all, else the first two,
// the last two and some between.
[[nodiscard]] std::vector<long> chosen(long count);

}  // namespace kvatlas::app_test
