#include "core/figures/figure_help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "core/base/error.h"

namespace kvatlas::figures {
namespace {

struct FieldText {
  SpecField field;
  const char* option;
  const char* text;
  bool names_kinds = false;       // prefix the help with the kinds that read it
  const char* readers = nullptr;  // its readers, where a phrase is shorter than the names
};

constexpr const char* kMethods = "figures of methods";
constexpr std::array<FieldText, 15> kFieldTexts{{
    {SpecField::Reduction, "--reduction", "mean or max over the pairs of a cell"},
    {SpecField::Scale, "--scale", "linear or log"},
    {SpecField::ColourMap, "--colour-map", "viridis, magma, cividis or grey"},
    {SpecField::Clip, "--clip", "probability at which the colours saturate"},
    {SpecField::Floor, "--floor", "lower end of a log scale (1e-5)"},
    {SpecField::Layers, "--layers", "layers to draw, 0,6,12", true},
    {SpecField::Layer, "--layer", "the layer", true},
    {SpecField::Head, "--head", "a query head, or mean", true},
    {SpecField::Entropy, "--entropy", "a track of the entropy of each query", true},
    {SpecField::Runs, "--runs", "runs to draw: snapkv, snapkv@128, a label or a number (all)", false, kMethods},
    {SpecField::Budget, "--budget", "budgets to draw: 128,20%", false, kMethods},
    {SpecField::Score, "--score", "a recorded score, word_overlap (the run's own)", true},
    {SpecField::By, "--by", "one panel per kind or length", true},
    {SpecField::Spans, "--no-spans", "hide the named spans", false, "figures of a trace"},
    {SpecField::Lowest, "--lowest", "lower end of the mass axis (0)", true},
}};

using Names = std::vector<std::string_view>;

const FieldText& textOf(SpecField field) {
  const auto* found =
      std::find_if(kFieldTexts.begin(), kFieldTexts.end(), [&](const FieldText& w) { return w.field == field; });
  if (found == kFieldTexts.end()) fail("figure option {} has no help text", static_cast<int>(field));
  return *found;
}

template <class Matches>
Names namesOf(const Matches& matches) {
  Names names;
  for (const FigureKind& kind : figureKinds())
    if (matches(kind)) names.push_back(kind.name);
  return names;
}

Names readersOf(SpecField field) {
  return namesOf([&](const FigureKind& kind) { return kind.reads(field); });
}

// "a", "a and b", "a, b and c"
std::string listed(const Names& names) {
  if (names.size() < 2) return fmt::format("{}", fmt::join(names, ""));
  return fmt::format("{} and {}", fmt::join(names.begin(), names.end() - 1, ", "), names.back());
}

// " (pattern: mean, heatmap: max)"; without the name if the help already contains it.
std::string defaultsOf(SpecField field, bool named) {
  std::vector<std::string> phrases;
  bool commas = false;
  for (const FigureKind& kind : figureKinds())
    for (const ReadField& read : kind.fields) {
      if (read.field != field || read.default_text.empty()) continue;
      commas = commas || read.default_text.find(',') != std::string_view::npos;
      phrases.push_back(named ? std::string(read.default_text) : fmt::format("{}: {}", kind.name, read.default_text));
    }
  return phrases.empty() ? "" : fmt::format(" ({})", fmt::join(phrases, commas ? "; " : ", "));
}

}  // namespace

std::span<const SpecField> specFields() {
  static const std::vector<SpecField> fields = [] {
    std::vector<SpecField> all;
    for (const FieldText& words : kFieldTexts) all.push_back(words.field);
    return all;
  }();
  return fields;
}

const char* optionOf(SpecField field) {
  return textOf(field).option;
}

std::string helpOf(SpecField field) {
  const FieldText& words = textOf(field);
  const Names readers = readersOf(field);
  const std::string prefix = words.names_kinds ? fmt::format("{}: ", fmt::join(readers, ", ")) : "";
  return prefix + words.text + defaultsOf(field, words.names_kinds && readers.size() == 1);
}

std::string sourceName(FigureSource source) {
  switch (source) {
    case FigureSource::Trace:
      return "trace file";
    case FigureSource::Results:
      return "folder of results";
    case FigureSource::TrainingLog:
      return "CSV training log";
    case FigureSource::HeadTable:
      return "table of heads";
  }
  fail("figure source {} is unknown", static_cast<int>(source));
}

std::string kindsHelp() {
  const auto of = [](FigureSource source) {
    return namesOf([&](const FigureKind& kind) { return kind.source == source; });
  };
  return fmt::format("of a trace: {}; of results: {}; of a log: {}; of a table: {}",
                     fmt::join(of(FigureSource::Trace), ", "), fmt::join(of(FigureSource::Results), ", "),
                     fmt::join(of(FigureSource::TrainingLog), ", "), fmt::join(of(FigureSource::HeadTable), ", "));
}

std::string filesHelp() {
  const Names several = namesOf([](const FigureKind& kind) { return kind.several; });
  return fmt::format("{} (several of one prompt for {}), {}, {}, or {}", sourceName(FigureSource::Trace),
                     listed(several), sourceName(FigureSource::Results), sourceName(FigureSource::TrainingLog),
                     sourceName(FigureSource::HeadTable));
}

void refuse(SpecField field, const FigureKind& kind) {
  const FieldText& words = textOf(field);
  failUsage("{} does not apply to a {} figure, only to {}", words.option, kind.name,
            words.readers != nullptr ? words.readers : listed(readersOf(field)));
}

}  // namespace kvatlas::figures
