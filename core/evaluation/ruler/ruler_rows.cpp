#include "core/evaluation/ruler/ruler_rows.h"

#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/evaluation/needle_task.h"
#include "core/evaluation/ruler/row_makers.h"
#include "core/evaluation/ruler/ruler_settings.h"

namespace kvatlas::evaluation {
namespace {

using Filling = NeedleRow::Filling;

template <NeedleRow kKind>
RulerText needles(const RulerMaterial& material, Random random, const RulerRow& row) {
  return makeNeedles(kKind, material, random, row.units);
}
RulerText chain(const RulerMaterial&, Random random, const RulerRow& row) {
  return makeChain(random, row.units);
}
RulerText frequentWords(const RulerMaterial&, Random random, const RulerRow& row) {
  return makeFrequentWords(random, row);
}
RulerText squad(const RulerMaterial& material, Random random, const RulerRow& row) {
  return makeDocuments(*material.squad, random, row);
}
RulerText hotpot(const RulerMaterial& material, Random random, const RulerRow& row) {
  return makeDocuments(*material.hotpot, random, row);
}

constexpr std::size_t kLeastFrequent = 120;  // below, the counts of the ranks asked for could be equal
constexpr std::size_t kHotpotDocuments = 10;

constexpr std::array kTasks{
    RulerTask{"niah_single_1", needles<NeedleRow{.filling = Filling::Noise}>},
    RulerTask{"niah_single_2", needles<NeedleRow{}>, 1, kHaystackSource},
    RulerTask{"niah_single_3", needles<NeedleRow{.uuid_values = true}>, 1, kHaystackSource},
    RulerTask{"niah_multikey_1", needles<NeedleRow{.keys = 4}>, 1, kHaystackSource},
    RulerTask{"niah_multikey_2", needles<NeedleRow{.filling = Filling::Needles}>},
    RulerTask{"niah_multikey_3",
              needles<NeedleRow{.filling = Filling::Needles, .uuid_keys = true, .uuid_values = true}>},
    RulerTask{"niah_multivalue", needles<NeedleRow{.values = 4}>, 1, kHaystackSource},
    RulerTask{"niah_multiquery", needles<NeedleRow{.keys = 4, .queries = 4}>, 1, kHaystackSource},
    RulerTask{"vt", chain},
    RulerTask{"cwe", makeCommonWords, 1, kHaystackSource},
    RulerTask{"fwe", frequentWords, kLeastFrequent},
    RulerTask{"qa_1", squad, 1, kSquadSource},
    RulerTask{"qa_2", hotpot, kHotpotDocuments, kHotpotSource}};

}  // namespace

const RulerTask& findRulerTask(std::string_view name) {
  const auto* const found = std::ranges::find(kTasks, name, &RulerTask::name);
  if (found != kTasks.end()) return *found;
  std::vector<std::string> names;
  for (const RulerTask& task : kTasks) names.emplace_back(task.name);
  failUsage("--tasks {}: unknown{}", name, suggestion(name, names));
}

std::size_t mostUnits(const RulerTask& task, const RulerMaterial& material) {
  if (task.name == "qa_1") return material.squad->documents.size();
  return task.name == "qa_2" ? material.hotpot->documents.size() : 0;
}

}  // namespace kvatlas::evaluation
