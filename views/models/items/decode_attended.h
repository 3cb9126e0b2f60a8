// What the focus run's generated tokens attended to, in the selected layer: read on demand, aggregated over heads.
// Qt Core only.
#pragma once

#include <QObject>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "views/models/document/selection.h"

namespace kvatlas::views {

struct AttendedKey {
  std::uint64_t position = 0;  // prompt tokens, then decoded tokens
  double mass = 0;
  friend bool operator==(const AttendedKey&, const AttendedKey&) = default;
};

// The keys of one step for a choice of heads, at most K, by descending mass, ties by position. For several heads: the
// mean of the recorded masses, or the largest; a key that a head did not record counts as
// 0.
[[nodiscard]] std::vector<AttendedKey> attendedKeys(const trace::AttendedLayer& layer, std::size_t step,
                                                    const HeadChoice& heads, const trace::ModelInfo& model);

// A prompt or decoded token as readable text with its context.
struct SequenceToken {
  std::string text, before, after, spans;
  bool generated = false, of_question = false;
};

class DecodeAttended : public QObject {
  Q_OBJECT
 public:
  DecodeAttended(Document& document, Selection& selection, QObject* parent = nullptr);

  // Null until loaded; the first call starts reading, and changed() follows. Always null if why() gives a reason.
  [[nodiscard]] const trace::AttendedLayer* layer();
  [[nodiscard]] std::vector<AttendedKey> keys(std::size_t step);  // for the selected heads; empty without a layer
  [[nodiscard]] QString why() const;                              // why there is no layer, one sentence; else empty
  [[nodiscard]] SequenceToken token(std::uint64_t position);      // of the focus run
  [[nodiscard]] std::string tokenOf(const RunView& view, std::uint64_t position) const;  // as readable text

 signals:
  void changed();

 private:
  // The data to read: focus run and selected layer.
  using Wanted = std::tuple<RunId, std::uint32_t>;
  [[nodiscard]] Wanted wanted() const { return {m_selection.focusRun(), m_selection.layer().value}; }
  [[nodiscard]] QString obstacle() const;
  [[nodiscard]] RunPointer fedRun(RunId run) const;
  [[nodiscard]] std::string bytesAt(RunId run, std::uint64_t position) const;
  void request();
  void forget();

  Document& m_document;
  Selection& m_selection;
  std::optional<Wanted> m_requested;
  std::optional<trace::AttendedLayer> m_layer;
  std::string m_error;
  RequestId m_request = 0;
};

}  // namespace kvatlas::views
