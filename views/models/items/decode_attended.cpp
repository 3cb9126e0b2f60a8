#include "views/models/items/decode_attended.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/base/error.h"
#include "core/runs/run_header.h"
#include "core/trace/generated_tokens.h"
#include "views/models/document/token_text.h"

namespace kvatlas::views {
namespace {

constexpr std::uint64_t kNeighbours = 4;  // tokens shown on each side

QString sentence(const char* text) {
  return DecodeAttended::tr(text);
}

}  // namespace

std::vector<AttendedKey> attendedKeys(const trace::AttendedLayer& layer, std::size_t step, const HeadChoice& heads,
                                      const trace::ModelInfo& model) {
  std::map<std::uint64_t, double> masses;
  const std::vector<HeadIndex> joined = headsOf(heads, model);
  for (const HeadIndex head : joined) {
    if (step >= layer.steps() || head.value >= layer.query_heads) return {};
    const std::size_t cell = layer.at(step, head.value);
    for (std::size_t k = 0; k < layer.per_head && layer.positions[cell + k] != trace::kNoToken; ++k) {
      double& mass = masses[layer.positions[cell + k]];
      const auto own = static_cast<double>(layer.mass[cell + k]);
      mass = heads.max() ? std::max(mass, own) : mass + own / static_cast<double>(joined.size());
    }
  }
  std::vector<AttendedKey> keys;
  for (const auto& [position, mass] : masses) keys.push_back({position, mass});
  std::ranges::stable_sort(keys, std::greater<>{}, &AttendedKey::mass);
  keys.resize(std::min<std::size_t>(keys.size(), layer.per_head));
  return keys;
}

DecodeAttended::DecodeAttended(Document& document, Selection& selection, QObject* parent)
    : QObject(parent), m_document(document), m_selection(selection) {
  for (const auto signal : {&Document::replaced, &Document::refreshed})
    connect(&document, signal, this, &DecodeAttended::forget);
}

void DecodeAttended::forget() {
  m_document.thread().cancel(std::exchange(m_request, 0));
  m_requested.reset();
  m_layer.reset();
  m_error.clear();
}

QString DecodeAttended::obstacle() const {
  if (!m_document.isOpen()) return sentence("No trace is open.");
  const RunId run = m_selection.focusRun();
  if (!m_document.hasRun(run)) return sentence("Choose a run in the list of runs.");
  if (isWhatIf(run)) return sentence("A what-if run generates no tokens: choose a recorded run.");
  if (!m_document.runFinished(run)) return sentence("This run is not finished.");
  if (m_document.runHeader(run).attended == 0)
    return sentence("This trace does not record what generated tokens attended to; capture it again.");
  return {};
}

const trace::AttendedLayer* DecodeAttended::layer() {
  if (!obstacle().isEmpty()) return nullptr;
  if (m_requested != wanted()) request();
  return m_layer ? &*m_layer : nullptr;
}

QString DecodeAttended::why() const {
  if (const QString reason = obstacle(); !reason.isEmpty()) return reason;
  if (m_layer && m_requested == wanted()) return {};
  return m_error.empty() ? sentence("Loading…") : QString::fromStdString(m_error);
}

std::vector<AttendedKey> DecodeAttended::keys(std::size_t step) {
  const trace::AttendedLayer* read = layer();
  if (read == nullptr) return {};
  return attendedKeys(*read, step, m_selection.head(), m_document.model());
}

void DecodeAttended::request() {
  forget();
  m_requested = wanted();
  const auto index = static_cast<std::size_t>(m_selection.focusRun());
  m_request = m_document.post(
      {Priority::Soon},
      [index, layer = m_selection.layer()](const trace::Reader& reader) { return reader.attended(index, layer); }, this,
      [this](Answer<std::optional<trace::AttendedLayer>> answer) {
        m_request = 0;
        m_error = answer.error;
        if (answer) m_layer = std::move(*answer.value);
        if (answer && !m_layer) m_error = "This run is not finished.";
        emit changed();
      });
}

// The run whose decoded tokens follow the prompt; null if the trace names an unknown decoding mode.
RunPointer DecodeAttended::fedRun(RunId run) const {
  try {
    return m_document.run(static_cast<RunId>(runs::fedBy(m_document.header(), static_cast<std::size_t>(run))));
  } catch (const Error&) {
    return nullptr;
  }
}

std::string DecodeAttended::bytesAt(RunId run, std::uint64_t position) const {
  const trace::Prompt& prompt = m_document.prompt();
  const std::uint64_t tokens = m_document.tokens();
  if (position < tokens) {
    if (prompt.text.empty()) return fmt::format(" #{}", prompt.ids[position]);
    return std::string(tokenBytes(prompt, static_cast<TokenIndex>(position)));
  }
  const auto [of_question, index] = trace::laterToken(prompt, position);
  if (of_question) {
    if (prompt.question.text.empty()) return fmt::format(" #{}", prompt.question.ids[index]);
    return std::string(trace::questionText(prompt, index));
  }
  const RunPointer fed = fedRun(run);
  if (!fed || index >= fed->run.record.decode_ids.size()) return {};
  const std::string_view text = trace::generatedText(fed->run.record, index);
  return text.empty() ? fmt::format(" #{}", fed->run.record.decode_ids[index]) : std::string(text);
}

std::string DecodeAttended::tokenOf(const RunView& view, std::uint64_t position) const {
  return isWhatIf(view.id) ? std::string() : visibleText(bytesAt(view.id, position));
}

SequenceToken DecodeAttended::token(std::uint64_t position) {
  SequenceToken token;
  if (!obstacle().isEmpty()) return token;
  const auto bytes = [&](std::uint64_t at) { return bytesAt(m_selection.focusRun(), at); };
  token.text = visibleText(bytes(position));
  const bool later = position >= m_document.tokens();
  token.of_question = later && trace::laterToken(m_document.prompt(), position).of_question;
  token.generated = later && !token.of_question;
  if (!later) token.spans = spansAt(m_document.prompt(), static_cast<TokenIndex>(position));
  std::string before, after;
  for (std::uint64_t i = position - std::min(position, kNeighbours); i < position; ++i) before += bytes(i);
  for (std::uint64_t i = position + 1; i <= position + kNeighbours; ++i)
    if (i < m_document.tokens() || later) after += bytes(i);
  token.before = visibleText(before);
  token.after = visibleText(after);
  return token;
}

}  // namespace kvatlas::views
