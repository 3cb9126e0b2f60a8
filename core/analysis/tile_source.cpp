#include "core/analysis/tile_source.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace kvatlas::analysis {
namespace {

using kernels::TokenRange;

void requireInside(const trace::Reader& reader, const char* what, TokenRange range) {
  if (range.begin >= range.end || range.end > reader.tokens())
    failUsage("{} {}:{}: a range holds at least one of the {} tokens of {}", what, range.begin, range.end,
              reader.tokens(), reader.path().string());
}

}  // namespace

TileSource::TileSource(const trace::Reader& reader, const TileRequest& request)
    : m_reader(reader),
      m_request(request),
      m_dim(reader.header().model.head_dim),
      m_window(static_cast<std::size_t>(reader.header().model.sliding_window)) {
  const trace::ModelInfo& model = reader.header().model;
  requireInside(reader, "queries", request.queries);
  requireInside(reader, "keys", request.keys);
  if (request.head.value >= model.query_heads)
    failUsage("head {}: {} has {} query heads", request.head.value, reader.path().string(), model.query_heads);
  const KvHeadIndex kv_head(std::size_t{request.head.value / (model.query_heads / model.kv_heads)});
  auto bits = reader.keyBits(request.layer, kv_head, request.keys.begin, length(request.keys));
  if (!bits) failWithoutRows();
  m_keys = std::move(*bits);
}

void TileSource::failWithoutRows() const {
  const std::string path = m_reader.path().string();
  if (!m_reader.hasLayer(m_request.layer)) fail("{}: layer {} was not recorded", path, m_request.layer.value);
  fail(
      "{}: the trace stores no queries and keys of layer {}, which an exact tile needs (capture with "
      "--keep-qk)",
      path, m_request.layer.value);
}

void TileSource::loadQueries(TokenRange queries) {
  auto bits = m_reader.queryBits(m_request.layer, m_request.head, queries.begin, length(queries));
  auto lse = m_reader.signalOfHead(m_request.layer, trace::Signal::Lse, m_request.head, queries.begin, length(queries));
  if (!bits || !lse) failWithoutRows();
  m_queries = std::move(*bits);
  m_lse = std::move(*lse);
  m_loaded = queries;
}

void TileSource::compute(TokenRange queries, TokenRange keys, float* output, unsigned threads) const {
  const std::size_t row = queries.begin - m_loaded.begin;
  const kernels::TileShape shape{queries, keys, m_dim, m_window, 1.0F / std::sqrt(static_cast<float>(m_dim))};
  const kernels::TileInput input{m_queries.data() + row * m_dim,
                                 m_keys.data() + (keys.begin - m_request.keys.begin) * m_dim, m_lse.data() + row};
  const kernels::TileReport report = kernels::attentionTile(shape, input, m_request.value, output, threads);
  if (!report.ok())
    fail("{}: the attention of layer {}, head {} is not finite at query {}", m_reader.path().string(),
         m_request.layer.value, m_request.head.value, report.bad_query);
}

TokenRange TileSource::visibleKeys(std::size_t query, TokenRange keys) const {
  return {std::max(keys.begin, kernels::firstVisibleKey(query, m_window)), std::min(keys.end, query + 1)};
}

bool TileSource::anyVisible(TokenRange queries, TokenRange keys) const {
  return keys.begin < queries.end && kernels::firstVisibleKey(queries.begin, m_window) < keys.end;
}

}  // namespace kvatlas::analysis
