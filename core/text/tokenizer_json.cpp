#include "core/text/tokenizer_json.h"

namespace kvatlas::text {
namespace {

using nlohmann::json;

constexpr const char* kBlank = "\u2581";

}  // namespace

json metaspaceJson(DummyPrefix prefix) {
  const char* scheme = prefix == DummyPrefix::First ? "first" : prefix == DummyPrefix::Always ? "always" : "never";
  return {{"type", "Metaspace"}, {"replacement", kBlank}, {"prepend_scheme", scheme}, {"split", false}};
}

json metaspaceDecoderJson(unsigned strip) {
  json decoders = json::array({{{"type", "Replace"}, {"pattern", {{"String", kBlank}}}, {"content", " "}},
                               {{"type", "ByteFallback"}},
                               {{"type", "Fuse"}}});
  if (strip > 0) decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", strip}, {"stop", 0U}});
  return {{"type", "Sequence"}, {"decoders", std::move(decoders)}};
}

json postProcessorJson(const std::optional<PlacedPiece>& before, const std::optional<PlacedPiece>& after) {
  json single = json::array(), tokens = json::object();
  const auto add = [&](const std::optional<PlacedPiece>& piece) {
    if (!piece) return;
    single.push_back({{"SpecialToken", {{"id", piece->text}, {"type_id", 0}}}});
    tokens[piece->text] = {{"id", piece->text}, {"ids", {piece->id}}, {"tokens", {piece->text}}};
  };
  add(before);
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  add(after);
  return {{"type", "TemplateProcessing"}, {"single", std::move(single)}, {"special_tokens", std::move(tokens)}};
}

}  // namespace kvatlas::text
