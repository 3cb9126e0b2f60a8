#include "views/models/document/run_view.h"

#include <algorithm>

namespace kvatlas::views {

bool RunView::keeps(LayerIndex layer, std::size_t stored_head, TokenIndex position) const {
  if (everything()) return position < tokens;
  const auto positions = kept(layer, stored_head);
  return std::binary_search(positions.begin(), positions.end(), position);
}

policy::Reason RunView::reason(LayerIndex layer, std::size_t stored_head, TokenIndex position) const {
  const bool is_kept = keeps(layer, stored_head, position);
  if (rule) return rule->reason(position, is_kept);
  return is_kept ? policy::Reason::Score : policy::Reason::Evicted;
}

std::uint64_t RunView::keptTokens() const {
  return run.record.keptTokens();
}

std::size_t RunView::bytes() const {
  const trace::RunRecord& r = run.record;
  return sizeof(RunView) + r.capacity.size() * 4 + r.kept_offsets.size() * 8 + r.kept_positions.size() * 4 +
         r.decode_ids.size() * 4 + r.decode_text.size() + r.kl.size() * 4 + r.evicted.size() * sizeof(trace::Eviction) +
         (r.retained.size() + r.oracle.size()) * 4;
}

std::vector<policy::Reason> reasonsOf(const RunView& view, LayerIndex layer, std::size_t stored_head) {
  using policy::Reason;
  if (view.everything()) return std::vector(view.tokens, Reason::Everything);
  std::vector reasons(view.tokens, Reason::Evicted);
  for (const TokenIndex position : view.kept(layer, stored_head))
    if (position < reasons.size()) reasons[position] = view.rule ? view.rule->reason(position, true) : Reason::Score;
  return reasons;
}

RunPointer loadRun(const trace::Reader& reader, std::size_t index, std::string title) {
  const trace::RunHeader& header = reader.header().runs.at(index);
  const auto parts = header.is_full ? trace::RunParts::WithoutPositions : trace::RunParts::Everything;
  std::optional<trace::RunRecord> record = reader.run(index, parts);
  if (!record) return nullptr;
  // A full run that does not list all tokens of all heads: show its lists.
  if (header.is_full && record->kept_offsets.back() != record->capacity.size() * reader.tokens())
    record = reader.run(index);
  if (!record) return nullptr;
  auto view = std::make_shared<RunView>();
  view->id = static_cast<RunId>(index);
  view->run = {index, header, std::move(*record), std::move(title)};
  view->model = reader.header().model;
  view->tokens = reader.tokens();
  view->question = reader.header().prompt.question.ids.size();
  view->rule = keepRuleOf(header, shapeOf(view->model, view->tokens), reader.header().attention.window);
  return view;
}

}  // namespace kvatlas::views
