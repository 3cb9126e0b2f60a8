// The makers of RULER's rows by kind; the table in ruler_rows.cpp names them.
#pragma once

#include "core/evaluation/ruler/ruler_rows.h"

namespace kvatlas::evaluation {

struct NeedleRow {
  enum class Filling { Noise, Text, Needles };
  Filling filling = Filling::Text;
  bool uuid_keys = false, uuid_values = false;
  std::size_t keys = 1, values = 1, queries = 1;
};

[[nodiscard]] RulerText makeNeedles(const NeedleRow& kind, const RulerMaterial& material, Random random,
                                    std::size_t units);
[[nodiscard]] RulerText makeChain(Random random, std::size_t units);
[[nodiscard]] RulerText makeCommonWords(const RulerMaterial& material, Random random, const RulerRow& row);
[[nodiscard]] RulerText makeFrequentWords(Random random, const RulerRow& row);
[[nodiscard]] RulerText makeDocuments(const QuestionSet& set, Random random, const RulerRow& row);

}  // namespace kvatlas::evaluation
