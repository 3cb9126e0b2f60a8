#include "core/text/sentencepiece/model_tokenizer.h"

#include <utility>

#include "core/text/llama_tokenizer.h"
#include "core/text/sentencepiece/normalise.h"

namespace kvatlas::text {
namespace {

using nlohmann::json;

json addedTokens(const SentencePieceModel& model) {
  json list = json::array();
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    const SentencePiece& piece = model.pieces[id];
    if (piece.type == PieceType::Control || piece.type == PieceType::Unknown)
      list.push_back({{"id", id}, {"content", piece.text}, {"special", true}, {"normalized", false}});
  }
  return list;
}

json vocabulary(const SentencePieceModel& model) {
  json vocabulary = json::object();
  for (std::size_t id = 0; id < model.pieces.size(); ++id) vocabulary[model.pieces[id].text] = id;
  return vocabulary;
}

std::optional<PlacedPiece> placed(const SentencePieceModel& model, std::optional<TokenId> id, bool wanted) {
  if (!id || !wanted) return std::nullopt;
  return PlacedPiece{*id, model.pieces[*id].text};
}

// Where surplus blanks are removed, a text begins with none.
unsigned blanksToStrip(const SentencePieceModel& model) {
  constexpr unsigned all = 1U << 30;
  return model.remove_extra_whitespaces ? all : model.add_dummy_prefix ? 1 : 0;
}

}  // namespace

ModelTokenizer readModelTokenizer(const std::filesystem::path& path) {
  SentencePieceModel model = readSentencePieceModel(path);
  const LlamaTokenizerRule rule = llamaTokenizerRule(path.parent_path());
  ModelTokenizer result;
  result.bos = model.bos;
  result.eos = model.eos;
  result.json = {{"added_tokens", addedTokens(model)},
                 {"decoder", metaspaceDecoderJson(blanksToStrip(model))},
                 {"post_processor", postProcessorJson(placed(model, model.bos, rule.add_bos.value_or(true)),
                                                      placed(model, model.eos, rule.add_eos.value_or(false)))},
                 {"model",
                  {{"type", "BPE"},
                   {"vocab", vocabulary(model)},
                   {"merges", json::array()},
                   {"unk_token", model.pieces[model.unknown].text}}}};
  result.normaliser = sentencePieceNormaliser(model, rule.prefix, path.string());
  result.encoder = std::make_unique<const PieceEncoder>(std::move(model));
  return result;
}

}  // namespace kvatlas::text
