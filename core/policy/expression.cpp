#include "core/policy/expression.h"

#include <muParser.h>

#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

// Of a token's place: its position, how many tokens follow it, the prompt's length, the layer and the head.
enum Place : std::size_t { kPosition, kAge, kTokens, kLayer, kHead, kPlaces };
constexpr std::array<const char*, kPlaces> kPlaceNames{"position", "age", "tokens", "layer", "head"};

constexpr std::size_t kLongest = 4096;

bool canName(const SignalInfo& info) {
  return info.extent != SignalExtent::WindowByToken && !info.onDemand();
}

void refuseAssignments(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') continue;
    const bool compares = (i > 0 && std::string_view("=<>!").find(text[i - 1]) != std::string_view::npos) ||
                          (i + 1 < text.size() && text[i + 1] == '=');
    if (!compares) failUsage("expression '{}': '=' at {} is an assignment; compare with ==", text, i + 1);
  }
}

[[noreturn]] void explain(std::string_view text, const mu::Parser::exception_type& error) {
  const std::string token = error.GetToken();
  if (error.GetCode() == mu::ecUNASSIGNABLE_TOKEN)
    failUsage("expression '{}': unknown name '{}'{}", text, token, suggestion(token, expressionNames()));
  failUsage("expression '{}': {}", text, error.GetMsg());
}

// Runs `body` and turns the parser's complaints into ours.
template <class Body>
auto parsed(std::string_view text, const Body& body) {
  if (text.size() > kLongest) failUsage("expression: longer than {} characters", kLongest);
  refuseAssignments(text);
  try {
    return body();
  } catch (const mu::Parser::exception_type& error) {
    explain(text, error);
  }
}

// The columns that names refer to while one head is evaluated.
struct Columns {
  PerSignal<std::vector<double>> signal;
  std::array<std::vector<double>, kPlaces> place;
};

void defineAll(mu::Parser& parser, Columns& columns) {
  for (const SignalInfo& info : signalTable())
    if (canName(info)) parser.DefineVar(std::string(info.name), columns.signal[info.signal].data());
  for (std::size_t i = 0; i < kPlaces; ++i) parser.DefineVar(kPlaceNames[i], columns.place[i].data());
}

SignalSet usedBy(const mu::Parser& parser) {
  SignalSet used;
  for (const auto& [name, value] : parser.GetUsedVar())
    if (const auto signal = findSignal(name)) used |= SignalSet{*signal};
  return used;
}

// One value each, so that names have somewhere to point before there is a prompt.
Columns single() {
  Columns columns;
  for (const SignalInfo& info : signalTable()) columns.signal[info.signal] = {1.0};
  for (std::vector<double>& column : columns.place) column = {1.0};
  return columns;
}

void setPlaces(const Setting& setting, LayerIndex layer, std::uint32_t head, std::uint32_t candidates,
               Columns& columns) {
  const double tokens = setting.tokensSoFar();
  columns.place[kPosition].clear();
  for (std::uint32_t j = 0; j < candidates; ++j) columns.place[kPosition].push_back(setting.positionOf(head, j));
  columns.place[kAge] = columns.place[kPosition];
  for (double& age : columns.place[kAge]) age = tokens - 1 - age;
  columns.place[kTokens].assign(candidates, tokens);
  columns.place[kLayer].assign(candidates, layer.value);
  columns.place[kHead].assign(candidates, head);
}

}  // namespace

std::vector<std::string> expressionNames() {
  std::vector<std::string> names;
  for (const SignalInfo& info : signalTable())
    if (canName(info)) names.emplace_back(info.name);
  names.insert(names.end(), kPlaceNames.begin(), kPlaceNames.end());
  return names;
}

SignalSet signalsOf(std::string_view expression) {
  return parsed(expression, [&] {
    Columns columns = single();
    mu::Parser parser;
    defineAll(parser, columns);
    parser.SetExpr(std::string(expression));
    static_cast<void>(parser.Eval());
    return usedBy(parser);
  });
}

LayerScores evaluate(std::string_view expression, const Setting& setting, LayerIndex layer,
                     const LayerSignals& signals) {
  LayerScores scores = emptyScores(setting);
  const SignalSet used = signalsOf(expression);
  if (scores.candidates == 0) return scores;
  PerSignal<LayerScores> rows;
  for (const Signal signal : used.members())
    rows[signal] = infoOf(signal).heads == SignalHeads::Query ? headScores(setting, layer, signals, signal)
                                                              : kvHeadScores(setting, signals, signal);
  Columns columns = single();
  std::vector<double> values(scores.candidates);
  for (std::uint32_t head = 0; head < scores.heads; ++head) {
    setPlaces(setting, layer, head, scores.candidates, columns);
    for (const Signal signal : used.members())
      columns.signal[signal].assign(rows[signal].head(head).begin(), rows[signal].head(head).end());
    parsed(expression, [&] {
      mu::Parser parser;
      defineAll(parser, columns);
      parser.SetExpr(std::string(expression));
      parser.Eval(values.data(), static_cast<int>(values.size()));
    });
    for (const double value : values) scores.values.push_back(static_cast<float>(value));
  }
  return scores;
}

}  // namespace kvatlas::policy
