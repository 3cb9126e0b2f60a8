// trace_seed FOLDER: small traces to begin fuzzing with.
#include <filesystem>

#include "tests/support/sample_trace.h"

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::filesystem::path folder = arguments[1];
  kvatlas::test::SampleTraceOptions options{.tokens = 12, .layers = 1, .query_heads = 2, .kv_heads = 1};
  options.head_dim = 4;
  options.vocab = 310;
  options.window = 2;
  options.map_size = 8;
  options.new_tokens = 2;
  options.attended = 2;
  options.budgets = {4};
  kvatlas::test::writeSampleTrace(folder / "finished", options);
  options.finish = false;
  kvatlas::test::writeSampleTrace(folder / "killed", options);
  std::filesystem::rename(folder / "killed.part", folder / "killed");
  return 0;
}
