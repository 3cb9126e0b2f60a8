// What a user writes after --method: a name with parameters, a score expression that is then evaluated, a head table.
#include "core/policy/expression.h"
#include "core/policy/head_table.h"
#include "core/policy/policy.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace kvatlas;

constexpr std::uint32_t kWindow = 4;
constexpr policy::Shape kShape{.layers = 1, .query_heads = 2, .kv_heads = 1, .tokens = 16};

policy::Setting settingOf(std::string_view method) {
  return policy::makeSetting(policy::parseMethod(method), kShape, policy::parseBudget("8"),
                             policy::Granularity::QueryHead, policy::Preset::Exact, kWindow);
}

// Every signal that the expression names is 1.5 everywhere.
void evaluateAnywhere(std::string_view expression) {
  SignalValues values;
  for (const Signal signal : policy::signalsOf(expression).members())
    values[signal].assign(
        valueCount(infoOf(signal), {.query_heads = 2, .kv_heads = 1, .tokens = kShape.tokens, .window = kWindow}),
        1.5F);
  static_cast<void>(policy::evaluate(expression, settingOf("snapkv"), LayerIndex(0), viewOf(values)));
}

}  // namespace

KVATLAS_FUZZ_TARGET {
  const std::string_view text = fuzz::textOf(data, size);
  fuzz::onlyErrors([&] { static_cast<void>(settingOf(text)); });
  fuzz::onlyErrors([&] { evaluateAnywhere(text); });
  fuzz::onlyErrors([&] {
    policy::Setting setting = settingOf("snapkv");
    setting.parameters["heads"] = fuzz::put("heads.json", text).string();
    static_cast<void>(policy::headTable(setting));
  });
  return 0;
}
