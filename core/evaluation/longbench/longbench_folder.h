// LongBench's folder as published: data/*.jsonl, config/dataset2prompt.json and config/dataset2maxlen.json.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/evaluation/answer_key.h"
#include "core/evaluation/longbench/longbench_settings.h"
#include "core/evaluation/row_file.h"

namespace kvatlas::evaluation {

struct LongBenchSet {
  const metrics::Dataset* dataset = nullptr;
  std::string name;  // "qasper", of LongBench-E "qasper_e"
  std::string prompt_template;
  std::uint32_t new_tokens = 0;
  std::vector<Row> rows;
};

struct LongBenchFolder {
  std::string name, sha256;  // of the rows and templates used
  std::vector<LongBenchSet> sets;
  bool own_templates = false;        // the folder has no dataset2prompt.json: plain templates of KVAtlas
  std::vector<std::string> missing;  // sets of a group that the folder does not have
};

// Validates every row that the options use. Error names file, line and field.
[[nodiscard]] LongBenchFolder readLongBench(const std::filesystem::path& folder, const LongBenchOptions& options);

// The template with the row's fields, as Python's str.format fills them in. Error names the field.
[[nodiscard]] std::string filledTemplate(const std::string& prompt_template, const Row& row);
[[nodiscard]] AnswerKey keyOf(const LongBenchSet& set, const Row& row);
[[nodiscard]] const char* bucketOf(const Row& row);  // "0-4k", "4-8k", "8k+" by the field `length`

}  // namespace kvatlas::evaluation
