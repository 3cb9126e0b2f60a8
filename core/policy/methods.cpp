// The named methods, and compositions of their parts with others.
#include <algorithm>
#include <cctype>
#include <deque>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/policy/expression.h"
#include "core/policy/merging.h"
#include "core/policy/parameters.h"
#include "core/policy/parts.h"

namespace kvatlas::policy {
namespace {

template <class Part>
const Part& partNamed(std::span<const Part> parts, std::string_view name) {
  const auto found = std::ranges::find(parts, name, &Part::name);
  if (found == parts.end()) throw std::logic_error("a method names an unknown part");
  return *found;
}

struct Parts {
  const ScorePart& score;
  const ValuesPart& values;
  const AllocatePart& allocate;
  const SelectPart& select;
  const MergePart& merge;
  const StorePart& store;
  explicit Parts(const PartNames& names)
      : score(partNamed(scoreParts(), names.score)),
        values(partNamed(valuesParts(), names.values)),
        allocate(partNamed(allocateParts(), names.allocate)),
        select(partNamed(selectParts(), names.select)),
        merge(partNamed(mergeParts(), names.merge)),
        store(partNamed(storeParts(), names.store)) {}
  [[nodiscard]] bool readsScores() const { return select.reads_scores || allocate.reads_scores; }
};

void checkParts(const NamedMethod& named, const Parts& parts) {
  if (parts.select.reads_pages && parts.merge.rule != MergeRule::None)
    failUsage("method '{}': select={} evicts nothing that merge={} could merge", named.name, parts.select.name,
              parts.merge.name);
  if (parts.select.reads_pages && !parts.readsScores() && parts.values.weigh != nullptr)
    failUsage("method '{}': select={} reads no scores that values={} could multiply", named.name, parts.select.name,
              parts.values.name);
  if (parts.score.score != nullptr) return;
  if (parts.allocate.reads_scores)
    failUsage("method '{}': allocate={} spreads the budget by scores, and the method has none", named.name,
              parts.allocate.name);
  if (parts.select.reads_scores)
    failUsage("method '{}': select={} takes the best scores, and the method has none", named.name, parts.select.name);
  if (parts.values.weigh != nullptr)
    failUsage("method '{}': values={} multiplies scores, and the method has none", named.name, parts.values.name);
}

// A method and the parameters it owns.
struct Composed {
  Method method;
  std::vector<ParameterSpec> parameters;
};

void addParameters(std::vector<ParameterSpec>& to, std::span<const ParameterSpec> more, const NamedMethod& named) {
  for (ParameterSpec spec : more) {
    if (std::ranges::find(to, spec.name, &ParameterSpec::name) != to.end()) continue;
    for (const ParameterDefault& other : named.defaults) {
      if (other.parameter != spec.name) continue;
      spec.default_value = other.value;
      spec.paper_value = other.paper_value;
      if (!other.kvpress_value.empty()) spec.kvpress_value = other.kvpress_value;
    }
    to.push_back(spec);
  }
}

void compose(const NamedMethod& named, const PartNames& names, SignalSet of_score, Composed& into) {
  const Parts parts(names);
  checkParts(named, parts);
  const bool scored = parts.readsScores();
  if (scored) addParameters(into.parameters, parts.score.parameters, named);
  if (scored) addParameters(into.parameters, parts.values.parameters, named);
  addParameters(into.parameters, parts.allocate.parameters, named);
  addParameters(into.parameters, parts.select.parameters, named);
  addParameters(into.parameters, parts.merge.parameters, named);
  addParameters(into.parameters, parts.store.parameters, named);
  SignalSet needs = parts.allocate.needs;
  if (scored) needs |= of_score;
  if (scored) needs |= parts.values.needs;
  const bool plain = parts.values.weigh == nullptr && parts.select.reshape == nullptr;
  into.method = {.name = named.name,
                 .title = named.title,
                 .paper = named.paper,
                 .parts = names,
                 .needs = needs,
                 .parameters = into.parameters,
                 .score = scored ? parts.score.score : nullptr,
                 .score_name = plain ? parts.score.name : "",
                 .allocate = parts.allocate.allocate,
                 .select = parts.select.select,
                 .recent = parts.select.recent,
                 .weigh = scored ? parts.values.weigh : nullptr,
                 .finish = parts.score.finish,
                 .facts = parts.allocate.facts,
                 .reshape = parts.select.reshape,
                 .allocate_reads_scores = parts.allocate.reads_scores || parts.allocate.facts != nullptr,
                 .selects_by_rank = parts.select.by_rank,
                 .score_reads_budget = scored && (parts.values.reads_budget || parts.select.reads_budget),
                 .keeps_everything = named.keeps_everything,
                 .reads_pages = parts.select.reads_pages,
                 .merge = &parts.merge,
                 .store = &parts.store,
                 .check_allocation = parts.allocate.check,
                 .check_selection = parts.select.check,
                 .reason = parts.select.reason};
}

struct Table {
  std::deque<Composed> owned;
  std::vector<Method> methods;
  Table() {
    for (const NamedMethod& named : namedMethods()) {
      compose(named, named.parts, partNamed(scoreParts(), named.parts.score).needs, owned.emplace_back());
      methods.push_back(owned.back().method);
    }
  }
};

// Compositions that somebody asked for; there are as many as parts allow.
class Compositions {
 public:
  const Method& of(const NamedMethod& named, const PartNames& names, SignalSet of_score) {
    std::string key = quoted(of_score);
    for (const std::string_view part :
         {named.name, names.values, names.allocate, names.select, names.merge, names.store})
      key.append(part).append("|");
    const std::scoped_lock lock(m_mutex);
    if (const auto found = m_composed.find(key); found != m_composed.end()) return found->second->method;
    auto composed = std::make_unique<Composed>();
    compose(named, names, of_score, *composed);
    return m_composed.emplace(key, std::move(composed)).first->second->method;
  }

 private:
  std::mutex m_mutex;
  std::map<std::string, std::unique_ptr<Composed>> m_composed;
};

}  // namespace

std::span<const Method> methods() {
  static const Table table;
  return table.methods;
}

const Method& findMethod(std::string_view name) {
  std::vector<std::string> known;
  for (const Method& method : methods()) {
    if (method.name == name) return method;
    known.emplace_back(method.name);
  }
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  failUsage("unknown method '{}'{}", name, suggestion(lower, known));
}

namespace {

// Pages that are not chosen are given up: the same scores, evicted by.
void evictPages(const Method& method, const ParameterValues& given, PartNames& names) {
  const auto evict = given.find(kEvictParameter.name);
  if (names.select != "pages" || evict == given.end() || evict->second != "on") return;
  if (names.score != "page-bound")
    failUsage("method '{}': evict=on goes by the bounds of pages, which are the score of quest alone", method.name);
  names.select = "top";
  if (!given.contains("allocate")) names.allocate = "uniform";
}

}  // namespace

const Method& composeMethod(std::string_view name, const ParameterValues& given) {
  static Compositions compositions;
  const Method& method = findMethod(name);
  PartNames names = method.parts;
  const auto replace = [&](std::string_view part, std::string_view& by, auto rows) {
    const auto found = given.find(part);
    if (found == given.end()) return;
    checkParameter(method.name, *findParameter(method, part), found->second);
    by = partNamed(rows, found->second).name;
  };
  if (!method.keeps_everything) {
    replace("allocate", names.allocate, allocateParts());
    replace("select", names.select, selectParts());
    replace("values", names.values, valuesParts());
    replace("merge", names.merge, mergeParts());
    replace("store", names.store, storeParts());
    if (given.contains(kBitsName) && names.store == "plain") names.store = "kivi";
    evictPages(method, given, names);
  }
  const PartNames& own = method.parts;
  SignalSet of_score = partNamed(scoreParts(), own.score).needs;
  const SignalSet by_table = of_score;
  if (const auto text = given.find(kExpressionName); text != given.end() && own.score == "expression")
    of_score = signalsOf(text->second);
  if (names.allocate == own.allocate && names.select == own.select && names.values == own.values &&
      names.merge == own.merge && names.store == own.store && of_score == by_table)
    return method;
  return compositions.of(namedMethods()[static_cast<std::size_t>(&method - methods().data())], names, of_score);
}

}  // namespace kvatlas::policy
