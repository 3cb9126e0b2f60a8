#include "tests/faults/fault_run.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

namespace kvatlas::app_test {

Ended runWith(const Fault& fault, const std::string& path, const Words& arguments) {
  return run(arguments,
             {.environment = {"LD_PRELOAD=" KVATLAS_PRELOAD,
                              "KVATLAS_FAULT=" + fault.kind + ":" + std::to_string(fault.number) + ":" + fault.action,
                              "KVATLAS_FAULT_PATH=" + path}});
}

Calls callsOf(const std::string& path, const Words& arguments, const std::string& log) {
  std::filesystem::remove(log);
  const Ended ended =
      run(arguments,
          {.environment = {"LD_PRELOAD=" KVATLAS_PRELOAD, "KVATLAS_FAULT_LOG=" + log, "KVATLAS_FAULT_PATH=" + path}});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  Calls calls;
  std::ifstream lines(log);
  for (std::string line; std::getline(lines, line);) calls.push_back(line);
  std::filesystem::remove(log);
  return calls;
}

long countOf(const Calls& calls, const std::string& kind) {
  return std::ranges::count_if(calls, [&](const std::string& call) { return call.starts_with(kind + " "); });
}

std::vector<long> chosen(long count) {
  std::set<long> numbers;
  const char* const wanted = std::getenv("KVATLAS_FAULTS");
  const bool all = wanted != nullptr && std::string(wanted) == "all";
  for (long number = 1; number <= count; ++number)
    if (all || number <= 2 || number > count - 2 || number % (count / 3 + 1) == 0) numbers.insert(number);
  return {numbers.begin(), numbers.end()};
}

}  // namespace kvatlas::app_test
