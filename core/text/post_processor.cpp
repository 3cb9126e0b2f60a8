#include "core/text/post_processor.h"

#include <fmt/format.h>

namespace kvatlas::text {
namespace {

std::vector<TokenId> readIds(const JsonField& token, const Vocabulary& vocabulary) {
  std::vector<TokenId> ids;
  for (const JsonField& field : token.at("ids").elements()) {
    const std::uint64_t id = field.asUnsigned();
    if (id >= vocabulary.size() || !vocabulary.contains(static_cast<TokenId>(id))) {
      field.complain(fmt::format("the id {} is not in the vocabulary", id));
    }
    ids.push_back(static_cast<TokenId>(id));
  }
  return ids;
}

void addTemplate(const JsonField& field, const Vocabulary& vocabulary, PostProcessor& result) {
  const JsonField single = field.at("single");
  std::vector<TokenId> before, after;
  bool text_seen = false;
  for (const JsonField& part : single.elements()) {
    if (const auto sequence = part.find("Sequence")) {
      if (text_seen || sequence->at("id").asString() != "A") sequence->complain("the text 'A' was expected, and once");
      text_seen = true;
      continue;
    }
    const JsonField name = part.at("SpecialToken").at("id");
    const std::vector<TokenId> ids = readIds(field.at("special_tokens").at(name.asString()), vocabulary);
    std::vector<TokenId>& side = text_seen ? after : before;
    side.insert(side.end(), ids.begin(), ids.end());
  }
  if (!text_seen) single.complain("the text 'A' is missing");
  result.before.insert(result.before.begin(), before.begin(), before.end());
  result.after.insert(result.after.end(), after.begin(), after.end());
}

void readInto(const JsonField& field, int depth, const Vocabulary& vocabulary, PostProcessor& result) {
  const std::string& type = field.at("type").asString();
  if (type == "Sequence" && depth < 8) {
    for (const JsonField& part : field.at("processors").elements()) readInto(part, depth + 1, vocabulary, result);
  } else if (type == "TemplateProcessing") {
    addTemplate(field, vocabulary, result);
  } else if (type != "ByteLevel") {
    field.complain(fmt::format("the post-processor '{}' is not supported", type));
  }
}

}  // namespace

PostProcessor readPostProcessor(const std::optional<JsonField>& field, const Vocabulary& vocabulary) {
  PostProcessor result;
  if (field) readInto(*field, 0, vocabulary, result);
  return result;
}

}  // namespace kvatlas::text
