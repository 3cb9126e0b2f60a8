#include "views/models/figures/trace_facts.h"

#include <QByteArray>
#include <QCryptographicHash>

namespace kvatlas::views {
namespace {

std::string hashOfIds(const std::vector<TokenId>& ids) {
  QByteArray bytes;
  bytes.reserve(static_cast<qsizetype>(ids.size() * 4));
  for (const TokenId id : ids)
    for (int shift = 0; shift < 32; shift += 8) bytes.append(static_cast<char>((id >> shift) & 0xFF));
  return QCryptographicHash::hash(bytes, QCryptographicHash::Sha256).toHex().toStdString();
}

}  // namespace

TraceFacts traceFacts(const trace::Reader& reader) {
  const trace::TraceHeader& header = reader.header();
  const trace::ModelInfo& model = header.model;
  TraceFacts facts;
  facts.file = reader.path().filename().string();
  facts.model = model.name;
  facts.architecture = model.architecture;
  facts.compute_dtype = model.compute_dtype;
  facts.weights_fingerprint = model.weights_fingerprint;
  facts.generator = header.generator;
  facts.created = header.created;
  facts.prompt_sha256 = hashOfIds(header.prompt.ids);
  facts.layers = model.layers;
  facts.query_heads = model.query_heads;
  facts.kv_heads = model.kv_heads;
  facts.window = header.attention.window;
  facts.tokens = reader.tokens();
  facts.sliding_window = model.sliding_window;
  facts.spans = header.prompt.spans;
  facts.complete = reader.complete();
  return facts;
}

}  // namespace kvatlas::views
