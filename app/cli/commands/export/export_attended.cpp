#include "app/cli/commands/export/export_attended.h"

#include <string>

#include "core/base/error.h"
#include "core/runs/run_header.h"
#include "core/trace/generated_tokens.h"

namespace kvatlas::app {
namespace {

using trace::Reader;

// Text of tokens of the prompt, of the question and of a run's generated tokens.
class TokenTexts {
 public:
  TokenTexts(const Reader& reader, std::size_t run)
      : m_prompt(reader.header().prompt),
        m_fed(reader.run(runs::fedBy(reader.header(), run), trace::RunParts::WithoutPositions)) {}
  [[nodiscard]] std::string at(std::size_t position) const {
    if (position >= m_prompt.ids.size()) {
      const trace::LaterToken later = trace::laterToken(m_prompt, position);
      if (later.of_question) return std::string(trace::questionText(m_prompt, later.index));
      return std::string(m_fed ? trace::generatedText(*m_fed, later.index) : "");
    }
    return m_prompt.text.substr(m_prompt.offsets[position],
                                m_prompt.offsets[position + 1] - m_prompt.offsets[position]);
  }

 private:
  const trace::Prompt& m_prompt;
  std::optional<trace::RunRecord> m_fed;
};

// The chosen heads of one run and layer, step by step; tokens of the question come first, as negative steps.
void writeLayer(const trace::AttendedLayer& attended, std::size_t run, LayerIndex layer, int head_wanted,
                std::int64_t first_step, const TokenTexts& texts, TableWriter& table) {
  for (std::size_t step = 0; step < attended.steps(); ++step) {
    for (std::uint32_t head = 0; head < attended.query_heads; ++head) {
      if (head_wanted >= 0 && head != static_cast<std::uint32_t>(head_wanted)) continue;
      const std::size_t cell = attended.at(step, head);
      for (std::size_t rank = 0; rank < attended.per_head; ++rank) {
        const TokenIndex position = attended.positions[cell + rank];
        if (position == trace::kNoToken) break;
        table.row({run, first_step + static_cast<std::int64_t>(step), layer.value, head, rank + 1, position,
                   texts.at(position), tableNumber(attended.mass[cell + rank])});
      }
    }
  }
}

}  // namespace

void attendedTable(const Reader& reader, const ExportRequest& request, TableWriter& table) {
  const std::uint32_t layers = reader.header().model.layers;
  if (request.layer >= static_cast<int>(layers))
    failUsage("--layer {}: {} has {} layers", request.layer, request.file, layers);
  table.columns({"run", "step", "layer", "head", "rank", "position", "token", "mass"});
  bool any = false;
  for (const std::size_t run : chosenRuns(reader, request)) {
    if (reader.header().runs[run].attended == 0) continue;
    any = true;
    const TokenTexts texts(reader, run);
    for (std::uint32_t layer = 0; layer < layers; ++layer) {
      if (request.layer >= 0 && layer != static_cast<std::uint32_t>(request.layer)) continue;
      // The last token of the question is step 0's.
      auto question = reader.questionAttended(run, LayerIndex(layer));
      if (question && question->steps() > 1) {
        const std::size_t rows = question->steps() - 1;
        question->positions.resize(question->at(rows, 0));
        question->mass.resize(question->at(rows, 0));
        writeLayer(*question, run, LayerIndex(layer), request.head, -static_cast<std::int64_t>(rows), texts, table);
      }
      if (const auto attended = reader.attended(run, LayerIndex(layer)))
        writeLayer(*attended, run, LayerIndex(layer), request.head, 0, texts, table);
    }
  }
  if (!any) fail("{}: does not record what generated tokens attended to; capture it again", request.file);
}

}  // namespace kvatlas::app
