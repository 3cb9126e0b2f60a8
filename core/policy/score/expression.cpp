// An expression that the user writes.
#include "core/policy/expression.h"

#include "core/policy/parameters.h"
#include "core/policy/rows.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {{.name = kExpressionName,
                                          .values = "an expression",
                                          .default_value = "received",
                                          .paper_value = "received",
                                          .meaning = "over signals, position, age, tokens, layer and head",
                                          .kind = ParameterKind::Text},
                                         kGroupParameter};

LayerScores score(const Setting& setting, LayerIndex layer, const LayerSignals& signals) {
  return evaluate(textParameter(setting, kExpressionName), setting, layer, signals);
}

}  // namespace

// `needs` follows from the expression: composeMethod() adds it.
ScorePart expressionScore() {
  return {.name = "expression",
          .meaning = "an expression of the user",
          .needs = {Signal::Received},
          .parameters = kParameters,
          .score = score};
}

}  // namespace kvatlas::policy
