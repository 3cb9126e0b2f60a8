// What RULER's rows are made of: a text, and the documents and questions of SQuAD and HotpotQA.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/evaluation/haystack.h"

namespace kvatlas::evaluation {

// The words of a text in order, and after which of them a sentence ends.
struct TextWords {
  std::vector<std::string> words;
  std::vector<bool> ends_sentence;    // [words]
  std::vector<std::string> distinct;  // of four letters or more, lower case, sorted
};

struct DocumentQuestion {
  std::string question;
  std::vector<std::string> answers;
  std::vector<std::size_t> documents;  // that hold the answer
  std::vector<std::size_t> related;    // others of the same article
};

struct QuestionSet {
  std::vector<std::string> documents;  // sorted, each once
  std::vector<DocumentQuestion> questions;
  std::string name, sha256;
};

struct RulerMaterial {
  std::optional<TextWords> text;
  std::optional<QuestionSet> squad, hotpot;
};

[[nodiscard]] TextWords wordsOf(const HaystackText& haystack);
// The JSON files as published. Error names file and field.
[[nodiscard]] QuestionSet readSquad(const std::filesystem::path& file);
[[nodiscard]] QuestionSet readHotpot(const std::filesystem::path& file);

}  // namespace kvatlas::evaluation
