// make_sample_trace FILE: writes the default sample trace, for checks outside C++.
#include <cstdio>
#include <exception>

#include "tests/support/sample_trace.h"

int main(int count, char** arguments) {
  if (count != 2) return 2;
  try {
    kvatlas::test::writeSampleTrace(arguments[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
