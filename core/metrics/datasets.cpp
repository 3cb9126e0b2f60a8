#include "core/metrics/datasets.h"

#include <algorithm>
#include <array>

#include "core/metrics/words.h"

namespace kvatlas::metrics {
namespace {

using enum Language;

constexpr std::array kLongBench{
    Dataset{.name = "narrativeqa", .metric = "f1", .new_tokens = 128},
    Dataset{.name = "qasper", .metric = "f1", .new_tokens = 128, .extended = true},
    Dataset{.name = "multifieldqa_en", .metric = "f1", .new_tokens = 64, .extended = true},
    Dataset{.name = "multifieldqa_zh", .metric = "f1_zh", .language = Chinese, .new_tokens = 64},
    Dataset{.name = "hotpotqa", .metric = "f1", .new_tokens = 32, .extended = true},
    Dataset{.name = "2wikimqa", .metric = "f1", .new_tokens = 32, .extended = true},
    Dataset{.name = "musique", .metric = "f1", .new_tokens = 32},
    Dataset{.name = "dureader", .metric = "rouge_l_zh", .language = Chinese, .new_tokens = 128},
    Dataset{.name = "gov_report", .metric = "rouge_l", .new_tokens = 512, .extended = true},
    Dataset{.name = "qmsum", .metric = "rouge_l", .new_tokens = 512},
    Dataset{.name = "multi_news", .metric = "rouge_l", .new_tokens = 512, .extended = true},
    Dataset{.name = "vcsum", .metric = "rouge_l_zh", .language = Chinese, .new_tokens = 512},
    Dataset{.name = "trec",
            .metric = "classification",
            .new_tokens = 64,
            .first_line = true,
            .chat = false,
            .extended = true},
    Dataset{.name = "triviaqa", .metric = "f1", .new_tokens = 32, .first_line = true, .chat = false, .extended = true},
    Dataset{.name = "samsum",
            .metric = "rouge_l",
            .new_tokens = 128,
            .first_line = true,
            .chat = false,
            .stops_at_line_end = true,
            .extended = true},
    Dataset{.name = "lsht",
            .metric = "classification",
            .language = Chinese,
            .new_tokens = 64,
            .first_line = true,
            .chat = false},
    Dataset{.name = "passage_count", .metric = "count", .new_tokens = 32, .extended = true},
    Dataset{.name = "passage_retrieval_en", .metric = "retrieval", .new_tokens = 32, .extended = true},
    Dataset{.name = "passage_retrieval_zh", .metric = "retrieval_zh", .language = Chinese, .new_tokens = 32},
    Dataset{.name = "lcc", .metric = "code_sim", .language = Code, .new_tokens = 64, .chat = false, .extended = true},
    Dataset{.name = "repobench-p",
            .metric = "code_sim",
            .language = Code,
            .new_tokens = 64,
            .chat = false,
            .extended = true}};

constexpr std::array kRuler{Dataset{.name = "niah_single_1", .metric = "string_match_all", .new_tokens = 128},
                            Dataset{.name = "niah_single_2", .metric = "string_match_all", .new_tokens = 128},
                            Dataset{.name = "niah_single_3", .metric = "string_match_all", .new_tokens = 128},
                            Dataset{.name = "niah_multikey_1", .metric = "string_match_all", .new_tokens = 128},
                            Dataset{.name = "niah_multikey_2", .metric = "string_match_all", .new_tokens = 128},
                            Dataset{.name = "niah_multikey_3", .metric = "string_match_all", .new_tokens = 128},
                            Dataset{.name = "niah_multivalue", .metric = "string_match_all", .new_tokens = 128},
                            Dataset{.name = "niah_multiquery", .metric = "string_match_all", .new_tokens = 128},
                            Dataset{.name = "vt", .metric = "string_match_all", .new_tokens = 30},
                            Dataset{.name = "cwe", .metric = "string_match_all", .new_tokens = 120},
                            Dataset{.name = "fwe", .metric = "string_match_all", .new_tokens = 50},
                            Dataset{.name = "qa_1", .metric = "string_match_part", .new_tokens = 32},
                            Dataset{.name = "qa_2", .metric = "string_match_part", .new_tokens = 32}};

}  // namespace

std::span<const Dataset> longBench() {
  return kLongBench;
}
std::span<const Dataset> ruler() {
  return kRuler;
}

const Dataset* findDataset(std::string_view name) {
  if (name.ends_with("_e")) name.remove_suffix(2);
  for (const std::span<const Dataset> table : {longBench(), ruler()})
    if (const auto found = std::ranges::find(table, name, &Dataset::name); found != table.end()) return &*found;
  return nullptr;
}

std::string_view countedPart(const Dataset& dataset, std::string_view prediction) {
  return dataset.first_line ? firstLine(prediction) : prediction;
}

}  // namespace kvatlas::metrics
