#include "core/evaluation/ruler/ruler_material.h"

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json_field.h"
#include "core/base/sha256.h"
#include "core/metrics/words.h"

namespace kvatlas::evaluation {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;

// Documents by number in sorted order, so that the rows do not depend on the order of the file.
class Documents {
 public:
  explicit Documents(const std::set<std::string>& texts) : m_texts(texts.begin(), texts.end()) {}
  [[nodiscard]] std::size_t numberOf(const std::string& text) const {
    return static_cast<std::size_t>(std::ranges::lower_bound(m_texts, text) - m_texts.begin());
  }
  [[nodiscard]] std::vector<std::string> take() { return std::move(m_texts); }

 private:
  std::vector<std::string> m_texts;
};

template <class Read>
QuestionSet readSet(const std::filesystem::path& file, const char* expected, const Read& read) {
  const std::string text = readFile(file, kMostBytes);
  const json data = parseJson(text, file.string());
  try {
    QuestionSet set = read(data);
    if (set.questions.empty()) fail("{}: contains no question with an answer", file.string());
    set.name = file.filename().string();
    set.sha256 = sha256Hex(text);
    return set;
  } catch (const json::exception& error) {
    fail("{}: expected {}: {}", file.string(), expected, error.what());
  }
}

void addParagraph(const json& paragraph, const std::vector<std::size_t>& article, std::size_t number,
                  QuestionSet& set) {
  for (const json& asked : paragraph.at("qas")) {
    if (asked.value("is_impossible", false)) continue;
    DocumentQuestion one{.question = asked.at("question").get<std::string>(), .documents = {number}};
    for (const json& answer : asked.at("answers")) one.answers.push_back(answer.at("text").get<std::string>());
    for (const std::size_t other : article)
      if (other != number) one.related.push_back(other);
    if (!one.answers.empty()) set.questions.push_back(std::move(one));
  }
}

std::string hotpotDocument(const json& titled) {
  std::string text = titled.at(0).get<std::string>() + "\n";
  for (const json& sentence : titled.at(1)) text += sentence.get<std::string>();
  return text;
}

bool isWord(const std::string& text) {
  constexpr std::size_t kLeast = 4;
  return text.size() >= kLeast && std::ranges::all_of(text, [](char c) { return c >= 'a' && c <= 'z'; });
}

std::string lowerOf(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

}  // namespace

TextWords wordsOf(const HaystackText& haystack) {
  TextWords text{.words = metrics::splitAtBlanks(haystack.text)};
  std::set<std::string> distinct;
  for (const std::string& word : text.words) {
    text.ends_sentence.push_back(endsSentence(word, word.size()));
    if (std::string lower = lowerOf(metrics::withoutPunctuation(word, false)); isWord(lower))
      distinct.insert(std::move(lower));
  }
  text.distinct.assign(distinct.begin(), distinct.end());
  return text;
}

QuestionSet readSquad(const std::filesystem::path& file) {
  return readSet(file, "SQuAD's JSON", [](const json& data) {
    std::set<std::string> texts;
    for (const json& article : data.at("data"))
      for (const json& paragraph : article.at("paragraphs")) texts.insert(paragraph.at("context").get<std::string>());
    Documents documents(texts);
    QuestionSet set;
    for (const json& article : data.at("data")) {
      std::vector<std::size_t> numbers;
      for (const json& paragraph : article.at("paragraphs"))
        numbers.push_back(documents.numberOf(paragraph.at("context").get<std::string>()));
      std::size_t at = 0;
      for (const json& paragraph : article.at("paragraphs")) addParagraph(paragraph, numbers, numbers[at++], set);
    }
    set.documents = documents.take();
    return set;
  });
}

QuestionSet readHotpot(const std::filesystem::path& file) {
  return readSet(file, "HotpotQA's JSON", [](const json& data) {
    std::set<std::string> texts;
    for (const json& row : data)
      for (const json& titled : row.at("context")) texts.insert(hotpotDocument(titled));
    Documents documents(texts);
    QuestionSet set;
    for (const json& row : data) {
      DocumentQuestion one{.question = row.at("question").get<std::string>(),
                           .answers = {row.at("answer").get<std::string>()}};
      for (const json& titled : row.at("context")) one.documents.push_back(documents.numberOf(hotpotDocument(titled)));
      set.questions.push_back(std::move(one));
    }
    set.documents = documents.take();
    return set;
  });
}

}  // namespace kvatlas::evaluation
