// Turns a user's request ("snapkv:kernel=5", "20%") into a complete, checked setting.
#include <algorithm>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/policy/expression.h"
#include "core/policy/merging.h"
#include "core/policy/parameters.h"
#include "core/policy/parts.h"

namespace kvatlas::policy {
namespace {

const ParameterSpec& requireParameter(const Method& method, std::string_view name) {
  if (const ParameterSpec* spec = findParameter(method, name)) return *spec;
  if (method.parameters.empty() && method.keeps_everything)
    failUsage("method '{}' takes no parameters, but '{}' was given", method.name, name);
  std::vector<std::string> known;
  for (const ParameterSpec& spec : method.parameters) known.emplace_back(spec.name);
  if (!method.keeps_everything) {
    for (const ParameterSpec& spec : commonParameters()) known.emplace_back(spec.name);
    known.emplace_back(kBitsName);
  }
  failUsage("method '{}' has no parameter '{}'{}", method.name, name, suggestion(name, known));
}

// One "key=value" of `text`, added to the request.
void addParameter(MethodRequest& request, std::string_view pair, std::string_view text) {
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos || equals == 0)
    failUsage("method '{}': '{}' is not of the form key=value", text, pair);
  const std::string_view name = pair.substr(0, equals), value = pair.substr(equals + 1);
  if (!request.given.emplace(name, value).second) failUsage("method '{}': parameter '{}' is given twice", text, name);
}

// Begins every complaint of a part with the method's name.
void checked(const Method& method, void (*check)(const Setting&), const Setting& setting) {
  if (check == nullptr) return;
  try {
    check(setting);
  } catch (const UsageError& error) {
    failUsage("method '{}': {}", method.name, error.what());
  }
}

void checkShape(const Shape& shape) {
  if (shape.layers == 0 || shape.kv_heads == 0 || shape.query_heads == 0 || shape.query_heads % shape.kv_heads != 0)
    fail("no model has {} layers with {} query heads over {} KV heads", shape.layers, shape.query_heads,
         shape.kv_heads);
  if (shape.tokens == 0) failUsage("the prompt is empty: there is nothing to keep");
}

// A budget in tokens must be above the window for any prompt; one in percent may also cover a whole short
// prompt.
void checkBudget(const Budget& budget, const Setting& setting) {
  if (setting.window == 0) failUsage("window 0: the window that is always kept must have at least 1 token");
  const std::uint64_t tokens = setting.shape.tokens;
  if (budget.full || setting.budget > setting.window) return;
  if (budget.percent < 0) failUsage("budget '{}': must be above the window of {} tokens", budget.text, setting.window);
  if (setting.budget < tokens)
    failUsage("budget '{}': {} of {} tokens, must be above the window of {}", budget.text, setting.budget, tokens,
              setting.window);
}

// What is stored in another form cannot take in other tokens.
void checkStore(const Method& method, const Setting& setting) {
  const std::uint32_t every = everyOf(setting.parameters);
  const bool plain = method.store->form == nullptr;
  if (every > 0 && method.merge->rule != MergeRule::None && !plain)
    failUsage("method '{}': merge={} with every={} needs store=plain, not store={}", method.name, method.merge->name,
              every, method.store->name);
}

// Deciding again needs signals that can be kept up; capacities stay those of the prompt.
void checkEvery(const Method& method, const Setting& setting) {
  const std::uint32_t every = everyOf(setting.parameters);
  if (every == 0) return;
  if (const std::string reason = everyObstacle(method); !reason.empty())
    failUsage("method '{}': every={} cannot be used, {}", method.name, every, reason);
  const SignalSet of_entries = commonOf(method.needs, kSignalsOfEntries);
  if (!of_entries.empty() && setting.granularity == Granularity::QueryHead)
    failUsage("method '{}': every={} needs --granularity kv-head, {} is measured again per KV head", method.name, every,
              quoted(of_entries));
}

}  // namespace

namespace {

// The next piece of a list, up to a comma that is in no bracket.
std::size_t endOfPiece(std::string_view text, std::size_t begin) {
  int depth = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (text[i] == ',' && depth <= 0) return i;
  }
  return text.size();
}

// "expr:window_sum * age": the first piece is the expression, unless it is named.
bool isExpression(const Method& method, std::string_view piece) {
  if (method.parts.score != "expression") return false;
  const std::size_t equals = piece.find('=');
  if (equals == std::string_view::npos) return !piece.empty();
  return findParameter(method, piece.substr(0, equals)) == nullptr;
}

}  // namespace

MethodRequest parseMethod(std::string_view text) {
  const std::size_t colon = text.find(':');
  MethodRequest request{.method = &findMethod(text.substr(0, colon)), .given = {}};
  if (colon == std::string_view::npos) return request;
  for (std::size_t begin = colon + 1; begin <= text.size();) {
    const std::size_t end = endOfPiece(text, begin);
    const std::string_view piece = text.substr(begin, end - begin);
    if (begin == colon + 1 && isExpression(*request.method, piece))
      request.given.emplace(kExpressionName, piece);
    else
      addParameter(request, piece, text);
    begin = end + 1;
  }
  request.method = &composeMethod(request.method->name, request.given);
  for (const auto& [name, value] : request.given)
    checkParameter(request.method->name, requireParameter(*request.method, name), value);
  return request;
}

Setting makeSetting(const MethodRequest& request, const Shape& shape, const Budget& budget, Granularity granularity,
                    Preset preset, std::uint32_t window) {
  checkShape(shape);
  Setting setting{.shape = shape,
                  .granularity = granularity,
                  .preset = preset,
                  .window = window,
                  .budget = budget.tokensFor(shape.tokens),
                  .parameters = request.given};
  const Method& method = *request.method;
  for (const ParameterSpec& spec : method.parameters) setting.parameters.emplace(spec.name, presetValue(spec, preset));
  setting.recent = method.recent == nullptr ? window : method.recent(setting);
  if (method.keeps_everything) {
    setting.budget = shape.tokens;
    return setting;
  }
  checkBudget(budget, setting);
  checkEvery(method, setting);
  checkStore(method, setting);
  if (setting.budget >= shape.tokens) return setting;
  checked(method, method.check_allocation, setting);
  checked(method, method.check_selection, setting);
  return setting;
}

}  // namespace kvatlas::policy
