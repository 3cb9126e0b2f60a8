// A small needle run with invented answers, for tests.
#pragma once

#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/results/reader.h"
#include "core/results/writer.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::results::test {

namespace fs = std::filesystem;
using kvatlas::test::ScratchFolder;

inline nlohmann::json sampleValues() {
  return {{"model", {{"name", "tiny"}, {"weights_fingerprint", "ab12"}}},
          {"lengths", {128, 256}},
          {"depths", {0, 37.5, 100}},
          {"kinds", {"number", "words"}},
          {"trials", 2},
          {"branches",
           {{{"method", "full"}, {"label", "full"}, {"budget", "full"}},
            {{"method", "snapkv"}, {"label", "snapkv"}, {"budget", "32"}},
            {{"method", "h2o"}, {"label", "h2o"}, {"budget", "20%"}}}},
          {"seed", 0},
          {"score", "substring"}};
}

// Scores and times depend on the case alone, so that two runs of the same cases write the same file.
inline std::vector<Record> recordsOf(const Settings& settings, const Case& one, double seconds = 0.25) {
  std::vector<Record> records;
  for (const Branch& branch : settings.plan().branches) {
    Record record;
    record.case_id = one.id;
    record.prompt_sha256 = "0123abcd";
    record.facets = one.facets;
    record.tokens = one.facets.whole("length") - 1;
    record.method = branch.method;
    record.label = branch.label;
    record.budget = branch.budget;
    record.kept = branch.method == "full" ? static_cast<double>(record.tokens) : 32;
    record.budget_nominal = record.kept;
    record.details["cache_bytes"] = std::uint64_t{1000} * static_cast<std::uint64_t>(record.kept);
    record.question = "What is the secret number of Emma?";
    record.expected = "48213";
    record.answer = branch.method == "h2o" ? "I don't know\n\"née\"" : " 48213.";
    record.score = branch.method == "full" ? 1 : branch.method == "h2o" ? 0 : one.facets.number("depth") / 100;
    record.scores = {{"exact", 0}, {"substring", record.score}, {"word_overlap", 0.1}, {"rouge1_f", 1.0 / 3}};
    record.prefill_seconds = seconds;
    record.seconds = 2 * seconds;
    records.push_back(std::move(record));
  }
  return records;
}

// Appends up to `most` of the remaining cases.
inline void writeCases(const fs::path& folder, const Settings& settings, std::size_t most = 1000,
                       double seconds = 0.25) {
  ResultsWriter writer(folder, settings);
  for (; most > 0 && !writer.remaining().empty(); --most)
    writer.append(recordsOf(settings, writer.remaining().front(), seconds));
}

inline std::string bytesOf(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void put(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

template <class Action>
std::string complaint(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace kvatlas::results::test
