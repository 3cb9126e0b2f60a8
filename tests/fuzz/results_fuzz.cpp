// A folder of results: settings.json, a zero byte, results.jsonl; and the tables made from them.
#include <algorithm>

#include "core/base/json_field.h"
#include "core/results/comparison.h"
#include "core/results/reader.h"
#include "core/results/tables.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace kvatlas;

void readFolder() {
  const results::ResultsReader reader(fuzz::folder());
  const results::Plan& plan = reader.settings().plan();
  static_cast<void>(results::accuracyOf(plan, reader.records()));
  static_cast<void>(results::compare(plan, reader.records()));
  if (plan.facets.size() > 1)
    static_cast<void>(results::gridsOf(plan, reader.records(), {plan.facets[0].name, plan.facets[1].name}));
}

// The same settings under the hash that belongs to them: without it, every change of them ends at the hash.
void sign(std::string_view file) {
  const nlohmann::json parsed = parseJson(file, "settings.json");
  if (!parsed.is_object() || !parsed.contains("settings")) fail("no settings");
  fuzz::put("settings.json", results::Settings(parsed.at("settings")).print());
}

}  // namespace

KVATLAS_FUZZ_TARGET {
  const std::string_view all = fuzz::textOf(data, size);
  const std::size_t cut = std::min(all.find('\0'), all.size());
  fuzz::put("settings.json", all.substr(0, cut));
  fuzz::put("results.jsonl", all.substr(std::min(cut + 1, all.size())));
  fuzz::onlyErrors([] { readFolder(); });
  fuzz::onlyErrors([&] {
    sign(all.substr(0, cut));
    readFolder();
  });
  return 0;
}
