// A folder of results: settings.json, a zero byte, results.jsonl.
#include <algorithm>

#include "core/results/reader.h"
#include "core/results/tables.h"
#include "tests/fuzz/fuzz.h"

KVATLAS_FUZZ_TARGET {
  using namespace kvatlas;
  const std::string_view all = fuzz::textOf(data, size);
  const std::size_t cut = std::min(all.find('\0'), all.size());
  fuzz::put("settings.json", all.substr(0, cut));
  fuzz::put("results.jsonl", all.substr(std::min(cut + 1, all.size())));
  fuzz::onlyErrors([] {
    const results::ResultsReader reader(fuzz::folder());
    static_cast<void>(results::accuracyOf(reader.settings().plan(), reader.records(), {}));
  });
  return 0;
}
