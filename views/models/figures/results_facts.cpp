#include "views/models/figures/results_facts.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/suggest.h"

namespace kvatlas::views {
namespace {

// A name in the settings, given as text or as an object with a name; "" if missing.
std::string nameIn(const nlohmann::json& values, const char* key) {
  const auto found = values.find(key);
  if (found == values.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  if (!found->is_object() || !found->contains("name") || !found->at("name").is_string()) return {};
  return found->at("name").get<std::string>();
}

std::string folderName(const std::filesystem::path& path) {
  std::error_code code;
  std::filesystem::path whole = std::filesystem::absolute(path, code).lexically_normal();
  if (code) whole = path.lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

}  // namespace

ResultsFacts resultsFacts(const results::ResultsReader& reader, const std::string& score_asked) {
  const results::Settings& settings = reader.settings();
  ResultsFacts facts;
  facts.folder = folderName(reader.folder());
  facts.model = nameIn(settings.values(), "model");
  facts.haystack = nameIn(settings.values(), "haystack");
  facts.score = score_asked.empty() ? nameIn(settings.values(), "score") : score_asked;
  facts.settings_sha256 = settings.sha256();
  facts.cases_done = reader.casesDone();
  facts.cases_planned = reader.casesPlanned();
  const results::Plan& plan = settings.plan();
  if (plan.has("trial")) facts.trials = static_cast<std::uint32_t>(plan.wholes("trial").size());
  if (plan.has("kind")) facts.kinds = plan.texts("kind");
  return facts;
}

std::vector<BranchName> chooseBranches(const results::ResultsReader& reader, const FigureSpec& spec) {
  if (reader.records().empty()) fail("{}: the results have no finished case", reader.folder().string());
  std::vector<BranchName> all;
  for (const results::Branch& branch : reader.settings().plan().branches)
    all.push_back({branch.method, branch.label, branch.budget, all.size(), branch.method == "full"});
  const std::string where = reader.folder().string();
  checkSelectors(all, spec.runs, where);
  checkBudgets(all, spec.budgets, where);
  std::erase_if(all, [&](const BranchName& branch) {
    const bool budget = spec.budgets.empty() ||
                        std::find(spec.budgets.begin(), spec.budgets.end(), branch.budget) != spec.budgets.end();
    return !branch.is_full && !(budget && selectsAny(spec.runs, branch));
  });
  if (all.size() == 1 && !(spec.runs.empty() && spec.budgets.empty()))
    failUsage("--runs and --budget together select no run of {}", where);
  return all;
}

std::string scoreTitle(const std::string& score) {
  std::string title = score.empty() ? "score" : score;
  std::replace(title.begin(), title.end(), '_', ' ');
  return title;
}

}  // namespace kvatlas::views
